"""Reads a tar as it arrives: plain files with their sizes and paths, nothing else. Strict: it is a stranger's."""

import tarfile
from collections.abc import Iterator

BLOCK = 512
MAX_HEADER = 64 * 1024  # of one pax record: a path is far shorter


class BadArchive(Exception):
    """These bytes are no archive as a gateway makes one."""


class Pull:
    """Exact reads from chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._have: bytes = b""
        self._at = 0

    def exactly(self, count: int) -> bytes:
        """So many bytes. Raises BadArchive when the stream ends before."""
        end = self._at + count
        if end <= len(self._have):
            found = self._have[self._at : end]
            self._at = end
            return found
        pieces = [self._have[self._at :]]
        missing = end - len(self._have)
        while missing > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise BadArchive("it ends too early")
            pieces.append(chunk)
            missing -= len(chunk)
        last = pieces[-1]
        self._have, self._at = last, len(last) + missing
        if missing:
            pieces[-1] = last[:missing]
        return b"".join(pieces)


def members(chunks: Iterator[bytes], largest: int) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file, in order. Raises BadArchive; a member above `largest` bytes is one."""
    pull = Pull(chunks)
    path: str | None = None
    while True:
        head = pull.exactly(BLOCK)
        if not any(head):
            return
        try:
            info = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise BadArchive("a header is wrong") from error
        if info.type == tarfile.XHDTYPE and info.size <= MAX_HEADER:
            path = _pax_path(_content(pull, info.size))
        elif info.type == tarfile.REGTYPE and info.size <= largest:
            yield (info.name if path is None else path), _content(pull, info.size)
            path = None
        else:
            raise BadArchive("a member is no small plain file")


def _content(pull: Pull, size: int) -> bytes:
    content = pull.exactly(size)
    pull.exactly(-size % BLOCK)
    return content


def _pax_path(records: bytes) -> str | None:
    """The path of a pax header (POSIX.1-2001): records of ``LENGTH KEY=VALUE`` and a line feed."""
    at = 0
    while at < len(records):
        length, space, _ = records[at : at + 20].partition(b" ")
        if not space or not length.isdigit() or int(length) <= len(length) + 1:
            raise BadArchive("a pax record is wrong")
        key, _, value = records[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        if key == b"path":
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise BadArchive("a path is no UTF-8") from error
        at += int(length)
    return None
