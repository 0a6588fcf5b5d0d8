"""Where bytes wait that are not a whole content yet: the parts of a large one, the files inside a commit.

Every content that comes in parts has one file, in which each part is written at its place; so parts may come again
and in any order, and a crash of either side loses none that was acknowledged. Nobody trusts the file: its digest is
computed when it is complete.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

from gateway.blobs.base import CHUNK, BlobMismatch, BlobsFull, Source
from gateway.blobs.room import room_needed

KEPT_S = 7 * 24 * 3600  # seconds after the last part; then nobody will send the rest
IN_MEMORY = 1024 * 1024  # bytes of a spooled file; what is longer lies on disk
STAGED = re.compile(r"[0-9a-f]{64}")


class Staging:
    """A folder on a local disk. Several processes may use the same one. `free` bytes of its disk are left alone."""

    def __init__(self, folder: Path, free: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._free = free

    def need_room(self, size: int) -> None:
        """Raises BlobsFull when the disk would have less left than must be."""
        free = shutil.disk_usage(self._folder).free
        if free < size + self._free:
            raise BlobsFull(f"{free} bytes are free, {size + self._free} are needed")

    def spool(self) -> BinaryIO:
        return cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY, dir=os.fspath(self._folder)))

    def write(self, name: str, start: int, size: int, source: Source) -> None:
        """Durable on return. Raises BlobMismatch when the source gives another number of bytes, BlobsFull."""
        with room_needed():
            fd = os.open(self._file(name), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                at, stop = start, start + size
                while at < stop:
                    piece = memoryview(source.read(min(CHUNK, stop - at)))
                    if not piece:
                        raise BlobMismatch(f"the part ended {stop - at} bytes early")
                    while piece:
                        written = os.pwrite(fd, piece, at)
                        at += written
                        piece = piece[written:]
                if source.read(1):
                    raise BlobMismatch(f"the part holds more than {size} bytes")
                os.fsync(fd)
            finally:
                os.close(fd)

    def open(self, name: str) -> BinaryIO:
        """What was written so far. Raises BlobMismatch when that is nothing."""
        try:
            return self._file(name).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise BlobMismatch("no part was sent") from error

    def drop(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._file(name).unlink()

    def sweep(self) -> None:
        """Forget what nobody has gone on with for a week."""
        oldest = time.time() - KEPT_S
        for file in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if STAGED.fullmatch(file.name) and file.lstat().st_mtime < oldest:
                    file.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / name
