"""A tiny application on the real server, and clients made of plain sockets."""

import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from gateway.server import serving

Value = TypeVar("Value")
Respond = Callable[[Scope, Receive, Send], Awaitable[None]]


def application(respond: Respond) -> Respond:
    """The function as an ASGI application with a lifespan that does nothing."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await respond(scope, receive, send)
            return
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    return app


@contextlib.contextmanager
def running(respond: Respond) -> Iterator[tuple[str, int]]:
    """Serve the function; gives host and port."""
    with serving(application(respond)) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def connect(address: tuple[str, int], receive_buffer: int | None = None) -> socket.socket:
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(30)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def get(path: str = "/", *, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode()


def read_response(sock: socket.socket, *, method: str = "GET") -> tuple[bytes, bytes]:
    """Head and body of exactly one response; what follows stays in the socket."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(sock, 1)
    head = data[:-4]
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    if method == "HEAD":
        return head, b""
    pieces = bytearray()
    while len(pieces) < length:
        pieces += _some(sock, length - len(pieces))
    return head, bytes(pieces)


def read_to_reset(sock: socket.socket) -> tuple[int, bool]:
    """Bytes that still come, and whether a reset (not an orderly end) came after them."""
    count = 0
    try:
        while piece := sock.recv(65536):
            count += len(piece)
    except ConnectionResetError:
        return count, True
    return count, False


def reset(sock: socket.socket) -> None:
    """Leave as a killed client does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _some(sock: socket.socket, most: int = 65536) -> bytes:
    piece = sock.recv(min(most, 65536))
    if not piece:
        raise ConnectionError("the server closed the connection early")
    return piece


class Signal(Generic[Value]):
    """A value handed from the server's thread to the test."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._value: Value

    def set(self, value: Value) -> None:
        self._value = value
        self._event.set()

    def wait(self) -> Value:
        assert self._event.wait(30)
        return self._value
