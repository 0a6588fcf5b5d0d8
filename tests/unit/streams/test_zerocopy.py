"""The protocol on real sockets: zero-copy sending, keep-alive, pipelining, back-pressure, and the cut."""

import asyncio
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from gateway.streams.connection import SEND_BUFFER_FIRST, SEND_BUFFER_MOST, Connection, FileTooShort
from tests.unit.streams.servers import Signal, connect, get, read_response, read_to_reset, reset, running

SMALL, BIG = 50_000, 40_000_000


@pytest.fixture(scope="module")
def files() -> Iterator[dict[str, Path]]:
    folder = Path(tempfile.mkdtemp())
    made = {"/small": os.urandom(SMALL), "/big": os.urandom(1_000_000) * 40, "/empty": b""}
    for name, content in made.items():
        (folder / name[1:]).write_bytes(content)
    yield {name: folder / name[1:] for name in made}
    shutil.rmtree(folder)


class Files:
    """Answers with a file, in windows; keeps the connection of the last request."""

    def __init__(self, files: dict[str, Path], window: int = 16_000_000, promise: int = 0) -> None:
        self.files, self.window, self.promise = files, window, promise
        self.link: Connection | None = None
        self.started: Signal[asyncio.AbstractEventLoop] = Signal()
        self.done: Signal[tuple[int, bool]] = Signal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        link = self.link = scope["extensions"]["hubgate.connection"]
        path = self.files[scope["path"]]
        size = path.stat().st_size
        length = str(size + self.promise).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        self.started.set(asyncio.get_running_loop())
        with path.open("rb") as file:
            for offset in range(0, max(size, 1), self.window):
                count = min(self.window, size - offset)
                more = offset + count < size
                await send(zero_copy(file, offset, count, more))
        self.done.set((link.handed, link.closed))


def zero_copy(file: Any, offset: int | None, count: int | None, more: bool) -> dict[str, Any]:
    message = {"type": "http.response.zerocopysend", "file": file, "more_body": more}
    if offset is not None:
        message["offset"] = offset
    if count is not None:
        message["count"] = count
    return message


@pytest.mark.parametrize("name", ["/small", "/big", "/empty"])
def test_a_file_arrives_as_it_is(files: dict[str, Path], name: str) -> None:
    with running(Files(files)) as (host, port), httpx2.Client() as client:
        for _ in range(2):
            answer = client.get(f"http://{host}:{port}{name}")
            assert answer.content == files[name].read_bytes()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_gets_several_files_over_one_connection(files: dict[str, Path], tmp_path: Path) -> None:
    with running(Files(files)) as (host, port):
        command = ["curl", "-sS", "--fail", "-w", "%{num_connects} "]
        for name in ("/small", "/big", "/empty", "/small"):
            command += ["-o", str(tmp_path / name[1:]), f"http://{host}:{port}{name}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "0", "0", "0"]
    for name in ("/small", "/big", "/empty"):
        assert (tmp_path / name[1:]).read_bytes() == files[name].read_bytes()


@pytest.mark.parametrize("name", ["/small", "/big"])
def test_head_has_the_length_and_no_body(files: dict[str, Path], name: str) -> None:
    with running(Files(files)) as address, connect(address) as sock:
        for _ in range(2):
            sock.sendall(get(name, method="HEAD"))
            head, body = read_response(sock, method="HEAD")
            assert b"content-length: %d" % files[name].stat().st_size in head
            assert body == b""
        sock.sendall(get("/small"))
        assert len(read_response(sock)[1]) == SMALL


def test_pipelined_requests_are_answered_in_their_order(files: dict[str, Path]) -> None:
    with running(Files(files)) as address, connect(address) as sock:
        names = ["/small", "/big", "/empty", "/small", "/big"]
        sock.sendall(b"".join(get(name) for name in names))
        for name in names:
            assert read_response(sock)[1] == files[name].read_bytes()


def test_http_1_0_is_answered_whole_and_then_closed(files: dict[str, Path]) -> None:
    with running(Files(files)) as address, connect(address) as sock:
        sock.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        assert read_response(sock)[1] == files["/big"].read_bytes()
        assert read_to_reset(sock) == (0, False)


def test_windows_of_any_size_join_without_a_seam(files: dict[str, Path]) -> None:
    for window in (1_000, 65_536, 65_537, 3_000_001):
        name = "/small" if window == 1_000 else "/big"
        with running(Files(files, window=window)) as address, connect(address) as sock:
            sock.sendall(get(name))
            assert read_response(sock)[1] == files[name].read_bytes()


def test_without_offset_and_count_the_rest_of_the_file_is_sent(files: dict[str, Path]) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        with files[scope["path"]].open("rb", buffering=0) as file:
            rest = file.seek(0, os.SEEK_END) - 100
            file.seek(100)
            head = [(b"content-length", str(rest).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send(zero_copy(file, None, 10, True))
            await send(zero_copy(file, None, None, False))

    with running(respond) as address, connect(address) as sock:
        for name in ("/small", "/big"):
            sock.sendall(get(name))
            assert read_response(sock)[1] == files[name].read_bytes()[100:]


def test_bytes_and_files_may_alternate_in_one_body(files: dict[str, Path]) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        head = [(b"content-length", str(2 * BIG + 6).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        with files["/big"].open("rb") as file:
            for _ in range(2):
                await send({"type": "http.response.body", "body": b"abc", "more_body": True})
                await send(zero_copy(file, 0, BIG, True))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    big = files["/big"].read_bytes()
    with running(respond) as address, connect(address) as sock:
        sock.sendall(get())
        assert read_response(sock)[1] == (b"abc" + big) * 2


def test_a_slow_reader_gets_all_and_the_process_keeps_nothing_of_it_in_memory(files: dict[str, Path]) -> None:
    app = Files(files)
    with running(app) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get("/big"))
        app.started.wait()
        time.sleep(0.2)  # while the reader takes nothing
        assert app.link is not None
        assert app.link.handed <= 2 * SEND_BUFFER_FIRST + 65536
        assert app.link._transport.get_write_buffer_size() == 0
        assert read_response(sock)[1] == files["/big"].read_bytes()


def test_a_stalled_reader_that_is_cut_gets_a_reset_and_little_more(files: dict[str, Path]) -> None:
    app = Files(files)
    with running(app) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get("/big"))
        loop = app.started.wait()
        sock.recv(1000)
        time.sleep(0.1)  # until the sender is stalled
        assert app.link is not None
        loop.call_soon_threadsafe(app.link.abort)
        handed, closed = app.done.wait()
        received, was_reset = read_to_reset(sock)
        assert closed
        assert was_reset
        assert received <= 64 * 1024
        left = app.link.unacknowledged()
        # The head is acknowledged too but no part of the body.
        assert 0 < left < handed
        assert handed - left <= 1000 + 64 * 1024


def test_a_client_that_leaves_ends_the_sending(files: dict[str, Path]) -> None:
    for leave in (reset, lambda sock: sock.close()):
        app = Files(files)
        with running(app) as address:
            sock = connect(address, receive_buffer=8192)
            sock.sendall(get("/big"))
            app.started.wait()
            sock.recv(1000)
            leave(sock)
            handed, closed = app.done.wait()
            assert closed
            assert handed < BIG


def test_the_guard_stops_a_sender_at_its_next_hand_over(files: dict[str, Path]) -> None:
    asked: list[int] = []
    ended: Signal[int] = Signal()

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        link: Connection = scope["extensions"]["hubgate.connection"]

        def guard() -> bool:
            asked.append(link.handed)
            return link.handed == 0

        link.guard = guard
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % BIG)]})
        with files["/big"].open("rb") as file:
            await send(zero_copy(file, 0, BIG, False))
        handed = link.handed
        link.abort()
        ended.set(handed)

    with running(respond) as address, connect(address) as sock:
        sock.sendall(get())
        assert read_to_reset(sock)[1]
        assert asked == [0, ended.wait()]


