"""The pictures of a folder, one at a time."""

import contextlib
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
    """A picture of a folder. path: below that folder. mtime_ns: when it was last written to.

    Of what cannot be looked at, a folder below or a link that leads round in a circle, size is UNREADABLE.
    """

    path: str
    size: int
    mtime_ns: int


UNREADABLE = -1


def pictures(folder: Path, *leave_out: Path) -> Iterator[Found]:
    """Every file with the ending of a picture, in no order, with those of the folders below; links to folders are not
    followed, links to files are.

    leave_out: folders that are passed over. Raises OSError when the folder itself cannot be read.
    """
    below = [""]
    while below:
        inside = below.pop()
        try:
            opened = os.scandir(folder / inside)
        except OSError:
            if not inside:
                raise
            yield Found(inside, UNREADABLE, 0)
            continue
        with opened as entries:
            for entry in entries:
                path = os.path.join(inside, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if folder / path not in leave_out:
                        below.append(path)
                elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                    found = _looked_at(entry, path)
                    if found is not None:
                        yield found


def _looked_at(entry: os.DirEntry[str], path: str) -> Found | None:
    """None for what is no file, and for a link that leads nowhere."""
    with contextlib.suppress(FileNotFoundError):
        try:
            facts = entry.stat()
        except FileNotFoundError:
            raise
        except OSError:
            return Found(path, UNREADABLE, 0)
        if stat.S_ISREG(facts.st_mode):
            return Found(path, facts.st_size, facts.st_mtime_ns)
    return None
