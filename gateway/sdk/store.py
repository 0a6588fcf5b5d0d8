"""The store: every content once, under its digest, read-only. Projects get links to it, or copies where no link can be.

``objects/ab/<sha256>`` are whole contents, ``partial/`` unfinished ones. What a name promises is checked on each use.
"""

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gateway.sdk.errors import NoSpace
from gateway.sdk.words import size

BLOCK = 1 << 20
READ_ONLY = 0o444
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0)
FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file, copied on write
_NO_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EACCES}
)
_NO_CLONE = frozenset({*_NO_LINK, errno.ENOTTY, errno.ENOSYS, errno.EBADF, errno.ETXTBSY})


class Store:
    """Contents below a home. Several processes may use it at once; `abandoned` ends long reads by raising."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.realpath(home.expanduser()))
        self.folder = self.home / "store"
        self.objects = self.folder / "objects"
        self.partial = self.folder / "partial"
        self.aside = self.folder / "aside"
        self._clones = sys.platform == "linux"  # until the file system says that it cannot

    def make(self) -> None:
        """Make the folders, its owner's alone."""
        for folder in (self.folder, self.objects, self.partial):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def place_of(self, sha256: str) -> Path:
        """Where a content lies when it is there."""
        return self.objects / sha256[:2] / sha256

    def names(self, sha256: str) -> bool:
        """Whether there is anything under the content's name, whole or not."""
        return os.path.lexists(f"{self.objects}{os.sep}{sha256[:2]}{os.sep}{sha256}")

    def has(self, sha256: str, size: int, abandoned: Callable[[], None] = lambda: None) -> bool:
        """Whether the content is there and whole: its bytes are read. One that is not is taken away."""
        file = self.open_content(sha256, size, abandoned)
        if file is not None:
            file.close()
        return file is not None

    def open_content(self, sha256: str, size: int, abandoned: Callable[[], None] = lambda: None) -> BinaryIO | None:
        """The content, at its start, when it is there and whole: these very bytes were read. Else as `has`."""
        try:
            descriptor = os.open(self.place_of(sha256), os.O_RDONLY | NOFOLLOW | BINARY)
        except OSError:
            return None
        file = os.fdopen(descriptor, "rb", buffering=0)
        try:
            if os.fstat(descriptor).st_size == size and digest_of(file, abandoned).hexdigest() == sha256:
                file.seek(0)
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        # Somebody wrote through a link to it. The link keeps what was written; the name is the store's own.
        self.place_of(sha256).unlink(missing_ok=True)
        return None

    @contextmanager
    def filling(self, sha256: str, abandoned: Callable[[], None]) -> Iterator[None]:
        """Only one process at a time fills the partial file of a content; the others wait for it."""
        lock = FileLock(self.partial / f"{sha256}.lock")
        while True:
            abandoned()
            with suppress(Timeout):
                lock.acquire(timeout=0.2)
                break
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(self.partial / f"{sha256}.lock")
            lock.release()

    def part_of(self, sha256: str) -> Path:
        """The partial file of a content."""
        return self.partial / sha256

    def begun(self, sha256s: Collection[str]) -> int:
        """Bytes of these contents' partial files."""
        with os.scandir(self.partial) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.name in sha256s)

    def spans_of(self, sha256: str) -> Path:
        """Where it is noted which spans of a partial file are there, when it is filled in several places at once."""
        return self.partial / f"{sha256}.spans"

    def open_part(self, sha256: str) -> BinaryIO:
        """The partial file for reading and writing, made when absent, with what it already holds."""
        flags = os.O_RDWR | os.O_CREAT | NOFOLLOW | BINARY
        return os.fdopen(os.open(self.part_of(sha256), flags, 0o600), "r+b", buffering=0)

    def drop_part(self, sha256: str) -> None:
        """Delete what is there of an unfinished content."""
        for place in (self.part_of(sha256), self.spans_of(sha256)):
            place.unlink(missing_ok=True)

    def keep_part(self, sha256: str) -> None:
        """Give the partial file, which is whole, right and on disk, its name in the store."""
        place = self.place_of(sha256)
        place.parent.mkdir(exist_ok=True, mode=0o700)
        os.chmod(self.part_of(sha256), READ_ONLY)
        os.replace(self.part_of(sha256), place)
        self.spans_of(sha256).unlink(missing_ok=True)

    def keep_all(self, contents: Mapping[str, bytes]) -> None:
        """Put small contents, by digest, into the store: on disk together, and only then under their names."""
        unnamed = [(self._write(sha256, content), sha256) for sha256, content in contents.items()]
        sync(self.partial, [place for place, _ in unnamed])
        for place, sha256 in unnamed:
            named = self.place_of(sha256)
            try:
                os.replace(place, named)
            except FileNotFoundError:
                named.parent.mkdir(exist_ok=True, mode=0o700)
                os.replace(place, named)

    def _write(self, sha256: str, content: bytes) -> str:
        # The process's own name: a content that two processes bring at once is whole in both.
        place = f"{self.partial}{os.sep}{sha256}.{os.getpid()}"
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOFOLLOW | BINARY, READ_ONLY)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        return place

    def drop_stale(self, sha256s: Sequence[str]) -> None:
        """Delete what killed processes left unnamed of these contents."""
        left: dict[str, list[str]] = {}
        for name in os.listdir(self.partial):
            digest, dot, owner = name.partition(".")
            if dot and owner.isdigit() and not _lives(int(owner)):
                left.setdefault(digest, []).append(name)
        for sha256 in sha256s:
            for name in left.get(sha256, ()):
                (self.partial / name).unlink(missing_ok=True)

    def link(self, sha256: str, place: Path, unnamed: Path) -> None:
        """Make `place` have that content, over what is there: blocks shared, else a hard link, else a copy.

        There is a whole file under the name at any moment: what is not one yet lies at `unnamed`, on the same disk.
        """
        source = self.place_of(sha256)
        if not self._clones:
            try:
                os.link(source, place, follow_symlinks=False)  # whole at once, where nothing stands yet
            except OSError as error:
                if error.errno not in {errno.EEXIST, *_NO_LINK}:
                    raise
            else:
                return
        unnamed.unlink(missing_ok=True)
        try:
            self._put(source, unnamed)
            os.replace(unnamed, place)
        finally:
            unnamed.unlink(missing_ok=True)  # half a copy; or still there when it was the very same file

    def _put(self, source: Path, place: Path) -> None:
        if self._clones and self._clone(source, place):
            return
        try:
            os.link(source, place, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            _copy(source, place)

    def _clone(self, source: Path, place: Path) -> bool:
        import fcntl  # there is none on Windows, where nothing is cloned

        origin = os.open(source, os.O_RDONLY | NOFOLLOW)
        try:
            copy = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW, READ_ONLY)
            try:
                fcntl.ioctl(copy, FICLONE, origin)
            except OSError as error:
                os.unlink(place)
                if error.errno not in _NO_CLONE:
                    raise
                if error.errno != errno.EXDEV:
                    self._clones = False
                return False
            finally:
                os.close(copy)
        finally:
            os.close(origin)
        return True

    def shares_with(self, folder: Path) -> bool:
        """Whether a link from the folder to the store is thinkable, so that a file there takes no room of its own."""
        return os.stat(folder).st_dev == os.stat(self.objects).st_dev

    def free(self) -> int:
        """Bytes free for this user."""
        return shutil.disk_usage(self.objects).free

    def check_free(self, needed: int) -> None:
        """Raise NoSpace unless so many bytes more have room."""
        free = self.free()
        if needed > free:
            raise NoSpace(folder=self.folder, free=size(free), needed=size(needed), home=self.home)


def digest_of(file: BinaryIO, abandoned: Callable[[], None] = lambda: None) -> "hashlib._Hash":
    """The running SHA-256 of the file from its start; the file is left at its end."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(BLOCK):
        abandoned()
        digest.update(block)
    return digest


def sync(folder: Path, places: Sequence[str]) -> None:
    """Return when these files of the folder are on disk."""
    syncfs = _syncfs()
    if syncfs is not None and len(places) > 1:
        # One call for all of them: a call for each takes a hundred times longer.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if syncfs(descriptor) == 0:
                return
        finally:
            os.close(descriptor)
    for place in filter(None, places):
        descriptor = os.open(place, os.O_RDONLY | BINARY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def flush(folder: Path) -> None:
    """Return when what was done below the folder is on disk, as far as the system can say so."""
    with suppress(OSError):
        sync(folder, ("", ""))


def _syncfs() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "syncfs", None)
    return found


def _copy(source: Path, place: Path) -> None:
    with open(source, "rb") as original:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY, READ_ONLY)
        with os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(original, copy, BLOCK)
            copy.flush()
            os.fsync(copy.fileno())


def _lives(pid: int) -> bool:
    if os.name == "nt":  # there os.kill is no question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
