"""Files that are there whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def writing(place: Path, half: Path) -> Iterator[BinaryIO]:
    """A file to write to; at the end of the block it has its name, in one step and durably. Raises OSError.

    Only a plain file is replaced: a device, a pipe or a link that has the name stays what it is.
    half: a folder on the same disk for what is not yet whole; a kill leaves its leavings there and nowhere else.
    """
    check_free(place)
    fresh = half / f".{secrets.token_hex(8)}.half"
    try:
        with fresh.open("xb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)


def check_free(place: Path) -> None:
    """Raises OSError when something other than a plain file has the name."""
    try:
        there = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(there):
        raise OSError(errno.EEXIST, "no plain file", str(place))


def sweep(half: Path) -> None:
    """Remove what a kill has left."""
    for leaving in half.glob(".*.half"):
        leaving.unlink(missing_ok=True)
