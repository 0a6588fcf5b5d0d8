"""The pictures of a folder, one at a time."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"})
_HEIC = frozenset({".heic", ".heif", ".hif"})
SUFFIXES = _JPEG | _HEIC | {".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
"""HEIC also where its extra is missing: a refusal says so, and silence would not."""


@dataclass(frozen=True, slots=True)
class Found:
    """A picture of a folder. path: below that folder. mtime_ns: when it was last written to."""

    path: str
    size: int
    mtime_ns: int


def pictures(folder: Path, *leave_out: Path) -> Iterator[Found]:
    """Every file with the ending of a picture, in no order, with those of the folders below; links to folders are not
    followed, links to files are.

    leave_out: folders that are passed over. Raises OSError when a folder cannot be read.
    """
    below = [""]
    while below:
        inside = below.pop()
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                path = os.path.join(inside, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if folder / path not in leave_out:
                        below.append(path)
                elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file():
                    facts = entry.stat()
                    if stat.S_ISREG(facts.st_mode):
                        yield Found(path, facts.st_size, facts.st_mtime_ns)
