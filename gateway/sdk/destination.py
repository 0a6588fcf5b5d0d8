"""The folder that a fetch writes to: files get their names only when whole, and no link below it is followed."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gateway.sdk.errors import FolderBusy, NotStored, UnsafePath
from gateway.sdk.paths import OURS, check_utf8, safe_parts
from gateway.sdk.store import BINARY, NOFOLLOW, Store

WINDOWS = os.name == "nt"


class Destination:
    """A folder, and in it, while a fetch is at work, a hidden folder for its lock and for what has no name yet.

    Raises Misused for one that cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        for place in (str(self.folder), os.path.realpath(self.folder)):  # what is shown, and what is listed
            check_utf8(place, "folder-not-utf8")
        self._ours = self.folder / OURS
        self._made: set[tuple[str, ...]] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and keep other fetches out of it. Raises FolderBusy at once when one is at work.

        A folder that is new, and still empty when the work in it fails, is taken away again.
        """
        new = not self.folder.exists()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise NotStored("no-folder", folder=self.folder) from error
        self._enter(self._ours, OURS)
        for left in self._ours.glob("*.new"):
            left.unlink(missing_ok=True)
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
        return os.fdopen(os.open(place, os.O_RDONLY | NOFOLLOW | BINARY), "rb")

    def place(self, store: Store, sha256: str, path: str) -> None:
        """Give a content of the store its published name too, in place of what stood there.

        Raises UnsafePath when a link or something else that is no folder is in the way.
        """
        store.link(sha256, self.make_way(path), self._ours / f"{sha256}.new")

    def make_way(self, path: str) -> Path:
        """The file's place, its folders made."""
        *folders, name = safe_parts(path, windows=WINDOWS)
        place = self.folder.joinpath(*folders)
        if tuple(folders) not in self._made:
            for depth in range(len(folders)):
                self._enter(self.folder.joinpath(*folders[: depth + 1]), path)
            self._made.add(tuple(folders))
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
