"""A file of the gateway to read piece by piece, each piece by a range request, and read ahead where it is read on."""

import io
import os
import threading
from collections.abc import Callable, Iterator

from gateway.sdk import wire
from gateway.sdk.errors import HubError, NotAGateway, Refused, Unreachable
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.records import Item
from gateway.sdk.transport import Transport

READ_AHEAD = 1 << 20
"""Bytes of the first piece. Pieces that follow one another double, and the next one is asked for meanwhile."""

LARGEST = 4 << 20
LINES = 1 << 16


def open_remote(transport: Transport, ns: str, name: str, version: str, item: Item) -> io.BufferedReader:
    """The item of that version, buffered. Reading raises the SDK's errors: a stop is felt at once."""
    return io.BufferedReader(RemoteFile(Ranges(transport, ns, name, version, item)), LINES)


class Ranges:
    """The bytes of one item, by exact ranges; a connection that breaks is taken up where it broke."""

    def __init__(self, transport: Transport, ns: str, name: str, version: str, item: Item) -> None:
        self._transport = transport
        self._address = wire.file_path(ns, name, version, item.path)
        self.item = item
        self.what = f"{ns}/{name}:{item.path}"

    def fill(self, view: memoryview, start: int, wanted: Callable[[], bool] = lambda: True) -> None:
        """Fill the view from `start` on; give up silently when it is no longer wanted."""
        have = 0
        attempts = Attempts(FETCHING)
        while have < len(view):
            try:
                for chunk in self._span(start + have, start + len(view)):
                    if not wanted():
                        return
                    view[have : have + len(chunk)] = chunk
                    have += len(chunk)
                    attempts.progressed()
            except Passing as error:
                attempts.failed(error)

    def _span(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to stop (half-open), as they arrive, never more."""
        headers = {"range": f"bytes={start}-{stop - 1}", "if-range": wire.etag(self.item.sha256)}
        with self._transport.stream(self._address, what=self.what, headers=headers) as reply:
            span = reply.headers.get("content-range", "")
            if reply.status != 206 or not span.startswith(f"bytes {start}-{stop - 1}/"):
                why = f"asked for bytes {start}-{stop - 1}, got {reply.status}"
                raise NotAGateway("not-a-gateway", status=reply.status, url=self._transport.origin, why=why)
            left = stop - start
            for chunk in reply.chunks():
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return
            raise Unreachable("cut", url=self._transport.origin)


class RemoteFile(io.RawIOBase):
    """Serves reads from the piece that it has, and has the next one come while this one is used.

    Whoever jumps about gets pieces of 1 MiB and nothing ahead; a read larger than a piece is one request of its own.
    """

    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges
        self._size = ranges.item.size
        self._at = 0
        self._piece = b""
        self._start = 0
        self._follows = -1  # where the next read is one that reads on
        self._length = READ_AHEAD
        self._coming: _Coming | None = None
        self.name = ranges.what

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._at))
        if count == 0:
            return 0
        if self._coming is not None:
            self._coming.raise_refusal()
        if not self._start <= self._at < self._start + len(self._piece):
            if count >= LARGEST:
                self._drop()
                self._ranges.fill(view[:count], self._at)
                self._at += count
                self._follows = self._at
                return count
            self._take_piece()
        offset = self._at - self._start
        some = self._piece[offset : offset + count]
        view[: len(some)] = some
        self._at += len(some)
        return len(some)

    def readall(self) -> bytes:
        rest = bytearray(max(0, self._size - self._at))
        self._drop()
        self._ranges.fill(memoryview(rest), self._at)
        self._at += len(rest)
        return bytes(rest)

    def close(self) -> None:
        self._drop()
        self._piece = b""
        super().close()

    def _take_piece(self) -> None:
        """Have the piece that begins at the position, and where it reads on have the one after it come."""
        reads_on = self._at == self._follows
        if self._coming is not None and reads_on:
            self._piece = self._coming.wait()
            self._coming = None
        else:
            self._drop()
            self._length = min(2 * self._length, LARGEST) if reads_on else READ_AHEAD
            piece = bytearray(min(self._length, self._size - self._at))
            self._ranges.fill(memoryview(piece), self._at)
            self._piece = bytes(piece)
        self._start = self._at
        self._follows = self._start + len(self._piece)
        if reads_on and self._follows < self._size:
            self._length = min(2 * self._length, LARGEST)
            self._coming = _Coming(self._ranges, self._follows, min(self._length, self._size - self._follows))

    def _drop(self) -> None:
        if self._coming is not None:
            self._coming.wanted = False
            self._coming = None


class _Coming:
    """A piece on its way, in a thread that keeps no program alive."""

    def __init__(self, ranges: Ranges, start: int, length: int) -> None:
        self._ranges = ranges
        self._start = start
        self._piece = bytearray(length)
        self._error: HubError | RuntimeError | None = None
        self.wanted = True
        self._thread = threading.Thread(target=self._run, name="hubgate-read-ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._ranges.fill(memoryview(self._piece), self._start, lambda: self.wanted)
        except (HubError, RuntimeError) as error:  # the latter when the connections were closed meanwhile
            self._error = error

    def raise_refusal(self) -> None:
        """A stop counts at once, also while there is something left that came before it."""
        if isinstance(self._error, Refused):
            raise self._error

    def wait(self) -> bytes:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return bytes(self._piece)
