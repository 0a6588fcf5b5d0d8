"""The one place that deletes: a listed file, by its folder's handle, after its bytes were read and found right.

No link is followed, neither at the file nor on the way to it; nothing but a regular file is touched.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.sdk.paths import OURS
from gateway.sdk.store import BINARY, NOFOLLOW, digest_of

BY_HANDLE = {os.open, os.stat, os.unlink, os.rename, os.mkdir, os.rmdir} <= os.supports_dir_fd
_FOLDER = getattr(os, "O_DIRECTORY", 0) | NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | NOFOLLOW | BINARY | getattr(os, "O_NONBLOCK", 0)
ASIDE = f"{OURS}/aside"


class Done(StrEnum):
    """What became of one listed file."""

    DELETED = "deleted"
    ASIDE = "aside"  # in quarantine now
    RESTORED = "restored"
    ABSENT = "absent"  # nothing is there
    MODIFIED = "modified"  # other bytes, or no plain file: left
    LOCKED = "locked"  # it could not be done now: no right to, or a link on the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file that the record lists: `path` below `folder`, and the digest of the bytes that were put there."""

    folder: str
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Result:
    """`links`: names that the same file still has elsewhere. They may be other listed copies, or somebody's own."""

    done: Done
    links: int = 0


class _Blocked(Exception):
    """A link, or something else that is no folder, is on the way."""


def delete(listed: Listed, *, dry_run: bool = False) -> Result:
    """Delete the file if it still has its bytes; then folders below `folder` that are empty."""
    try:
        with _parent(listed.folder, listed.path) as (folder, name):
            found = _examine(folder, name, listed.content)
            if isinstance(found, Done):
                return Result(found)
            if not dry_run:
                _unlink(folder, name)
                _drop_empty(listed)
            return Result(Done.DELETED, found - 1)
    except FileNotFoundError:
        return Result(Done.ABSENT)
    except (_Blocked, OSError):
        return Result(Done.LOCKED)


def move(listed: Listed, to: str, done: Done, *, dry_run: bool = False) -> Result:
    """Give the file, if it still has its bytes, another path below its folder, unless something is there."""
    try:
        with _parent(listed.folder, listed.path) as (folder, name):
            found = _examine(folder, name, listed.content)
            if isinstance(found, Done):
                return Result(found)
            if dry_run:
                return Result(done)
            _make_folders(listed.folder, to)
            with _parent(listed.folder, to) as (other, new):
                if _exists(other, new):
                    return Result(Done.LOCKED)
                _rename(folder, name, other, new)
            _drop_empty(listed)
            return Result(done)
    except FileNotFoundError:
        return Result(Done.ABSENT)
    except (_Blocked, OSError):
        return Result(Done.LOCKED)


def discard(folder: str, path: str) -> None:
    """Delete an unfinished file of the store, which has no digest yet, if it is a plain file."""
    with suppress(_Blocked, OSError), _parent(folder, path) as (handle, name):
        if stat.S_ISREG(_stat(handle, name).st_mode):
            _unlink(handle, name)


# `folder` below is an open folder, or where the system has no such thing (Windows) its path.
_Handle = int | Path


@contextmanager
def _parent(folder: str, path: str) -> Iterator[tuple[_Handle, str]]:
    """The folder that the path's last name is in, reached name by name without following any link.

    Raises _Blocked, FileNotFoundError and other OSError.
    """
    root = Path(folder)
    names = [*root.parts[1:], *path.split("/")]
    if not root.is_absolute() or any(name in ("", ".", "..") or "/" in name or "\0" in name for name in names):
        raise _Blocked
    if not BY_HANDLE:
        place = Path(root.anchor)
        for name in names[:-1]:
            place = place / name
            entry = os.lstat(place)
            if not stat.S_ISDIR(entry.st_mode) or _is_junction(entry):
                raise _Blocked
        yield place, names[-1]
        return
    handle = os.open(root.anchor, _FOLDER)
    try:
        for name in names[:-1]:
            try:
                following = os.open(name, _FOLDER, dir_fd=handle)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise _Blocked from error
            os.close(handle)
            handle = following
        yield handle, names[-1]
    finally:
        os.close(handle)


def _examine(folder: _Handle, name: str, content: str) -> Done | int:
    """How many names the file has, if it is plain and has these bytes; else what is to be said of it."""
    entry = _stat(folder, name)
    if not stat.S_ISREG(entry.st_mode) or _is_junction(entry):
        return Done.MODIFIED
    descriptor = os.open(folder / name, _FILE) if isinstance(folder, Path) else os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if digest_of(file).hexdigest() != content:
            return Done.MODIFIED
        read, now = os.fstat(descriptor), _stat(folder, name)
        # Whoever put another file there while this one was read keeps it.
        if (read.st_dev, read.st_ino) != (now.st_dev, now.st_ino) or read.st_mtime_ns != now.st_mtime_ns:
            return Done.MODIFIED
        return read.st_nlink


def _stat(folder: _Handle, name: str) -> os.stat_result:
    if isinstance(folder, Path):
        return os.lstat(folder / name)
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def _is_junction(entry: os.stat_result) -> bool:
    """Windows has folders that are links."""
    return bool(getattr(entry, "st_reparse_tag", None))


def _exists(folder: _Handle, name: str) -> bool:
    try:
        _stat(folder, name)
    except FileNotFoundError:
        return False
    return True


def _unlink(folder: _Handle, name: str) -> None:
    if isinstance(folder, Path):
        os.chmod(folder / name, stat.S_IWRITE)  # Windows keeps a read-only file
        os.unlink(folder / name)
    else:
        os.unlink(name, dir_fd=folder)


def _rename(folder: _Handle, name: str, other: _Handle, new: str) -> None:
    if isinstance(folder, Path) and isinstance(other, Path):
        os.rename(folder / name, other / new)
    elif isinstance(folder, int) and isinstance(other, int):
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=other)


def _make_folders(folder: str, path: str) -> None:
    """The folders on the way to the path, its owner's alone."""
    names = path.split("/")
    for depth in range(1, len(names)):
        with _parent(folder, "/".join(names[:depth])) as (handle, name), suppress(FileExistsError):
            if isinstance(handle, Path):
                os.mkdir(handle / name, 0o700)
            else:
                os.mkdir(name, 0o700, dir_fd=handle)


def _drop_empty(listed: Listed) -> None:
    names = listed.path.split("/")
    for depth in range(len(names) - 1, 0, -1):
        try:
            with _parent(listed.folder, "/".join(names[:depth])) as (handle, name):
                if isinstance(handle, Path):
                    os.rmdir(handle / name)
                else:
                    os.rmdir(name, dir_fd=handle)
        except (_Blocked, OSError):  # not empty, or somebody else's matter
            return
