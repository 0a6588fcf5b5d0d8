"""Where the bytes of a picture come from: a few at a time, so that whoever passes them on holds none of them."""

import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

PIECE = 2**20


class Source(Protocol):
    """Bytes that can be read in any order; an opened file of the gateway is one, and so is a part of an archive."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Those from ``start`` to ``stop`` (half-open). MUST raise rather than give fewer."""
        ...


class OpenFile:
    """A plain file as a source; ``with`` closes it. Raises OSError, also when the file has become shorter."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path, opener=_without_waiting)
        facts = os.fstat(self._file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            self._file.close()
            raise OSError(errno.EINVAL, "no plain file", str(path))
        self.size = facts.st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> bytes:
        """See Source.read."""
        data = os.pread(self._file.fileno(), stop - start, start)
        if len(data) < stop - start:
            raise OSError(f"{self._file.name} became shorter while it was read")
        return data


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that has the file's name would hold up whoever opens it until somebody writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


class Held:
    """Bytes at hand as a source."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, start: int, stop: int) -> bytes:
        """See Source.read."""
        data = self._data[start:stop]
        if len(data) < stop - start:
            raise OSError(f"only {len(data)} of the {stop - start} bytes from {start} are there")
        return data


class Slice:
    """A part of a source, from ``start`` to ``stop``, as a source of its own."""

    def __init__(self, source: Source, start: int, stop: int) -> None:
        self._source = source
        self._start = start
        self.size = stop - start

    def read(self, start: int, stop: int) -> bytes:
        """See Source.read."""
        return self._source.read(self._start + start, self._start + stop)


def pieces(picture: bytes | Source) -> Iterator[bytes]:
    """All bytes in order, at most a MiB at a time."""
    if isinstance(picture, bytes):
        yield picture
        return
    for start in range(0, picture.size, PIECE):
        yield picture.read(start, min(start + PIECE, picture.size))


def size_of(picture: bytes | Source) -> int:
    """How many bytes there are."""
    return len(picture) if isinstance(picture, bytes) else picture.size
