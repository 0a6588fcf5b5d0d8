"""The folder that a fetch writes to: files get their names only when whole, and no link below it is followed."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gateway.sdk.errors import FolderBusy, UnsafePath
from gateway.sdk.paths import OURS, safe_parts

WINDOWS = os.name == "nt"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class Destination:
    """A folder, and in it, while something is unfinished, the hidden folder of partial files and of the lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        self._ours = self.folder / OURS

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and keep other fetches out of it. Raises FolderBusy at once when one is at work.

        A folder that is new, and still empty when the work in it fails, is taken away again.
        """
        new = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._enter(self._ours, OURS)
        lock = FileLock(self._ours / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise FolderBusy("folder-busy", folder=self.folder) from error
        done = False
        try:
            yield
            done = True
        finally:
            # While the lock is still held: who opened this file meanwhile notices that it is gone, and opens anew.
            with suppress(OSError):
                if os.listdir(self._ours) == ["lock"]:
                    os.unlink(self._ours / "lock")
                    os.rmdir(self._ours)
                    if new and not done:
                        os.rmdir(self.folder)
            lock.release()

    def free(self) -> int:
        """Bytes free for this user."""
        return shutil.disk_usage(self.folder).free

    def open_part(self, sha256: str) -> BinaryIO:
        """The partial file of that content for reading and writing, made when absent, with what it already holds."""
        flags = os.O_RDWR | os.O_CREAT | _NOFOLLOW | _BINARY
        return os.fdopen(os.open(self._part(sha256), flags, 0o666), "r+b")

    def part_size(self, sha256: str) -> int:
        """Bytes already there of that content."""
        try:
            return os.lstat(self._part(sha256)).st_size
        except FileNotFoundError:
            return 0

    def drop_part(self, sha256: str) -> None:
        """Delete the partial file of that content."""
        self._part(sha256).unlink(missing_ok=True)

    def drop_parts(self) -> None:
        """Delete all partial files, also those of an earlier run."""
        for part in self._ours.glob("*.part"):
            part.unlink(missing_ok=True)

    def open_existing(self, path: str) -> BinaryIO | None:
        """The regular file at a published path for reading; None when there is none or a link stands there."""
        parts = safe_parts(path, windows=WINDOWS)
        place = self.folder
        for part in parts[:-1]:
            place = place / part
            if not _is(place, stat.S_ISDIR):
                return None
        place = place / parts[-1]
        if not _is(place, stat.S_ISREG):
            return None
        return os.fdopen(os.open(place, os.O_RDONLY | _NOFOLLOW | _BINARY), "rb")

    def place(self, sha256: str, path: str) -> None:
        """Give the partial file, which is whole and on disk, its published name, in place of what stood there.

        Raises UnsafePath when a link or something else that is no folder is in the way.
        """
        os.replace(self._part(sha256), self._make_way(path))

    def copy(self, source: str, sha256: str, path: str) -> None:
        """Place the content of the file at `source` at another published path too."""
        existing = self.open_existing(source)
        if existing is None:
            raise UnsafePath("path-link", path=source, folder=self.folder)
        with existing, self.open_part(sha256) as part:
            part.truncate()
            shutil.copyfileobj(existing, part, 1 << 20)
            part.flush()
            os.fsync(part.fileno())
        self.place(sha256, path)

    def _part(self, sha256: str) -> Path:
        return self._ours / f"{sha256}.part"

    def _make_way(self, path: str) -> Path:
        """The file's place, its folders made."""
        *folders, name = safe_parts(path, windows=WINDOWS)
        place = self.folder
        for folder in folders:
            place = place / folder
            self._enter(place, path)
        if _is(place / name, stat.S_ISDIR):
            raise UnsafePath("path-link", path=path, folder=self.folder)
        return place / name

    def _enter(self, folder: Path, path: str) -> None:
        with suppress(FileExistsError):
            folder.mkdir()
        if not _is(folder, stat.S_ISDIR):
            raise UnsafePath("path-link", path=path, folder=self.folder)


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether that very entry, not what it may link to, is of the kind. A junction of Windows counts as a link."""
    try:
        entry = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return kind(entry.st_mode) and not getattr(entry, "st_reparse_tag", 0)
