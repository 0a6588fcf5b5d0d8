"""A file that is read range by range, as libraries want one: with a place in it, and raw."""

from __future__ import annotations

import io
from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class RangedFile(io.RawIOBase):
    """`size` bytes; whoever derives from it gives them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    @abstractmethod
    def bytes_at(self, start: int, stop: int) -> bytes:
        """Bytes from `start` on, before `stop`: one at least."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        stop = min(self._at + len(room), self._size)
        if stop <= self._at:
            return 0
        data = self.bytes_at(self._at, stop)
        room[: len(data)] = data
        self._at += len(data)
        return len(data)
