import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceguard.containers.zip import pictures
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Held


def packed(
    *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, data in entries:
            archive.writestr(name, data, compress_type=method)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_come_out_as_they_went_in(method, take, picture):
    entries = [("a.png", picture(1)), ("deep/b.PNG", picture(2)), ("labels.csv", b"a,b"), ("图.png", picture(3))]
    assert take(pictures, packed(*entries, method=method, comment=b"hello")) == [picture(1), picture(2), picture(3)]


def test_pictures_are_chosen_evenly(take, picture):
    data = packed(*((f"{number}.png", picture(number)) for number in range(100)))
    assert take(pictures, data, limit=8) == [picture(number) for number in (6, 18, 31, 43, 56, 68, 81, 93)]


def test_only_the_directory_and_what_was_chosen_are_read(watched):
    source = watched(packed(*((f"{number}.png", bytes([number]) * 500_000) for number in range(20)), method=0))
    list(pictures(source, 5, 2**20))
    assert source.bytes < source.size / 20
    assert source.ranges < 20


def test_a_directory_of_many_windows_is_read_to_its_end(take, picture):
    blank = (f"{'x' * 200}{number}.txt" for number in range(6000))
    data = packed(*((name, b"") for name in blank), ("last.png", picture(1)))
    assert take(pictures, data) == [picture(1)]


def test_large_archives_by_the_64_bit_records(take, picture, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = packed(*((f"{number}.png", picture(number) + bytes(200)) for number in range(4)))
    assert b"PK\6\6" in data
    assert take(pictures, data) == [picture(number) + bytes(200) for number in range(4)]


def test_a_link_is_passed_over(take, picture):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    assert take(pictures, packed((link, b"/etc/passwd"), ("a.png", picture(1)))) == [picture(1)]


def test_bad_entries_cost_themselves_alone(take, picture):
    data = packed(
        ("/root.png", picture(0)),
        ("../up.png", picture(0)),
        ("inner.zip", packed(("x.png", picture(0)))),
        ("large.png", bytes(2000)),
        ("good.png", picture(1)),
    )
    assert take(pictures, data, most=1999) == [
        Why.UNSAFE_NAME,
        Why.UNSAFE_NAME,
        Why.NESTED_ARCHIVE,
        Why.TOO_LARGE,
        picture(1),
    ]


def changed(data: bytes, magic: bytes, at: int, kind: str, value: int) -> bytes:
    """The archive with one field changed in each header of a sort."""
    out = bytearray(data)
    place = out.find(magic)
    while place >= 0:
        struct.pack_into(kind, out, place + at, value)
        place = out.find(magic, place + 4)
    return bytes(out)


CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([(CENTRAL, 8, "<H", 1)], Why.ENCRYPTED),
        ([(CENTRAL, 10, "<H", 99)], Why.ENCRYPTED),
        ([(LOCAL, 6, "<H", 1)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 10, "<H", 12)], Why.UNSUPPORTED_PACKING),
        ([(LOCAL, 8, "<H", 0)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 24, "<L", 50)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 24, "<L", 5000)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 16, "<L", 1)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 42, "<L", 7)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 42, "<L", 2**31)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 20, "<L", 2**31)], Why.DAMAGED_ARCHIVE),
        ([(LOCAL, 30, "<B", ord("z"))], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 34, "<H", 3)], Why.DAMAGED_ARCHIVE),
        ([(END, 10, "<H", 2), (END, 8, "<H", 2)], Why.DAMAGED_ARCHIVE),
        ([(END, 12, "<L", 3)], Why.DAMAGED_ARCHIVE),
        ([(END, 16, "<L", 0)], Why.DAMAGED_ARCHIVE),
        ([(END, 20, "<H", 9)], Why.DAMAGED_ARCHIVE),
        ([(END, 10, "<H", 0xFFFF), (END, 8, "<H", 0xFFFF)], Why.DAMAGED_ARCHIVE),
        ([(CENTRAL, 24, "<L", 0xFFFFFFFF)], Why.DAMAGED_ARCHIVE),
    ],
)
def test_an_archive_that_does_not_tell_the_truth_is_refused(changes, why, take, picture):
    data = packed(("a.png", picture(1) * 30))
    for change in changes:
        data = changed(data, *change)
    assert take(pictures, data) == [why]


def test_a_bomb_makes_no_more_bytes_than_were_told(take):
    # 12 MiB of zeros told as 1000 bytes: unpacking stops at the 1001st
    data = changed(packed(("a.bmp", bytes(12 * 2**20))), CENTRAL, 24, "<L", 1000)
    assert take(pictures, data) == [Why.DAMAGED_ARCHIVE]
    assert take(pictures, packed(("a.bmp", bytes(20 * 2**20))), most=2**30) == [Why.TOO_LARGE]


def test_entries_that_share_their_bytes_refuse_the_whole(take):
    once = packed(("a.png", bytes(range(256)) * 40), method=zipfile.ZIP_STORED)
    start, end = once.index(CENTRAL), once.index(END)
    entry = once[start:end]
    tail = struct.pack("<4s4H2LH", END, 0, 0, 50, 50, 50 * len(entry), start, 0)
    assert take(pictures, once[:start] + entry * 50 + tail) == [Why.DAMAGED_ARCHIVE]


def test_an_archive_cut_short_or_longer_than_it_says_is_refused(take, picture):
    data = packed(("a.png", picture(1)), ("b.png", picture(2)))
    for altered in (data[:-1], data[:50], data + b"x", b"x" + data, data[:4]):
        assert take(pictures, altered) == [Why.DAMAGED_ARCHIVE]


def test_an_empty_archive_has_no_pictures(take):
    assert take(pictures, packed()) == []


@given(st.data())
def test_damage_anywhere_is_refused_or_read_but_raises_nothing_else(data):
    whole = bytearray(packed(("a.png", b"1" * 600), ("b.png", bytes(range(200))), ("c.zip", b"3"), comment=b"hi"))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        for one in pictures(Held(bytes(whole)), 8, 2**20):
            assert one is not None
    except Unsafe as refusal:
        assert refusal.why is Why.DAMAGED_ARCHIVE  # noqa: PT017
