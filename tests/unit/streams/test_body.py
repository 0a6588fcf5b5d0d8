"""Bodies on real sockets: exact lengths, and how each ending is told."""

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.blobs.base import Blob, BlobsUnavailable
from gateway.blobs.filesystem import FileOriginals
from gateway.streams.body import Ended, NotServing, Outcome, connection_of, send_blob
from gateway.streams.ranges import etag_of, evaluate
from gateway.streams.registry import Ending, Registry
from tests.unit.streams.servers import Signal, connect, get, read_response, read_to_reset, reset, running

BIG = bytes(range(256)) * 150_000
SUBJECT = frozenset({"version:v"})


class Copied:
    """A blob without a descriptor, as a remote store gives it."""

    def __init__(self, blob: Blob, missing: int = 0) -> None:
        self._blob = blob
        self._missing = missing
        self.size = blob.size

    def fileno(self) -> None:
        return None

    def read(self, start: int, stop: int) -> bytes:
        return self._blob.read(start, stop)

    async def chunks(self, start: int, stop: int) -> Any:
        async for piece in self._blob.chunks(start, stop - self._missing):
            yield piece
        if self._missing:
            raise BlobsUnavailable("the store went away")

    def close(self) -> None:
        self._blob.close()


class Gate:
    """Serves one blob as the gateway does, and tells the outcome of each response."""

    def __init__(self, store: FileOriginals, content: bytes, wrap: Callable[[Blob], Blob] = lambda blob: blob) -> None:
        self.sha256 = store.put(io.BytesIO(content), len(content)).sha256
        self.store, self.wrap, self.registry = store, wrap, Registry()
        self.leased = True
        self.started: Signal[asyncio.AbstractEventLoop] = Signal()
        self.outcomes: list[Outcome] = []
        self.told: Signal[Outcome] = Signal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        blob = self.wrap(self.store.open(self.sha256))
        link = connection_of(scope)
        stream = self.registry.register(SUBJECT, 1, link.abort if link is not None else lambda: None)
        plan = evaluate(scope["method"], scope["headers"], size=blob.size, etag=etag_of(self.sha256))
        self.started.set(asyncio.get_running_loop())
        try:
            headers = [(b"content-type", b"application/octet-stream")]
            outcome = await send_blob(
                scope, send, blob=blob, plan=plan, headers=headers, stream=stream, may_send=lambda: self.leased
            )
        except NotServing:
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        finally:
            stream.close()
            blob.close()
        self.outcomes.append(outcome)
        self.told.set(outcome)

    def cut(self) -> None:
        self.started.wait().call_soon_threadsafe(self.registry.cut, SUBJECT, 2)


WRAPS = {"descriptor": lambda blob: blob, "copied": Copied}


@pytest.fixture(params=list(WRAPS))
def gate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gate]:
    store = FileOriginals(tmp_path)
    yield Gate(store, BIG, WRAPS[request.param])
    store.close()


def test_the_whole_a_range_and_a_head_have_exact_lengths(gate: Gate) -> None:
    with running(gate) as address, connect(address) as sock:
        sock.sendall(get())
        head, body = read_response(sock)
        assert head.startswith(b"HTTP/1.1 200")
        assert b"content-encoding" not in head
        assert f'etag: "{gate.sha256}"'.encode() in head
        assert body == BIG
        for first, last in [(0, 0), (5, 70_004), (100, 30_000_000)]:
            sock.sendall(get(headers=f"range: bytes={first}-{last}\r\n"))
            head, body = read_response(sock)
            assert head.startswith(b"HTTP/1.1 206")
            assert body == BIG[first : last + 1]
        sock.sendall(get(method="HEAD", headers="range: bytes=0-99\r\n"))
        head, _ = read_response(sock, method="HEAD")
        assert head.startswith(b"HTTP/1.1 206")
        assert b"content-length: 100\r\n" in head + b"\r\n"
        sock.sendall(get())
        assert read_response(sock)[1] == BIG
    lengths = [len(BIG), 1, 70_000, 30_000_000 - 99, 0, len(BIG)]
    assert gate.outcomes == [Outcome(sent=n, acknowledged=n, ended=Ended.COMPLETE) for n in lengths]


