"""Pictures whose faces are known: a folder with a file ``annotations.json``.

    {"street/1.jpg": {"size": [1024, 768], "faces": [[x, y, width, height], …], "tags": ["dark", …]}, …}

Names are below the folder. ``size`` is that of the picture as it is seen, that is, upright; faces are in its pixels.
``tags`` may be absent; so may any further key be there.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "annotations.json"

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
    except ValueError as error:
        raise BadAnnotations(f"{folder / FILE}: {error}") from error
    if not isinstance(told, dict) or not told:
        raise BadAnnotations(f"{folder / FILE}: names of pictures are missing")
    return [_one(name, facts) for name, facts in told.items()]


def _one(name: str, facts: Any) -> Annotated:
    match facts:
        case {"size": [int(width), int(height)], "faces": list(faces), **rest} if width > 0 < height:
            boxes = tuple(_box(name, face) for face in faces)
            tags = rest.get("tags", [])
            if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
                return Annotated(name, (width, height), boxes, tuple(tags))
    raise BadAnnotations(f"{FILE}: {name!r} needs size [width, height], faces [[x, y, width, height], …] and text tags")


def _box(name: str, face: Any) -> Box:
    match face:
        case [
            int() | float() as left,
            int() | float() as top,
            int() | float() as width,
            int() | float() as height,
        ] if width > 0 < height:
            return float(left), float(top), float(width), float(height)
    raise BadAnnotations(f"{FILE}: {name!r} has a face that is not [x, y, width, height]: {face!r}")
