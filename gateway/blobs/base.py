"""What a store of bytes MUST promise. A driver exists when tests/contract/blobs passes against it."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

CHUNK = 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobError(Exception):
    """The family of what a store of bytes raises.

    BlobError
    ├── BlobMissing       nothing is stored under that digest
    ├── BlobMismatch      the source gave other bytes, or fewer or more, than announced
    └── BlobsUnavailable  the store cannot be read or written now
        └── BlobsFull     it has no room for more
    """


class BlobMissing(BlobError):
    """Nothing is stored under that digest, or the name is not a digest at all."""


class BlobMismatch(BlobError):
    """The source did not give what was announced."""


class BlobsUnavailable(BlobError):
    """The store cannot be read or written now."""


class BlobsFull(BlobsUnavailable):
    """The store has no room for more; what it holds it keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was stored: hex SHA-256, hex SHA-1 as git counts it for a blob, size in bytes."""

    sha256: str
    git_sha1: str
    size: int


class Source(Protocol):
    """What bytes are read from: a file, or whatever else has a `read`."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class Blob(Protocol):
    """One opened content. The caller closes it."""

    @property
    def size(self) -> int: ...

    def fileno(self) -> int | None:
        """A descriptor of a regular file that holds exactly this content, for zero copy; None where there is none."""

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` (half-open), read by the calling thread.

        MUST raise BlobsUnavailable rather than give fewer.
        """

    def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The same bytes in pieces of at most 1 MiB, without holding the event loop up.

        MUST raise BlobsUnavailable rather than end early.
        """

    def close(self) -> None: ...


class Originals(Protocol):
    """Contents under their SHA-256. All methods are synchronous and MUST be safe to call from several threads."""

    @property
    def opens_at_once(self) -> bool:
        """`open` waits for nothing but the local disk, so that the event loop may call it itself."""

    def put(
        self,
        source: Source,
        size: int,
        on_bytes: Callable[[int], None] | None = None,
        *,
        sha256: str | None = None,
    ) -> Stored:
        """Store `size` bytes read from `source`; `on_bytes` is told of each piece's length.

        The content MUST be durable on return, MUST appear under its digest whole or not at all, and storing it again
        MUST change nothing. Raises BlobMismatch when the source gives another number of bytes or, where `sha256` is
        told, bytes of another digest: then nothing is kept. Raises BlobsFull.
        """

    def open(self, sha256: str) -> Blob:
        """Raises BlobMissing."""

    def exists(self, sha256: str) -> bool: ...

    def delete(self, sha256: str) -> None:
        """Gone, durably, on return; harmless when it was not there. Blobs already open stay readable."""

    def digests(self) -> Iterator[str]:
        """Every stored SHA-256, in no order."""


class Previews(Protocol):
    """Small blurred pictures under their SHA-256; nothing in this type leads to an original."""

    def put(self, data: bytes) -> str:
        """Durable on return; gives the hex SHA-256."""

    def get(self, sha256: str) -> bytes:
        """Raises BlobMissing."""

    def delete(self, sha256: str) -> None:
        """Harmless when it was not there."""


def checked(sha256: str) -> str:
    """The digest itself when it is one (64 hex digits in lower case). Raises BlobMissing otherwise."""
    if _SHA256.fullmatch(sha256) is None:
        raise BlobMissing("not a SHA-256 digest")
    return sha256
