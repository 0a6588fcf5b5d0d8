"""The faces of a folder, judged one picture at a time, and what they come to together."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from faceguard.decode import resized
from faceguard.evaluate.annotations import Annotated, BadAnnotations, Box
from faceguard.evaluate.judge import changed_area, hidden
from faceguard.pixels import Rgb
from faceguard.result import Blurred
from faceguard.source import OpenFile
from faceguard.spread import spread
from faceguard.worker import Guard

EDGES = (8, 16, 32, 64)
"""Heights of faces in the preview, in pixels: where one class ends and the next begins."""

CLASSES = ("<8", "8-16", "16-32", "32-64", ">=64")
SEEN = 16
"""A face of this height and more may tell who someone is."""

_LEAST = 2  # pixels each way; a face below is none in the preview


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture. faces: height in the preview, and whether it is hidden. area: share changed; None when withheld.

    why: the reason of the refusal, or None. seconds: from the file to the preview or the refusal.
    """

    picture: Annotated
    faces: tuple[tuple[float, bool], ...]
    area: float | None
    why: str | None
    seconds: float


def judged(folder: Path, pictures: Sequence[Annotated], guard: Guard) -> Iterator[Judged]:
    """Every picture blurred by the guard and judged, in no order. Raises OSError and BadAnnotations.

    The originals are decoded in this process: judge a folder of which you know where it is from.
    """

    def one(picture: Annotated) -> Judged:
        return _one(folder, picture, guard)

    with closing(spread(one, pictures, threads=guard.workers)) as results:
        yield from results


def _one(folder: Path, picture: Annotated, guard: Guard) -> Judged:
    start = time.perf_counter()
    with OpenFile(folder / picture.name) as file:
        result = guard.preview(file)
    seconds = time.perf_counter() - start
    scale = min(1.0, guard.limits.preview_px / max(picture.size))
    if not isinstance(result, Blurred):
        faces = tuple((face[3] * scale, True) for face in picture.faces)
        return Judged(picture, faces, None, result.why.value, seconds)
    before = _read((folder / picture.name).read_bytes())
    if before.shape[1::-1] != picture.size:
        raise BadAnnotations(f"{picture.name} has {before.shape[1]} x {before.shape[0]} pixels, not {picture.size}")
    width, height = (max(1, round(side * scale)) for side in picture.size)
    before, after = resized(before, width, height), resized(_read(result.jpeg), width, height)
    boxes: list[Box] = [(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in picture.faces]
    faces = tuple((box[3], hidden(before, after, box)) for box in boxes if box[2] >= _LEAST and box[3] >= _LEAST)
    return Judged(picture, faces, changed_area(before, after), None, seconds)


def _read(data: bytes) -> Rgb:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


class Score:
    """What the pictures come to together. Every number is of the pictures added so far."""

    def __init__(self) -> None:
        self.all: list[Judged] = []

    def add(self, one: Judged) -> None:
        """One picture more."""
        self.all.append(one)

    @property
    def by_height(self) -> list[tuple[int, int]]:
        """Hidden faces and all faces, for each of CLASSES. Faces of withheld pictures are hidden."""
        counts = [[0, 0] for _ in CLASSES]
        for one in self.all:
            for height, is_hidden in one.faces:
                place = sum(height >= edge for edge in EDGES)
                counts[place][0] += is_hidden
                counts[place][1] += 1
        return [(hidden_ones, faces) for hidden_ones, faces in counts]

    def share(self, at_least: float, *, shown_only: bool = False, tag: str | None = None) -> float | None:
        """Share of faces of that height and more that are hidden; None when there are none.

        shown_only: without pictures that were withheld, whose faces are hidden for the price of the picture.
        """
        faces = [
            is_hidden
            for one in self.all
            if not (shown_only and one.why) and (tag is None or tag in one.picture.tags)
            for height, is_hidden in one.faces
            if height >= at_least
        ]
        return fmean(faces) if faces else None

    @property
    def open(self) -> list[str]:
        """Names of pictures with a face of SEEN pixels or more that is not hidden."""
        return sorted(
            one.picture.name
            for one in self.all
            if any(height >= SEEN and not is_hidden for height, is_hidden in one.faces)
        )

    @property
    def withheld(self) -> Counter[str]:
        """Reasons of refusal, and how often each."""
        return Counter(one.why for one in self.all if one.why)

    @property
    def area(self) -> float | None:
        """Mean share of a shown picture that is changed."""
        areas = [one.area for one in self.all if one.area is not None]
        return fmean(areas) if areas else None

    @property
    def milliseconds(self) -> tuple[float, float]:
        """The median picture's, and what one picture in ten exceeds."""
        spent = [one.seconds * 1e3 for one in self.all]
        return median(spent), quantiles(spent, n=10, method="inclusive")[-1] if len(spent) > 1 else spent[0]

    @property
    def tags(self) -> list[str]:
        """Every tag of any picture."""
        return sorted({tag for one in self.all for tag in one.picture.tags})

    def facts(self) -> dict[str, Any]:
        """All of it, as JSON takes it; shares to four places."""
        middle, slow = self.milliseconds
        return {
            "pictures": len(self.all),
            "withheld": dict(sorted(self.withheld.items())),
            "hidden": {
                name: [hidden_ones, faces, _rounded(hidden_ones / faces if faces else None)]
                for name, (hidden_ones, faces) in zip(CLASSES, self.by_height, strict=True)
            },
            "hidden_ge16": _rounded(self.share(SEEN)),
            "hidden_ge16_of_shown": _rounded(self.share(SEEN, shown_only=True)),
            "hidden_ge8": _rounded(self.share(8)),
            "open": self.open,
            "changed_area": _rounded(self.area),
            "ms_median": round(middle, 1),
            "ms_slowest_tenth": round(slow, 1),
            "by_tag_ge16": {tag: _rounded(self.share(SEEN, tag=tag)) for tag in self.tags},
        }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
