"""Covers: what a face is replaced with, so that nothing of it can be got back.

Under a plate only the mean colours of a 2 x 2 grid survive, shifted by grey noise. Blur and finer mosaics lose to
an attacker who blurs his own gallery the same way; this does not. The noise is drawn from a key and the picture, so
that asking again gives the same noise and averaging gives nothing. For the eye only the lightness of these four is then
kept, drawn towards that of the rest of the picture, and given one quiet tint; that tells nothing more, for the rest is
there to be seen.
"""

import hashlib
import hmac

import cv2
import numpy as np
from numpy.typing import NDArray

from faceguard.outline import outline
from faceguard.pixels import Boxes, Rgb, overlap, spans

PADDING = 1.35
"""A plate's side in face sides, unless a plan says otherwise."""

_CELLS = 2
_NOISE = 25.0  # standard deviation, of 255
_ENOUGH = 0.25  # of a cell under plates; the colour of less would be that of too few pixels
_QUIET = 0.5  # how far lightness is drawn towards that of the picture
_TINT = np.array((-16, 0, 16), np.float32)
"""Slate. With its mirror image, clay, for what is bluish, every covered pixel differs from what was there by 16 of 255
in one channel at least, grey pictures included: a cover that could pass for the picture would not be seen as one."""
_TONE = 0.01  # of the picture must be seen to give it a tone


class Covered:
    """A picture under its plates. mask: the plates alone, without what is rounded and soft. shapes: how many."""

    __slots__ = ("mask", "rgb", "shapes")

    def __init__(self, rgb: Rgb, mask: NDArray[np.bool_], shapes: int) -> None:
        self.rgb = rgb
        self.mask = mask
        self.shapes = shapes

    @property
    def share(self) -> float:
        """Share of the picture under plates, 0 to 1."""
        return float(self.mask.mean())


def noise_source(key: bytes, data: bytes) -> np.random.Generator:
    """The noise of one picture: always the same for the same key and bytes, and unknown without the key."""
    seed = hmac.digest(key, hashlib.sha256(data).digest(), "sha256")
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed)))


def plates(boxes: Boxes, width: int, height: int, padding: float = PADDING) -> Boxes:
    """Face boxes grown by ``padding`` around their centres to whole pixels, at least 4, inside the picture."""
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = np.maximum((boxes[:, 2:4] - boxes[:, :2]) * (padding / 2), 2)
    grown = boxes.copy()
    grown[:, :2] = np.floor(centre - half)
    grown[:, 2:4] = np.ceil(centre + half)
    grown[:, (0, 2)] = grown[:, (0, 2)].clip(0, width)
    grown[:, (1, 3)] = grown[:, (1, 3)].clip(0, height)
    return grown


def cover(rgb: Rgb, boxes: Boxes, noise: np.random.Generator, padding: float = PADDING) -> Covered:
    """The picture with every face box under a plate; ``rgb`` itself is left as it is.

    Colours are taken from ``rgb``, so the plates of one picture must be laid in one call: plates on plates would be
    a finer mosaic. For the same reason plates that overlap become one shape and the largest shape is laid last.
    """
    height, width = rgb.shape[:2]
    grown = plates(boxes, width, height, padding)
    out = rgb.copy()
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in grown[:, :4].astype(int):
        mask[top:bottom, left:right] = True
    tone = _tone(rgb, mask)
    shapes = [grown[members] for members in _clusters(grown)]
    shapes.sort(key=lambda shape: (_span(shape), *_frame(shape)))
    for shape in shapes:
        _lay(rgb, out, shape, tone, noise)
    return Covered(out, mask, len(shapes))


def _tone(rgb: Rgb, mask: NDArray[np.bool_]) -> float:
    """Mean lightness of what stays visible; half way where that is next to nothing."""
    seen = (~mask).astype(np.uint8)
    return float(np.mean(cv2.mean(rgb, seen)[:3])) if seen.mean() > _TONE else 128.0


def _clusters(boxes: Boxes) -> list[list[int]]:
    """Indices of boxes joined by overlap, directly or through others."""
    joined = np.zeros((len(boxes), len(boxes)), bool)
    for rows in spans(len(boxes)):
        joined[rows] = overlap(boxes[rows], boxes) > 0
    left = set(range(len(boxes)))
    clusters = []
    while left:
        members, edge = [], [min(left)]
        left.discard(edge[0])
        while edge:
            one = edge.pop()
            members.append(one)
            near = left.intersection(np.flatnonzero(joined[one]).tolist())
            left -= near
            edge.extend(near)
        clusters.append(members)
    return clusters


def _frame(shape: Boxes) -> tuple[int, int, int, int]:
    left, top = shape[:, :2].min(axis=0)
    right, bottom = shape[:, 2:4].max(axis=0)
    return int(left), int(top), int(right), int(bottom)


def _span(shape: Boxes) -> int:
    left, top, right, bottom = _frame(shape)
    return (right - left) * (bottom - top)


def _lay(rgb: Rgb, out: Rgb, shape: Boxes, tone: float, noise: np.random.Generator) -> None:
    left, top, right, bottom = _frame(shape)
    form = outline(shape, rgb.shape[1], rgb.shape[0])
    window = np.s_[form.top : form.top + form.strength.shape[0], form.left : form.left + form.strength.shape[1]]
    under = form.plates[top - form.top : bottom - form.top, left - form.left : right - form.left]
    cells = _quiet(_cells(rgb[top:bottom, left:right], under, noise), tone)
    rows = _slope(np.arange(window[0].start, window[0].stop), top, bottom)[:, None, None]
    columns = _slope(np.arange(window[1].start, window[1].stop), left, right)[None, :, None]
    upper, lower = (cells[row, 0] * (1 - columns) + cells[row, 1] * columns for row in range(_CELLS))
    fill = upper * (1 - rows) + lower * rows
    strength = form.strength[:, :, None]
    out[window] = np.rint(out[window] * (1 - strength) + fill * strength).astype(np.uint8)


def _cells(face: Rgb, under: NDArray[np.bool_], noise: np.random.Generator) -> NDArray[np.float32]:
    """(2, 2, 3): mean colours of the pixels under plates in each quarter of ``face``, with noise."""
    height, width = face.shape[:2]
    cells = np.empty((_CELLS, _CELLS, 3), np.float32)
    for row in range(_CELLS):
        for column in range(_CELLS):
            part = np.s_[
                row * height // 2 : -(-(row + 1) * height // 2), column * width // 2 : -(-(column + 1) * width // 2)
            ]
            here = under[part]
            cells[row, column] = (face[part][here] if here.mean() >= _ENOUGH else face[under]).mean(axis=0)
    return np.asarray((cells + noise.normal(0, _NOISE, (_CELLS, _CELLS, 1))).clip(0, 255), np.float32)


def _quiet(cells: NDArray[np.float32], tone: float) -> NDArray[np.float32]:
    """The cells as lightness alone, half way to the tone of the picture, in one tint: seen, and not loud."""
    light = cells.mean(axis=-1, keepdims=True)
    red, _, blue = cells.mean(axis=(0, 1))
    edge = float(np.abs(_TINT).max())
    return np.asarray(
        (tone + (light - tone) * (1 - _QUIET)).clip(edge, 255 - edge) + (_TINT if red >= blue else -_TINT), np.float32
    )


def _slope(at: NDArray[np.int_], start: int, end: int) -> NDArray[np.float32]:
    """From 0 at the start of a plate to 1 at its end, without a crease anywhere."""
    way = ((at + 0.5 - start) / (end - start)).clip(0, 1)
    return np.asarray(way * way * (3 - 2 * way), np.float32)
