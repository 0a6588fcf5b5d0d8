import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceguard.containers.tar import is_tar, pictures
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Held


def packed(*entries: tuple[str | tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for entry, data in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_shard_gives_its_pictures_and_none_of_its_labels(format, take, picture):
    shard = []
    for number in range(5):
        shard += [(f"{number:06}.png", picture(number)), (f"{number:06}.json", b"{}"), (f"{number:06}.cls", b"7")]
    assert take(pictures, packed(*shard, format=format)) == [picture(number) for number in range(5)]


def test_pictures_are_chosen_evenly(take, picture):
    data = packed(*((f"{number}.png", picture(number)) for number in range(100)))
    assert take(pictures, data, limit=8) == [picture(number) for number in (6, 18, 31, 43, 56, 68, 81, 93)]


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(format, take, picture):
    name = "a" * 300 + "/人" + "b" * 90 + ".png"
    assert take(pictures, packed((name, picture(1)), ("short.png", picture(2)), format=format)) == [
        picture(1),
        picture(2),
    ]


def test_only_headers_and_what_was_chosen_are_read(watched, picture):
    big = bytes(300_000)
    source = watched(packed(*((f"{number}.png", big) for number in range(50))))
    list(pictures(source, 5, 2**20))
    assert source.bytes < source.size / 50


def test_small_files_side_by_side_share_a_request(watched):
    source = watched(packed(*((f"{number}.png", b"12") for number in range(400))))
    list(pictures(source, 5, 2**20))
    assert source.ranges < 150


def test_links_devices_and_folders_are_passed_over(take, picture):
    odd = []
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        info = tarfile.TarInfo("link.png")
        info.type, info.linkname = kind, "/etc/passwd"
        odd.append((info, b""))
    assert take(pictures, packed(*odd, ("a.png", picture(1)))) == [picture(1)]


def test_bad_entries_cost_themselves_alone(take, picture):
    data = packed(
        ("/root.png", picture(0)),
        ("../up.png", picture(0)),
        ("inner.tar", packed(("x.png", picture(0)))),
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


def lying(size: bytes) -> bytes:
    """A tar whose only entry tells another size than it has, with a sum that adds up."""
    data = bytearray(packed(("a.png", b"x" * 100), format=tarfile.USTAR_FORMAT))
    data[124:136] = size
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


@pytest.mark.parametrize(
    "size", [b"77777777777\0", b"\x80" + bytes(3) + b"\1" + bytes(7), b"\xff" * 12, b"-0000000001\0"]
)
def test_an_entry_that_ends_behind_the_archive_refuses_the_whole(size, take):
    assert take(pictures, lying(size)) == [Why.DAMAGED_ARCHIVE]


def test_an_archive_cut_short_is_refused(take, picture):
    data = packed(*((f"{number}.png", picture(number)) for number in range(9)))
    for length in (700, 1500, 5000):
        assert take(pictures, data[:length]) == [Why.DAMAGED_ARCHIVE]


def test_a_header_that_does_not_add_up_is_refused(take, picture):
    data = bytearray(packed(("a.png", picture(1)), ("b.png", picture(2))))
    at = data.index(b"b.png")
    data[at] = ord("c")
    assert take(pictures, bytes(data)) == [Why.DAMAGED_ARCHIVE]


@pytest.mark.parametrize(
    "note",
    [b"9999999 path=a\n", b"x path=a\n", b"12 path", b"20 size=-100000000000\n", b"30 size=" + b"9" * 21 + b"\n"],
)
def test_extended_headers_that_lie_are_refused(note, take, picture):
    info = tarfile.TarInfo("note")
    info.type = tarfile.XHDTYPE
    data = packed((info, note), ("a.png", picture(1)), format=tarfile.USTAR_FORMAT)
    assert take(pictures, data) == [Why.DAMAGED_ARCHIVE]


def test_a_sparse_file_is_passed_over(take, picture):
    info = tarfile.TarInfo("sparse.png")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    assert take(pictures, packed((info, bytes(512)), ("a.png", picture(1)))) == [picture(1)]


def test_a_tar_is_told_by_its_first_header(picture):
    assert is_tar(packed(("a.png", picture(1)))[:512])
    assert is_tar(bytes(512))
    assert not is_tar(bytes(100))
    assert not is_tar(b"x" * 512)
    assert not is_tar(picture(1).ljust(512, b"\0"))


@given(st.data())
def test_damage_anywhere_is_refused_or_read_but_raises_nothing_else(data):
    whole = bytearray(packed(("a.png", b"1" * 600), ("b" * 120 + ".png", b"2" * 10), ("c.zip", b"3")))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        for one in pictures(Held(bytes(whole)), 8, 2**20):
            assert one
    except Unsafe as refusal:
        assert refusal.why is Why.DAMAGED_ARCHIVE  # noqa: PT017
