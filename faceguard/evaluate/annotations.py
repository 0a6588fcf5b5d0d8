"""Pictures whose faces are known: a folder with a file ``annotations.json``.

    {"street/1.jpg": {"size": [1024, 768], "faces": [[x, y, width, height], …], "tags": ["dark", …]}, …}

Names are below the folder. ``size`` is that of the picture as it is seen, that is, upright; faces are in its pixels.
``tags`` may be absent; so may any further key be there.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

FILE = "annotations.json"

MOST = 1_000_000
"""Pixels of a side, be it of a face or of a picture: numbers beyond are a mistake, and some overflow."""

Box = tuple[float, float, float, float]
"""left, top, width, height"""


class BadAnnotations(Exception):
    """The file is absent or not of that shape; the message says where."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """One picture. name: below the folder. size: width and height of the upright picture."""

    name: str
    size: tuple[int, int]
    faces: tuple[Box, ...]
    tags: tuple[str, ...]


def read(folder: Path) -> list[Annotated]:
    """The pictures in the order of the file. Raises BadAnnotations."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadAnnotations(f"{folder / FILE}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadAnnotations(f"{folder / FILE}: {error}") from error
    if not isinstance(told, dict) or not told:
        raise BadAnnotations(f"{folder / FILE}: names of pictures are missing")
    for name in told:
        _check_name(folder, name)
    return [_one(name, facts) for name, facts in told.items()]


def _check_name(folder: Path, name: str) -> None:
    """Before the long work: every picture is there, below the folder."""
    try:
        there = (folder / name).is_file()
    except (OSError, ValueError):  # no name that a file can have
        there = False
    if not there or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadAnnotations(f"{FILE}: there is no file {name!a} below the folder")


def _one(name: str, facts: Any) -> Annotated:
    match facts:
        case {"size": [int(width), int(height)], "faces": list(faces), **rest} if (
            0 < width <= MOST and 0 < height <= MOST
        ):
            boxes = tuple(_box(name, face, width, height) for face in faces)
            tags = rest.get("tags", [])
            if isinstance(tags, list):
                return Annotated(name, (width, height), boxes, tuple(_tag(name, tag) for tag in tags))
    raise BadAnnotations(
        f"{FILE}: {name!r} needs size [width, height] of at most {MOST}, faces [[x, y, width, height], …] "
        "and a list of tags, if any"
    )


def _tag(name: str, tag: Any) -> str:
    """JSON can spell half a character, which no table and no file takes."""
    if isinstance(tag, str) and not any("\ud800" <= character <= "\udfff" for character in tag):
        return tag
    raise BadAnnotations(f"{FILE}: {name!r} has a tag that is no text: {shortened(tag)}")


def _box(name: str, face: Any, wide: int, tall: int) -> Box:
    match face:
        case [
            int() | float() as left,
            int() | float() as top,
            int() | float() as width,
            int() | float() as height,
        ] if width > 0 < height and -width < left < wide and -height < top < tall and width < MOST > height:
            return float(left), float(top), float(width), float(height)
    raise BadAnnotations(
        f"{FILE}: {name!r} has a face that is not [x, y, width, height] in the picture: {shortened(face)}"
    )
