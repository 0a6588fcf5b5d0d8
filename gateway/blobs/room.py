"""A disk without room, in the words of the store's contract."""

import contextlib
import errno
from collections.abc import Iterator

from gateway.blobs.base import BlobsFull

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def room_needed() -> Iterator[None]:
    """What is done inside needs room on a disk. Raises BlobsFull where there is none."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise BlobsFull(str(error)) from error
        raise
