"""A folder of annotated pictures, and what of its faces a mask hides.

annotations.json: {file: {"size": [w, h], "faces": [[x, y, w, h], ...]}}, in pixels of the file as it is stored.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Face = tuple[float, float, float, float]

LARGE = 16
"""Height in the preview, in pixels, from which a face counts; and half of it, for the small ones told apart."""

_BOX, _MIDDLE = 0.8, 0.98  # shares of a face and of its middle half that must lie under plates


class Annotated(NamedTuple):
    """One picture: its bytes, its width, and its faces as x, y, width, height."""

    data: bytes
    width: int
    faces: Sequence[Face]


class Tally(NamedTuple):
    """large, small: faces of LARGE pixels and more, and of half that and more; hidden_…: those of them hidden."""

    large: int
    hidden_large: int
    small: int
    hidden_small: int


def annotated(folder: Path, step: int = 1) -> Iterator[Annotated]:
    """Every ``step``-th picture of the folder."""
    told = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    for name in list(told)[::step]:
        faces = [tuple(face) for face in told[name]["faces"]]
        yield Annotated((folder / name).read_bytes(), told[name]["size"][0], faces)


def tally(mask: NDArray[np.bool_], picture: Annotated) -> Tally:
    """How many faces the mask of a preview hides."""
    scale = mask.shape[1] / picture.width
    faces = [(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in picture.faces]
    large = [_hides(mask, face) for face in faces if face[3] >= LARGE and face[2] >= 2]
    small = [_hides(mask, face) for face in faces if LARGE / 2 <= face[3] < LARGE and face[2] >= 2]
    return Tally(len(large), sum(large), len(small), sum(small))


def _hides(mask: NDArray[np.bool_], face: Face) -> bool:
    x, y, w, h = face
    return (
        _share(mask, x, y, x + w, y + h) >= _BOX
        and _share(mask, x + w / 4, y + h / 4, x + w * 0.75, y + h * 0.75) >= _MIDDLE
    )


def _share(mask: NDArray[np.bool_], left: float, top: float, right: float, bottom: float) -> float:
    x, y = max(0, round(left)), max(0, round(top))
    part = mask[y : max(y + 1, round(bottom)), x : max(x + 1, round(right))]
    return float(part.mean()) if part.size else 1.0
