"""Covers: what a face is replaced with, so that nothing of it can be got back.

Under a plate only the mean colours of a 2 x 2 grid survive, shifted by grey noise. Blur and finer mosaics lose to
an attacker who blurs his own gallery the same way; this does not. The noise is drawn from a key and the picture, so
that asking again gives the same noise and averaging gives nothing.
"""

import hashlib
import hmac

import cv2
import numpy as np
from numpy.typing import NDArray

from faceguard.pixels import Boxes, Rgb, area, overlap, spans

PADDING = 1.35
"""A plate's side in face sides, unless a plan says otherwise."""

_CELLS = 2
_NOISE = 25.0  # standard deviation, of 255
_ONE_SHAPE = 0.3  # plates that share more of the smaller one than this make one shape
_FEATHER = 0.05  # of the shorter side of a shape; lies outside the plates


class Covered:
    """A picture under its plates. mask: the plates alone, without feather. shapes: how many there are."""

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
    a finer mosaic. For the same reason boxes of one face become one shape and the largest shape is laid last.
    """
    height, width = rgb.shape[:2]
    grown = plates(boxes, width, height, padding)
    out = rgb.copy()
    mask = np.zeros((height, width), bool)
    shapes = [grown[members] for members in _clusters(grown)]
    shapes.sort(key=lambda shape: (_span(shape), *_frame(shape)))
    for shape in shapes:
        _lay(rgb, out, mask, shape, noise)
    return Covered(out, mask, len(shapes))


def _clusters(boxes: Boxes) -> list[list[int]]:
    """Indices of boxes joined by overlap, directly or through others."""
    size = area(boxes)
    joined = np.zeros((len(boxes), len(boxes)), bool)
    for rows in spans(len(boxes)):
        joined[rows] = overlap(boxes[rows], boxes) > _ONE_SHAPE * np.minimum(size[rows, None], size[None, :])
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


def _lay(rgb: Rgb, out: Rgb, mask: NDArray[np.bool_], shape: Boxes, noise: np.random.Generator) -> None:
    left, top, right, bottom = _frame(shape)
    feather = max(2, round(_FEATHER * min(right - left, bottom - top)))
    x, y = max(0, left - feather), max(0, top - feather)
    around = np.s_[y : bottom + feather, x : right + feather]
    hard = np.zeros(mask[around].shape, np.uint8)
    for plate in shape[:, :4].astype(int):
        hard[plate[1] - y : plate[3] - y, plate[0] - x : plate[2] - x] = 1
    distance = cv2.distanceTransform(1 - hard, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    strength = np.clip(1 - distance / (feather + 1), 0, 1)[:, :, None]
    fill = _fill(rgb[top:bottom, left:right], hard.shape, (left - x, top - y), noise)
    out[around] = np.rint(out[around] * (1 - strength) + fill * strength).astype(np.uint8)
    mask[around] |= hard.astype(bool)


def _fill(
    face: Rgb, shape: tuple[int, ...], offset: tuple[int, int], noise: np.random.Generator
) -> NDArray[np.float32]:
    """Mean colours of 2 x 2 cells of ``face`` with noise, interpolated over the plate and carried on around it."""
    height, width = face.shape[:2]
    cells = np.empty((_CELLS, _CELLS, 3), np.float32)
    for row in range(_CELLS):
        for column in range(_CELLS):
            part = face[
                row * height // 2 : -(-(row + 1) * height // 2), column * width // 2 : -(-(column + 1) * width // 2)
            ]
            cells[row, column] = part.reshape(-1, 3).mean(axis=0)
    cells += noise.normal(0, _NOISE, (_CELLS, _CELLS, 1))
    plate = cv2.resize(cells.clip(0, 255), (width, height), interpolation=cv2.INTER_LINEAR)
    below, beyond = shape[0] - height - offset[1], shape[1] - width - offset[0]
    whole = cv2.copyMakeBorder(plate, offset[1], below, offset[0], beyond, cv2.BORDER_REPLICATE)
    return np.asarray(whole, np.float32)