def test_the_send_buffer_grows_for_a_reader_that_drains_and_not_before(files: dict[str, Path]) -> None:
    app = Files(files)
    with running(app) as address, connect(address) as sock:
        sock.sendall(get("/small"))
        read_response(sock)
        assert app.link is not None
        assert app.link._buffer == SEND_BUFFER_FIRST
        for _ in range(5):
            sock.sendall(get("/big"))
            read_response(sock)
        assert app.link._buffer == SEND_BUFFER_MOST


def test_a_file_shorter_than_promised_never_looks_complete(
    files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("/small", "/big"):
        with running(Files(files, promise=1000)) as address, connect(address) as sock:
            sock.sendall(get(name))
            with pytest.raises(ConnectionError):
                read_response(sock)
    assert "shorter than Content-Length" in caplog.text


@pytest.mark.parametrize("name", ["/small", "/big"])
def test_a_count_beyond_the_end_of_the_file_is_an_error(
    files: dict[str, Path], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        count = files[name].stat().st_size + 10
        head = [(b"content-length", str(count).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        with files[name].open("rb") as file:
            await send(zero_copy(file, 10, count, False))

    with running(respond) as address, connect(address) as sock:
        sock.sendall(get())
        try:
            head, _ = read_response(sock)
        except ConnectionError:
            head = b"broken off"
        assert b"200" not in head
    assert any(record.exc_info and record.exc_info[0] is FileTooShort for record in caplog.records)


@pytest.mark.parametrize("length", [[(b"content-length", b"100")], []])
def test_more_bytes_than_promised_are_never_sent(
    files: dict[str, Path], length: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": length})
        with files["/big"].open("rb") as file:
            await send(zero_copy(file, 0, BIG, False))

    with running(respond) as address, connect(address) as sock:
        sock.sendall(get())
        received, _ = read_to_reset(sock)
        assert received < 1000
    assert "Content-Length" in caplog.text


def test_a_head_and_a_small_body_leave_in_one_segment(files: dict[str, Path]) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello", "more_body": False})

    with running(respond) as address, connect(address) as sock:
        sock.sendall(get())
        assert sock.recv(65536).endswith(b"\r\n\r\nhello")


def test_an_application_that_fails_before_its_body_gives_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        raise LookupError

    with running(respond) as (host, port):
        assert httpx2.get(f"http://{host}:{port}/").status_code == 500
    assert caplog.records[0].levelno == logging.ERROR


def test_a_request_head_without_end_is_refused(files: dict[str, Path]) -> None:
    with running(Files(files)) as address, connect(address) as sock:
        sock.sendall(b"GET /small HTTP/1.1\r\nx: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            sock.sendall(b"a" * 10_000_000)


def test_one_stalled_reader_does_not_hold_up_the_others(files: dict[str, Path]) -> None:
    with running(Files(files)) as address, connect(address, receive_buffer=8192) as stalled:
        stalled.sendall(get("/big"))
        for _ in range(3):
            with connect(address) as sock:
                sock.sendall(get("/big"))
                assert read_response(sock)[1] == files["/big"].read_bytes()