def test_answers_without_a_body(gate: Gate) -> None:
    with running(gate) as address, connect(address) as sock:
        sock.sendall(get(headers=f"range: bytes={len(BIG)}-\r\n"))
        head, body = read_response(sock)
        assert head.startswith(b"HTTP/1.1 416")
        assert body == b""
        sock.sendall(get(headers='if-match: "other"\r\n'))
        assert read_response(sock)[0].startswith(b"HTTP/1.1 412")
        sock.sendall(get(headers=f'if-none-match: "{gate.sha256}"\r\n'))
        not_modified = sock.recv(65536)
        assert not_modified.startswith(b"HTTP/1.1 304")
        assert b"content-length" not in not_modified
        assert not_modified.endswith(b"\r\n\r\n")
        sock.sendall(get(headers="range: bytes=0-0\r\n"))
        assert read_response(sock)[1] == BIG[:1]
    assert [outcome.sent for outcome in gate.outcomes] == [0, 0, 0, 1]


def test_a_cut_resets_a_stalled_client_and_tells_what_it_acknowledged(gate: Gate) -> None:
    with running(gate) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get())
        sock.recv(1000)
        time.sleep(0.1)  # until the sender is stalled
        gate.cut()
        outcome = gate.told.wait()
        received, was_reset = read_to_reset(sock)
    assert was_reset
    assert received < 64 * 1024
    assert outcome.ended is Ended.CUT
    assert outcome.acknowledged < outcome.sent < len(BIG)
    assert outcome.acknowledged <= 64 * 1024
    assert len(gate.registry) == 0


def test_a_cut_reaches_what_the_kernel_still_holds_of_a_response_that_was_handed_over_whole(tmp_path: Path) -> None:
    store = FileOriginals(tmp_path)
    gate = Gate(store, BIG[:200_000])
    with running(gate) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get(headers="connection: close\r\n"))
        sock.recv(1000)
        time.sleep(0.1)  # the whole body fits into the send buffer
        gate.cut()
        outcome = gate.told.wait()
        received, was_reset = read_to_reset(sock)
    store.close()
    assert was_reset
    assert received < 100_000
    assert outcome.ended is Ended.CUT


def test_a_lost_lease_stops_a_running_body(gate: Gate) -> None:
    with running(gate) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get())
        gate.started.wait()
        sock.recv(1000)
        gate.leased = False
        _, was_reset = read_to_reset(sock)
        assert was_reset
        outcome = gate.told.wait()
        assert outcome.ended is Ended.CUT
        assert outcome.sent < len(BIG)


def test_without_a_lease_nothing_is_begun(gate: Gate) -> None:
    gate.leased = False
    with running(gate) as address, connect(address) as sock:
        sock.sendall(get())
        assert read_response(sock)[0].startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize("leave", [reset, lambda sock: sock.close()])
def test_a_client_that_leaves_is_told_as_gone(gate: Gate, leave: Callable[[Any], None]) -> None:
    with running(gate) as address:
        sock = connect(address, receive_buffer=8192)
        sock.sendall(get())
        gate.started.wait()
        sock.recv(1000)
        leave(sock)
        outcome = gate.told.wait()
    assert outcome.ended is Ended.GONE
    assert outcome.acknowledged <= outcome.sent < len(BIG)


def test_a_stalled_peer_that_is_given_up_is_told_as_stalled(gate: Gate) -> None:
    with running(gate) as address, connect(address, receive_buffer=8192) as sock:
        sock.sendall(get())
        loop = gate.started.wait()
        sock.recv(1000)
        (stream,) = gate.registry
        loop.call_soon_threadsafe(stream.end, Ending.STALLED)
        assert gate.told.wait().ended is Ended.STALLED
        assert read_to_reset(sock)[1]


def test_a_store_that_breaks_off_never_looks_complete(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FileOriginals(tmp_path)
    gate = Gate(store, BIG, lambda blob: Copied(blob, missing=1000))
    with running(gate) as address, connect(address) as sock:
        sock.sendall(get())
        with pytest.raises(ConnectionError):
            read_response(sock)
    store.close()
    assert gate.outcomes == []
    assert "the store went away" in caplog.text


@pytest.mark.parametrize("stopped", [False, True])
def test_another_server_gets_plain_chunks_and_a_cut_ends_between_two(tmp_path: Path, stopped: bool) -> None:
    store = FileOriginals(tmp_path)
    gate = Gate(store, BIG)
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)
        if stopped and len(messages) == 3:
            gate.registry.cut(SUBJECT, 2)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(gate({"type": "http", "method": "GET", "headers": []}, receive, send))
    store.close()
    body = b"".join(message["body"] for message in messages[1:])
    if stopped:
        assert body == BIG[: 2 * 1024 * 1024]
        assert messages[-1]["more_body"]
        assert gate.outcomes == [Outcome(sent=len(body), acknowledged=len(body), ended=Ended.CUT)]
    else:
        assert body == BIG
        assert [message["more_body"] for message in messages[1:]] == [True] * (len(messages) - 2) + [False]
        assert gate.outcomes[0].ended is Ended.COMPLETE
