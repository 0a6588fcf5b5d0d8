"""Sending the bytes of a blob, with the lease and the stream's life asked before every hand-over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.types import Scope, Send

from gateway.blobs.base import Blob
from gateway.streams.connection import Connection
from gateway.streams.extensions import COPY_BELOW, EXTENSION, WHOLE, ZERO_COPY
from gateway.streams.ranges import Header, Plan
from gateway.streams.registry import Ending, Stream

WINDOW = 16 * 1024 * 1024
# A body is over when all but this is acknowledged: what the kernel still holds cannot be cut once it is forgotten.
LEFT_AT_END = 64 * 1024


class NotServing(Exception):
    """The lease is lost; nothing was sent and nothing may be. The reply is 503 with Retry-After."""


class Ended(StrEnum):
    """How a response ended: all sent, cut by us, left by the client, or given up because the client took nothing."""

    COMPLETE = "complete"
    CUT = "cut"
    GONE = "gone"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Body bytes handed to the kernel, and of these the bytes that the peer's kernel has acknowledged.

    Behind a proxy the peer is the proxy.
    """

    sent: int
    acknowledged: int
    ended: Ended


def connection_of(scope: Scope) -> Connection | None:
    """The connection that carries the request; None under a server other than ours."""
    found: Connection | None = scope.get("extensions", {}).get(EXTENSION)
    return found


async def send_blob(
    scope: Scope,
    send: Send,
    *,
    blob: Blob,
    plan: Plan,
    headers: Iterable[Header],
    stream: Stream,
    may_send: Callable[[], bool],
) -> Outcome:
    """Answer with the planned bytes of the blob; `headers` are added to the plan's and to an exact Content-Length.

    The body is never encoded. The caller closes the blob and the stream. Raises NotServing before the first byte when
    `may_send` says no; later a no resets the connection and is an Outcome. Raises BlobError when the blob breaks off:
    the connection then ends short of its Content-Length.
    """
    sender = BodySender(scope, send, stream, may_send)
    head = [*headers, *plan.headers]
    if 0 < plan.length <= COPY_BELOW and sender.takes_whole and blob.fileno() is not None:
        await sender.whole(plan.status, head, blob.read(plan.start, plan.stop))
    else:
        await sender.start(plan.status, head, None if plan.status == 304 else plan.length)
        await sender.blob(blob, plan.start, plan.stop)
    return await sender.finish()


class BodySender:
    """One response body, sent piece by piece: `start`, then `data` and `blob` in any number, then `finish`.

    After the client has left or the stream was ended, all but `finish` do nothing.
    """

    def __init__(self, scope: Scope, send: Send, stream: Stream, may_send: Callable[[], bool]) -> None:
        self._send = send
        self._stream = stream
        self._may_send = may_send
        self._head_only = scope["method"] == "HEAD"
        self._zero_copy = ZERO_COPY in scope.get("extensions", {})
        self.takes_whole = WHOLE in scope.get("extensions", {}) and not self._head_only
        self._link = connection_of(scope)
        self._before = 0
        self._counted = 0
        self._finished = False
        self._refused = False
        self._length: int | None = None

    async def start(self, status: int, headers: Iterable[Header], length: int | None) -> None:
        """Send the head. Raises NotServing."""
        head = list(headers)
        if length is not None:
            head.append((b"content-length", b"%d" % length))
        self._begin(length)
        await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def whole(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Send the head and all of a small body at once, instead of `start`, if `takes_whole`. Raises NotServing."""
        self._begin(len(body))
        await self._tell({"type": WHOLE, "status": status, "headers": headers, "body": body, "more_body": False})

    def _begin(self, length: int | None) -> None:
        if not self._may_send():
            raise NotServing
        self._length = length
        if self._link is not None:
            self._before = self._link.handed
            self._link.guard = self.allowed
            self._stream.peer = self._link

    def allowed(self) -> bool:
        """Whether the next byte may leave."""
        if self._stream.ending is None and not self._may_send():
            self._refused = True
        return self._stream.ending is None and not self._refused

    @property
    def over(self) -> bool:
        """Nothing more can be sent."""
        return self._finished or not self.allowed() or (self._link is not None and self._link.closed)

    async def data(self, piece: bytes) -> None:
        """Send bytes that are in memory."""
        if not self._head_only and piece and not self.over:
            await self._body(piece, more=True)

    async def blob(self, blob: Blob, start: int, stop: int) -> None:
        """Send the bytes from `start` to `stop` of the blob, without copying where there is a descriptor."""
        if self._head_only or start == stop:
            return
        fd = blob.fileno() if self._zero_copy else None
        if fd is None:
            async for piece in blob.chunks(start, stop):
                if self.over:
                    return
                await self._body(piece, more=True)
        else:
            while start < stop and not self.over:
                count = min(WINDOW, stop - start)
                start += count
                await self._file(fd, start - count, count)

    async def finish(self) -> Outcome:
        """End the body, or reset the connection where it may not be ended well; gives what became of it."""
        link = self._link
        if not self.over:
            if link is not None and not self._head_only:
                # Until the peer has taken it, the bytes lie in our kernel and the stream must stay within reach.
                await link.settle(LEFT_AT_END)
            if not self.over:
                await self._body(b"", more=False)
        if self._refused and link is not None:
            link.abort()
        outcome = self._outcome()
        if link is not None and link.guard == self.allowed:
            link.guard = None
        return outcome

    async def _body(self, piece: bytes, *, more: bool) -> None:
        self._counted += len(piece)
        await self._tell({"type": "http.response.body", "body": piece, "more_body": more})

    async def _file(self, fd: int, offset: int, count: int) -> None:
        await self._tell({"type": ZERO_COPY, "file": fd, "offset": offset, "count": count, "more_body": True})

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._send(message)
        # A message that a closing connection swallowed ended nothing.
        if not message["more_body"] and not self._refused and not (self._link is not None and self._link.closed):
            self._finished = True

    def _outcome(self) -> Outcome:
        link = self._link
        sent = self._counted if link is None else link.handed - self._before
        if self._finished:
            return Outcome(sent=sent, acknowledged=sent, ended=Ended.COMPLETE)
        acknowledged = sent if link is None else max(0, sent - link.unacknowledged())
        if self._stream.ending is Ending.STALLED:
            ended = Ended.STALLED
        elif self._stream.ending is Ending.CUT or self._refused:
            ended = Ended.CUT
        elif acknowledged == self._length:
            ended = Ended.COMPLETE  # the client took all of it and left before we had noticed
        else:
            ended = Ended.GONE
        return Outcome(sent=sent, acknowledged=acknowledged, ended=ended)
