"""Reading a file where it is, piece by piece."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Iterator

import pytest

from gateway.sdk import errors
from gateway.sdk.patience import ASKING
from gateway.sdk.remote import READ_AHEAD, open_remote
from gateway.sdk.transport import Transport
from tests.unit.sdk.origin import Answer, Asked, Origin, item, problem, ranged

CONTENT = os.urandom(3 * READ_AHEAD + 17)


@pytest.fixture
def file(origin: Origin) -> Iterator[io.BufferedReader]:
    origin.script = lambda asked: ranged(asked, CONTENT)
    transport = Transport(origin.url, "hbg_t", "en", ASKING)
    with open_remote(transport, "lab", "set", "ab" * 20, item("a.bin", CONTENT)) as opened:
        yield opened
    transport.close()


def test_it_reads_like_the_file_that_it_is(file: io.BufferedReader) -> None:
    local = io.BytesIO(CONTENT)
    for offset, whence, count in [(5, 0, 10), (0, 1, 3), (-20, 2, 100), (READ_AHEAD, 0, 2 * READ_AHEAD), (0, 0, -1)]:
        assert file.seek(offset, whence) == local.seek(offset, whence)
        assert file.read(count) == local.read(count)
        assert file.tell() == local.tell()
    file.seek(len(CONTENT) + 5)
    assert file.read(3) == b""
    with pytest.raises(ValueError):
        file.seek(-1)


def test_small_reads_share_a_request_and_reading_all_takes_one_more(file: io.BufferedReader, origin: Origin) -> None:
    for _ in range(100):
        file.read(1000)
    assert [asked.headers["range"] for asked in origin.asked] == [f"bytes=0-{READ_AHEAD - 1}"]
    assert file.read() == CONTENT[100_000:]
    assert len(origin.asked) == 2


def test_whoever_reads_on_has_the_next_piece_come_meanwhile_and_pieces_grow(
    file: io.BufferedReader, origin: Origin
) -> None:
    assert b"".join(iter(lambda: file.read(50_000), b"")) == CONTENT
    spans = sorted(tuple(int(number) for number in _span(asked)) for asked in origin.asked)
    assert spans == [(0, READ_AHEAD - 1), (READ_AHEAD, 3 * READ_AHEAD - 1), (3 * READ_AHEAD, len(CONTENT) - 1)]


def test_whoever_jumps_about_gets_nothing_ahead(file: io.BufferedReader, origin: Origin) -> None:
    for at in (2 * READ_AHEAD, 0, 1_500_000):
        file.seek(at)
        assert file.read(10) == CONTENT[at : at + 10]
    assert len(origin.asked) == 3


def test_a_stop_is_felt_although_bytes_that_came_before_it_are_left(file: io.BufferedReader, origin: Origin) -> None:
    def script(asked: Asked) -> Answer:
        ahead = _span(asked)[0] == str(3 * READ_AHEAD)
        return problem(451, "revoked", notice_url="https://gw/notices/7") if ahead else ranged(asked, CONTENT)

    origin.script = script
    file.read(READ_AHEAD + 1000)
    for thread in threading.enumerate():
        if thread.name == "hubgate-read-ahead":
            thread.join()
    with pytest.raises(errors.Stopped):  # most is left of a piece that came whole
        file.read(READ_AHEAD)


def test_a_broken_connection_is_taken_up_where_it_broke(file: io.BufferedReader, origin: Origin) -> None:
    def script(asked: Asked) -> Answer:
        answer = ranged(asked, CONTENT)
        answer.cut = 1000 if len(origin.asked) == 1 else None
        return answer

    origin.script = script
    assert file.read(5000) == CONTENT[:5000]
    assert origin.asked[1].headers["range"] == f"bytes=1000-{READ_AHEAD - 1}"


def test_a_stop_is_felt_with_the_next_piece(file: io.BufferedReader, origin: Origin) -> None:
    file.read(10)
    origin.script = lambda asked: problem(451, "revoked", notice_url="https://gw/notices/7")
    file.seek(2 * READ_AHEAD)
    with pytest.raises(errors.Stopped):
        file.read(10)


def test_an_origin_that_ignores_ranges_is_refused(file: io.BufferedReader, origin: Origin) -> None:
    origin.script = lambda asked: Answer(200, CONTENT)
    with pytest.raises(errors.NotAGateway):
        file.read(10)


def test_a_zip_is_read_without_its_bulk(origin: Origin) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("small.txt", "hello")
        archive.writestr("bulk.bin", os.urandom(8 * READ_AHEAD))
    content = packed.getvalue()
    origin.script = lambda asked: ranged(asked, content)
    transport = Transport(origin.url, "hbg_t", "en", ASKING)
    with (
        open_remote(transport, "lab", "set", "ab" * 20, item("a.zip", content)) as opened,
        zipfile.ZipFile(opened) as archive,
    ):
        assert archive.read("small.txt") == b"hello"
    transport.close()
    sent = sum(int(span[1]) - int(span[0]) + 1 for asked in origin.asked for span in [_span(asked)])
    assert sent < len(content) / 2


def _span(asked: Asked) -> list[str]:
    return asked.headers["range"].removeprefix("bytes=").split("-")
