"""Reading a source once while its digests are computed."""

import hashlib
from collections.abc import Callable, Iterator

from gateway.blobs.base import CHUNK, BlobMismatch, Source, Stored


class DigestingReader:
    """Hands out a source in pieces of at most 1 MiB and counts its digests on the way."""

    def __init__(self, source: Source, size: int, on_bytes: Callable[[int], None] | None) -> None:
        self._source = source
        self._size = size
        self._on_bytes = on_bytes
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def __iter__(self) -> Iterator[bytes]:
        """Raises BlobMismatch when the source ends early or goes on after `size` bytes."""
        left = self._size
        while left:
            piece = self._source.read(min(CHUNK, left))
            if not piece:
                raise BlobMismatch(f"the source ended {left} bytes early")
            left -= len(piece)
            self._sha256.update(piece)
            self._git.update(piece)
            yield piece
            if self._on_bytes is not None:
                self._on_bytes(len(piece))
        if self._source.read(1):
            raise BlobMismatch(f"the source holds more than {self._size} bytes")

    def stored(self, sha256: str | None = None) -> Stored:
        """The digests of all that was handed out. Raises BlobMismatch when another one was told."""
        if sha256 is not None and sha256 != self._sha256.hexdigest():
            raise BlobMismatch(f"the source gave {self._sha256.hexdigest()}, not {sha256}")
        return Stored(sha256=self._sha256.hexdigest(), git_sha1=self._git.hexdigest(), size=self._size)
