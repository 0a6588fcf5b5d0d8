"""Which published paths may become files below a folder. Pure.

The gateway checks paths when they are published; this side checks again, because it is this machine that is written to.
"""

import os
import re
import unicodedata
from collections.abc import Iterable

from gateway.sdk.errors import Misused, UnsafePath

OURS = ".hubgate"
"""The folder of unfinished files, in the destination while there are any."""

MAX_NAME = 255  # bytes, the usual limit of file systems
_DRIVE = re.compile(r"[A-Za-z]:")
# Names that Windows keeps for devices, with or without an extension, and characters that it keeps for itself.
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9\u00b9\u00b2\u00b3]|LPT[0-9\u00b9\u00b2\u00b3])(?: *\..*)?", re.I)
_WINDOWS = frozenset('<>:"|?*')


def safe_parts(path: str, *, windows: bool) -> tuple[str, ...]:
    """The names along a path that stays below its folder. Raises UnsafePath without its `folder`, see `check_all`.

    Refused everywhere: absolute paths, ``..`` and ``.``, empty names, drive letters, backslashes, control characters,
    lone surrogates, names beyond 255 bytes, and the folder of unfinished files; on Windows also what it cannot name.
    """
    parts = tuple(path.split("/"))
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\\" in path
        or _DRIVE.match(path)
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in path)
    ):
        raise UnsafePath("path-form", path=ascii(path), folder="?")
    if parts[0].casefold() == OURS:
        raise UnsafePath("path-ours", path=path, folder="?")
    if any(len(part.encode()) > MAX_NAME for part in parts):
        raise UnsafePath("path-long", path=path, folder="?")
    if windows and any(_DEVICE.fullmatch(part) or part[-1] in " ." or not _WINDOWS.isdisjoint(part) for part in parts):
        raise UnsafePath("path-windows", path=path, folder="?")
    return parts


def check_all(paths: Iterable[str], *, folder: str, windows: bool, folds: bool) -> None:
    """Raise UnsafePath unless all paths are safe and no two are one file.

    `folds`: on this system names that differ in case or composition alone are the same.
    """
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        try:
            parts = safe_parts(path, windows=windows)
        except UnsafePath as error:
            error.params["folder"] = folder
            raise
        keys = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if folds:
            keys = [unicodedata.normalize("NFC", key).casefold() for key in keys]
        if keys[-1] in files or keys[-1] in folders or not files.isdisjoint(keys):
            raise UnsafePath("path-twice", path=path, folder=folder)
        files.add(keys[-1])
        folders.update(keys[:-1])


def check_utf8(place: str, code: str) -> None:
    """Raise Misused with that code for a path of this machine that the record cannot list: its texts are UTF-8."""
    try:
        place.encode()
    except UnicodeEncodeError as error:
        raise Misused(code, path=os.fsencode(place).decode(errors="backslashreplace")) from error
