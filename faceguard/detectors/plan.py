"""How a picture is looked at: which detectors, at which sizes, at which angles, and what counts as a face."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faceguard.decode import resized
from faceguard.detectors.base import Detector
from faceguard.detectors.light import brightened, calmed, colourless
from faceguard.detectors.union import convincing, fused
from faceguard.pixels import NO_BOXES, Boxes, Rgb, turned_back

PANORAMA = 3.0
"""Pictures longer than this many times their short side are looked at in tiles."""

_TILE = 2.0  # long side of a tile in short sides
_STEP = 1.5  # from one tile to the next, so that neighbours share a quarter

# A turned picture is believed to be the upright one when its evidence beats the other clearly; see _find.
_SURE = 0.5
_SURE_ALONE = 0.7
_SEEN = 12  # preview pixels; smaller faces prove nothing about which side is up
_TIMES, _PLUS = 1.5, 0.5

_GREY = 0.5  # of a threshold in a picture without colour, in which a detector is less sure of the same faces
_BORDER = 0.5  # of the long side, around a picture in which nothing was found; see _mirrored
_MIRRORED_AT = (320, 512)
_MIRRORED_SURE = 0.3

_LARGER = 2  # times as large as it is, a picture is looked at at most: beyond that there is nothing more to be seen


class Look(NamedTuple):
    """One detector at one size: the picture is brought to this long side first."""

    detector: Detector
    long_side: int


class Plan(NamedTuple):
    """name: for people. looks: fused for the upright picture. quick: for each of the four angles.

    thresholds: of fused scores, by height in the preview (union.HEIGHTS); lower in pictures without colour.
    padding: a plate's side in face sides.
    """

    name: str
    looks: tuple[Look, ...]
    quick: tuple[Look, ...]
    thresholds: tuple[float, ...]
    padding: float

    @property
    def long_side(self) -> int:
        """Pixels on the long side that the plan makes use of."""
        return max(look.long_side for look in self.looks)


class Pyramid:
    """One picture at several sizes; each size is made once and each look at it is taken once."""

    def __init__(self, rgb: Rgb) -> None:
        self.rgb = rgb
        self._sizes: dict[int, Rgb] = {}
        self._seen: dict[Look, Boxes] = {}

    def at(self, long_side: int) -> tuple[Rgb, float]:
        """The picture with this long side, and how many of its pixels one pixel of the original became."""
        height, width = self.rgb.shape[:2]
        scale = long_side / max(width, height)
        if long_side not in self._sizes:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            self._sizes[long_side] = resized(self.rgb, *size)
        return self._sizes[long_side], scale

    def seen(self, looks: Sequence[Look]) -> list[Boxes]:
        """What detectors find, in pixels of the original; looks that come to one size in a small picture are one."""
        most = _LARGER * max(self.rgb.shape[:2])
        sizes = dict.fromkeys(look._replace(long_side=min(look.long_side, most)) for look in looks)
        return [self._look(look) for look in sizes]

    def _look(self, look: Look) -> Boxes:
        if look not in self._seen:
            rgb, scale = self.at(look.long_side)
            boxes = look.detector.find(rgb)
            boxes[:, :4] /= scale
            self._seen[look] = boxes
        return self._seen[look]

    def turned(self, quarters: int) -> "Pyramid":
        """The same picture turned by quarters to the left; sizes made so far are turned, not made again."""
        other = Pyramid(np.rot90(self.rgb, quarters))
        other._sizes = {side: np.ascontiguousarray(np.rot90(rgb, quarters)) for side, rgb in self._sizes.items()}
        return other


class Looker:
    """Finds every face that a plan can find. Holds detectors, so one instance serves one thread."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def find(self, rgb: Rgb, preview_long: int) -> Boxes:
        """Faces of a picture in its own pixels. Raises cv2.error when a detector fails.

        preview_long: long side of the preview to come; how large a face will be shown decides how sure we must be.
        """
        height, width = rgb.shape[:2]
        preview_scale = preview_long / max(width, height)
        lit = brightened(calmed(rgb))
        found = [NO_BOXES]
        for left, top, right, bottom in tiles(width, height):
            boxes = _find(self.plan, Pyramid(lit[top:bottom, left:right]), preview_scale)
            found.append(boxes + np.array((left, top, left, top, 0), np.float32))
        return np.concatenate(found)

    def glance(self, rgb: Rgb, threshold: float) -> Boxes:
        """A quick upright look: fused scores of at least ``threshold``."""
        boxes = fused(Pyramid(rgb).seen(self.plan.quick))
        return boxes[boxes[:, 4] >= threshold]


def _find(plan: Plan, picture: Pyramid, preview_scale: float) -> Boxes:
    """Upright faces, and those of the angle at which the picture clearly shows more of them."""
    height, width = picture.rgb.shape[:2]
    upright = _fused(plan, picture, preview_scale)
    angles = [picture.turned(quarters) for quarters in (1, 2, 3)]
    glances = [fused(angle.seen(plan.quick)) for angle in angles]
    evidence = [_evidence(boxes, preview_scale) for boxes in glances]
    best = int(np.argmax(evidence))
    if evidence[best] > _TIMES * _evidence(fused(picture.seen(plan.quick)), preview_scale) + _PLUS:
        turned = _fused(plan, angles[best], preview_scale)
        upright = upright[upright[:, 4] >= _SURE]
        return np.concatenate((upright, turned_back(turned, best + 1, width, height)))
    sure = [
        turned_back(boxes[boxes[:, 4] >= _SURE_ALONE], quarters, width, height)
        for quarters, boxes in enumerate(glances, start=1)
    ]
    found = np.concatenate((upright, *sure))
    return found if len(found) else _mirrored(plan, picture.rgb)


def _mirrored(plan: Plan, rgb: Rgb) -> Boxes:
    """A face of which the picture shows one half alone looks like one when its mirror image is the other."""
    height, width = rgb.shape[:2]
    border = min(round(_BORDER * max(height, width)), height - 1, width - 1)
    wide = np.pad(rgb, ((border, border), (border, border), (0, 0)), "reflect")
    boxes = fused(Pyramid(wide).seen([Look(look.detector, side) for look in plan.quick for side in _MIRRORED_AT]))
    boxes = boxes[boxes[:, 4] >= _MIRRORED_SURE] - np.array((border, border, border, border, 0), np.float32)
    inside = (boxes[:, 0] < width) & (boxes[:, 1] < height) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    found: Boxes = boxes[inside]
    return found


def _fused(plan: Plan, picture: Pyramid, preview_scale: float) -> Boxes:
    wary = _GREY if colourless(picture.rgb) else 1
    return convincing(fused(picture.seen(plan.looks)), [wary * least for least in plan.thresholds], preview_scale)


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """The picture as (left, top, right, bottom) pieces: a panorama in tiles of 2:1 with a quarter shared, else one."""
    long, short = max(width, height), min(width, height)
    if long <= PANORAMA * short:
        return [(0, 0, width, height)]
    size = round(_TILE * short)
    count = int(np.ceil((long - size) / (_STEP * short))) + 1
    starts = [round(i * (long - size) / (count - 1)) for i in range(count)]
    if width >= height:
        return [(start, 0, start + size, height) for start in starts]
    return [(0, start, width, start + size) for start in starts]


def _evidence(boxes: Boxes, preview_scale: float) -> float:
    large = (boxes[:, 3] - boxes[:, 1]) * preview_scale >= _SEEN
    return float(boxes[large & (boxes[:, 4] >= _SURE), 4].sum())
