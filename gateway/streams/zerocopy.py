"""The HTTP protocol of the byte path: uvicorn's, with zero-copy sending and a connection that can be cut.

Give ``CuttableProtocol`` to uvicorn as ``http=``, on the asyncio loop. What it offers is in extensions.py.
"""

import asyncio
import os
from typing import Any, cast

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.streams.connection import Connection, FileTooShort
from gateway.streams.extensions import COPY_BELOW, EXTENSION, REASON, WHOLE, ZERO_COPY

HEAD_MAX = 64 * 1024
HEAD_TIMEOUT_S = 30.0
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code != 0x09)
_NO_MORE = {"type": "http.response.body", "body": b"", "more_body": False}


class CuttableProtocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection; request heads are limited to 64 KiB and 30 seconds."""

    link: Connection
    _head_began: bool
    _head_bytes: int
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # With a limit of zero "writable" means "empty": a send waits until all before it is in the kernel.
        transport.set_write_buffer_limits(0)
        self.link = Connection(self.loop, transport, lambda: len(self.tasks))
        self._head_began, self._head_bytes = False, 0
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.lost()
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_began:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX:
                self.send_400_response("Request head too large.")
                return
        super().data_received(data)
        if self._head_began:  # most heads come whole, and need no clock
            self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_began, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._head_began = False
        self._head_arrived()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        extensions: dict[str, Any] = {EXTENSION: self.link}
        if self.scheme == "http":
            extensions[ZERO_COPY] = extensions[WHOLE] = {}
        cycle.scope["extensions"] = extensions
        super()._start_asgi_task(cycle, _Exchange(app, cycle, self.flow, self.link))


class _Together(asyncio.Transport):
    """Stands in for the transport while a head and the first of its body are written: both leave in one call."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self.transport = transport
        self._pieces: list[Any] = []

    def write(self, data: Any) -> None:
        self._pieces.append(data)

    def reword(self, status: int, reason: bytes) -> None:
        """Other words in the status line that was written; controls in them would be another line."""
        if self._pieces:
            line = b"HTTP/1.1 %d %s\r\n" % (status, reason.translate(None, _CONTROLS))
            self._pieces[0] = line + bytes(self._pieces[0]).partition(b"\r\n")[2]

    def flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            self.transport.writelines(pieces)

    def close(self) -> None:
        self.flush()
        self.transport.close()


class _Exchange:
    """One request and its response: the application is run with a ``send`` that knows zero copy."""

    __slots__ = ("_app", "_cycle", "_flow", "_head", "_link")

    def __init__(self, app: ASGI3Application, cycle: RequestResponseCycle, flow: FlowControl, link: Connection) -> None:
        self._app = app
        self._cycle = cycle
        self._flow = flow
        self._link = link
        self._head: ASGISendEvent | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await self._app(scope, receive, self.send)
        if self._link.closed:
            # uvicorn hears of it a turn later, and would report a response that was left unfinished on purpose.
            self._cycle.disconnected = True

    async def send(self, message: ASGISendEvent) -> None:
        kind: str = message["type"]
        if kind == "http.response.start" and self._head is None and not self._cycle.response_started:
            # ASGI lets the head wait for the body, so that both can leave in one segment.
            self._head = message
            return
        if kind == ZERO_COPY:
            await self._send_file(cast(dict[str, Any], message))
            return
        if kind == WHOLE:
            await self._send_whole(cast(dict[str, Any], message))
            return
        await self._send_with_head(message)
        if kind == "http.response.body" and self._cycle.scope["method"] != "HEAD" and not self._link.closed:
            self._link.handed += len(cast(dict[str, Any], message).get("body", b""))

    async def _send_whole(self, message: dict[str, Any]) -> None:
        cycle, link, body = self._cycle, self._link, message["body"]
        if cycle.response_started:
            raise RuntimeError("A whole response cannot follow another")
        length = message.get("length", len(body))
        if cycle.scope["method"] == "HEAD":
            body = b""
        elif body and length != len(body):
            raise RuntimeError("The length of a whole response is not its body's")
        head = _head(message["status"], [*cycle.default_headers, *message["headers"]], length, cycle.keep_alive)
        if self._flow.write_paused and not cycle.disconnected:
            await self._flow.drain()
        if cycle.disconnected or not link.write(head, body):
            return
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    async def _send_with_head(self, message: ASGISendEvent) -> None:
        head, self._head = self._head, None
        if head is None:
            await self._cycle.send(message)
            return
        together = _Together(self._cycle.transport)
        self._cycle.transport = together
        try:
            await self._cycle.send(head)
            reason = cast(dict[str, Any], self._cycle.scope["extensions"]).get(REASON)
            if reason is not None:
                together.reword(cast(dict[str, Any], head)["status"], reason)
            await self._cycle.send(message)
        finally:
            together.flush()
            self._cycle.transport = together.transport

    async def _send_file(self, message: dict[str, Any]) -> None:
        file = message["file"]
        fd: int = file if isinstance(file, int) else file.fileno()
        from_here = message.get("offset") is None
        offset: int = os.lseek(fd, 0, os.SEEK_CUR) if from_here else message["offset"]
        rest = message.get("count")
        count: int = max(0, os.fstat(fd).st_size - offset) if rest is None else rest
        more: bool = message.get("more_body", False)
        if self._cycle.scope["method"] == "HEAD":
            await self._send_with_head(cast(ASGISendEvent, {**_NO_MORE, "more_body": more}))
        elif count <= COPY_BELOW:
            await self._copy(fd, offset, count, more)
        else:
            await self._zero_copy(fd, offset, count, more)
        if from_here:
            os.lseek(fd, offset + count, os.SEEK_SET)

    async def _copy(self, fd: int, offset: int, count: int, more: bool) -> None:
        data = os.pread(fd, count, offset)
        if len(data) < count:
            raise FileTooShort(f"{count - len(data)} bytes are missing at {offset + len(data)}")
        await self._send_with_head(cast(ASGISendEvent, {"type": "http.response.body", "body": data, "more_body": more}))
        if not self._link.closed:
            self._link.handed += len(data)

    async def _zero_copy(self, fd: int, offset: int, count: int, more: bool) -> None:
        cycle, link = self._cycle, self._link
        await self._send_with_head(cast(ASGISendEvent, {**_NO_MORE, "more_body": True}))
        if cycle.chunked_encoding:
            raise RuntimeError("Zero copy needs a Content-Length")
        if count > cycle.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        if self._flow.write_paused and not cycle.disconnected:
            await self._flow.drain()
        before = link.handed
        await link.send_file(fd, offset, count)
        sent = link.handed - before
        cycle.expected_content_length -= sent
        if sent == count and not more:
            await cycle.send(cast(ASGISendEvent, _NO_MORE))


def _head(status: int, headers: list[tuple[bytes, bytes]], length: int | None, keep_alive: bool) -> bytes:
    """A response's head. Raises RuntimeError when a header would break it."""
    lines = b"".join([b"%s: %s\r\n" % header for header in headers])
    if len(lines) - len(lines.translate(None, _CONTROLS)) != 2 * len(headers):
        raise RuntimeError("Invalid HTTP header.")
    close = b"" if keep_alive else b"connection: close\r\n"
    sized = b"" if length is None else b"content-length: %d\r\n" % length
    return b"%s%s%s%s\r\n" % (STATUS_LINE[status], sized, lines, close)
