"""Originals and previews in a folder, under names made of their digests: ``ab/cd/ef…``.

How a content comes in: a file of random name in ``incoming`` is locked, written and synced; it is renamed to its
digest; the folder is synced. So a name is either absent or whole, and survives a loss of power once `put` has returned.
A file in ``incoming`` that nobody holds a lock on is what a crash left, and is removed at the next start.
Folders are opened one by one without following links; no name from outside ever becomes part of a path.
"""

import asyncio
import contextlib
import fcntl
import io
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from gateway.blobs.base import CHUNK, BlobMissing, BlobsUnavailable, Source, Stored, checked
from gateway.blobs.digests import DigestingReader
from gateway.blobs.room import room_needed

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_INCOMING = "incoming"


class FileBlob:
    """An opened file; its descriptor may be sent without copying."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def fileno(self) -> int:
        return self._fd

    def read(self, start: int, stop: int) -> bytes:
        data = os.pread(self._fd, stop - start, start)
        if len(data) != stop - start:
            raise BlobsUnavailable(f"{stop - start - len(data)} bytes are missing at {start + len(data)}")
        return data

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        for at in range(start, stop, CHUNK):
            yield await asyncio.to_thread(self.read, at, min(at + CHUNK, stop))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class FileOriginals:
    """A folder of contents. Several processes may use the same folder."""

    opens_at_once = True

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._durable: set[str] = set()  # folders whose names are known to be synced in their parents
        self._make_folder(_INCOMING, _INCOMING, self._root)
        self._sweep()

    def put(
        self,
        source: Source,
        size: int,
        on_bytes: Callable[[int], None] | None = None,
        *,
        sha256: str | None = None,
    ) -> Stored:
        reader = DigestingReader(source, size, on_bytes)
        with room_needed(), _folder(_INCOMING, self._root) as incoming:
            name, fd = _create(incoming)
            try:
                with open(fd, "wb", buffering=0) as target:
                    for piece in reader:
                        _write_all(target, piece)
                    os.fsync(fd)
                    stored = reader.stored(sha256)
                    self._adopt(incoming, name, stored.sha256)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=incoming)
                raise
        return stored

    def open(self, sha256: str) -> FileBlob:
        folder = self._place(sha256)
        try:
            return FileBlob(os.open(sha256[4:], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder))
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        except OSError as error:
            raise BlobsUnavailable(str(error)) from error
        finally:
            os.close(folder)

    def exists(self, sha256: str) -> bool:
        try:
            self.open(sha256).close()
        except BlobMissing:
            return False
        return True

    def delete(self, sha256: str) -> None:
        with contextlib.suppress(BlobMissing):
            folder = self._place(sha256)
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(sha256[4:], dir_fd=folder)
                os.fsync(folder)
            finally:
                os.close(folder)

    def digests(self) -> Iterator[str]:
        for first in sorted(_names(self._root, length=2)):
            with _folder(first, self._root) as outer:
                for second in sorted(_names(outer, length=2)):
                    with _folder(second, outer) as inner:
                        yield from sorted(first + second + rest for rest in _names(inner, length=60))

    def close(self) -> None:
        """Give the folder's descriptor back; no method may be called after."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def _adopt(self, incoming: int, name: str, sha256: str) -> None:
        first, second, rest = sha256[:2], sha256[2:4], sha256[4:]
        self._make_folder(first, first, self._root)
        with _folder(first, self._root) as outer:
            self._make_folder(first + second, second, outer)
            with _folder(second, outer) as inner:
                # A content that is there already is replaced by its equal, and is synced anew: whoever put it first
                # may not have come that far yet.
                os.rename(name, rest, src_dir_fd=incoming, dst_dir_fd=inner)
                os.fsync(inner)

    def _make_folder(self, key: str, name: str, parent: int) -> None:
        """A folder that is durable in its parent, whoever made it."""
        if key not in self._durable:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
            os.fsync(parent)
            self._durable.add(key)

    def _place(self, sha256: str) -> int:
        """The opened folder that a digest lies in; the caller closes it. Raises BlobMissing, BlobsUnavailable."""
        checked(sha256)
        try:
            outer = os.open(sha256[:2], _FOLDER, dir_fd=self._root)
            try:
                return os.open(sha256[2:4], _FOLDER, dir_fd=outer)
            finally:
                os.close(outer)
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        except OSError as error:
            raise BlobsUnavailable(str(error)) from error

    def _sweep(self) -> None:
        with _folder(_INCOMING, self._root) as incoming:
            for name in os.listdir(incoming):
                with contextlib.suppress(FileNotFoundError, BlockingIOError):
                    fd = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=incoming)
                    try:
                        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        os.unlink(name, dir_fd=incoming)
                    finally:
                        os.close(fd)


class FilePreviews:
    """A folder of small pictures, kept apart from the originals."""

    def __init__(self, root: Path) -> None:
        self._files = FileOriginals(root)

    def put(self, data: bytes) -> str:
        return self._files.put(io.BytesIO(data), len(data)).sha256

    def get(self, sha256: str) -> bytes:
        blob = self._files.open(sha256)
        try:
            return blob.read(0, blob.size)
        finally:
            blob.close()

    def delete(self, sha256: str) -> None:
        self._files.delete(sha256)

    def close(self) -> None:
        """Give the folder's descriptor back."""
        self._files.close()


def _create(incoming: int) -> tuple[str, int]:
    """A new locked file in `incoming`, with a name nobody can guess."""
    while True:
        name = secrets.token_hex(16)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=incoming)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return name, fd
        os.close(fd)  # another process swept it between its making and its lock


def _write_all(target: io.RawIOBase | io.FileIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[target.write(view) or 0 :]


@contextlib.contextmanager
def _folder(name: str, parent: int) -> Iterator[int]:
    fd = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield fd
    finally:
        os.close(fd)


def _names(folder: int, *, length: int) -> list[str]:
    return [name for name in os.listdir(folder) if len(name) == length and not set(name) - set("0123456789abcdef")]
