"""A file of the gateway to read piece by piece, each piece by a range request."""

import io
import os
from collections.abc import Iterator

from gateway.sdk import wire
from gateway.sdk.errors import NotAGateway, Unreachable
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.records import Item
from gateway.sdk.transport import Transport

READ_AHEAD = 1 << 20


def open_remote(transport: Transport, ns: str, name: str, version: str, item: Item) -> io.BufferedReader:
    """The item of that version, buffered by 1 MiB. Reading raises the SDK's errors: a stop is felt at once."""
    address = wire.file_path(ns, name, version, item.path)
    return io.BufferedReader(RemoteFile(transport, address, f"{ns}/{name}:{item.path}", item), READ_AHEAD)


class RemoteFile(io.RawIOBase):
    """Unbuffered: every read is a request."""

    def __init__(self, transport: Transport, address: str, what: str, item: Item) -> None:
        self._transport = transport
        self._address = address
        self._item = item
        self._at = 0
        self.name = what

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._item.size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._item.size - self._at))
        have = 0
        attempts = Attempts(FETCHING)
        while have < count:
            try:
                for chunk in self._span(self._at, self._at + count - have):
                    view[have : have + len(chunk)] = chunk
                    have += len(chunk)
                    self._at += len(chunk)
                    attempts.progressed()
            except Passing as error:
                attempts.failed(error)
        return count

    def readall(self) -> bytes:
        rest = bytearray(max(0, self._item.size - self._at))
        self.readinto(rest)
        return bytes(rest)

    def _span(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to stop (half-open), as they arrive, never more."""
        headers = {"range": f"bytes={start}-{stop - 1}", "if-range": wire.etag(self._item.sha256)}
        with self._transport.stream(self._address, what=self.name, headers=headers) as reply:
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
