"""The array types that faceguard's files hand to each other, and the geometry of boxes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""(height, width, 3), sRGB."""

Boxes = NDArray[np.float32]
"""(n, 5): left, top, right, bottom in pixels of the picture at hand, then a score from 0 to 1."""

NO_BOXES: Boxes = np.zeros((0, 5), np.float32)


_AT_ONCE = 256  # rows of a table of pairs: a crowd has ten thousand boxes, and all pairs of them gigabytes


def overlap(one: Boxes, other: Boxes) -> NDArray[np.float32]:
    """(n, m): area that each pair of boxes shares."""
    width = np.minimum(one[:, None, 2], other[None, :, 2])
    width -= np.maximum(one[:, None, 0], other[None, :, 0])
    height = np.minimum(one[:, None, 3], other[None, :, 3])
    height -= np.maximum(one[:, None, 1], other[None, :, 1])
    shared: NDArray[np.float32] = np.maximum(width, 0, out=width)
    shared *= np.maximum(height, 0, out=height)
    return shared


def area(boxes: Boxes) -> NDArray[np.float32]:
    """(n,): area of each box."""
    out: NDArray[np.float32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return out


def likeness(one: Boxes, other: Boxes) -> NDArray[np.float32]:
    """(n, m): intersection over union of each pair."""
    shared = overlap(one, other)
    union = area(one)[:, None] + area(other)[None, :] - shared
    out: NDArray[np.float32] = shared / np.maximum(union, 1e-6)
    return out


def distinct(boxes: Boxes, limit: float) -> Boxes:
    """The boxes, best first, without those that overlap a better one by more than ``limit`` (greedy suppression).

    Row by row and not as one matrix: a crowd can be thousands of boxes of which hundreds stay.
    """
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept: list[int] = []
    left = np.arange(len(boxes))
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        left = left[likeness(boxes[best : best + 1], boxes[left])[0] <= limit]
    return boxes[kept]


def spans(count: int) -> Iterator[slice]:
    """Rows 0 to ``count``, so few at a time that a table of each with all others stays small."""
    for start in range(0, count, _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, count))


def clipped(boxes: Boxes, width: int, height: int) -> Boxes:
    """The parts of boxes that lie inside the picture; what keeps less than a pixel is dropped."""
    inside = boxes.copy()
    inside[:, (0, 2)] = inside[:, (0, 2)].clip(0, width)
    inside[:, (1, 3)] = inside[:, (1, 3)].clip(0, height)
    kept: Boxes = inside[((inside[:, 2:4] - inside[:, :2]) >= 1).all(axis=1)]
    return kept


def turned_back(boxes: Boxes, quarters: int, width: int, height: int) -> Boxes:
    """Boxes found in ``np.rot90(picture, quarters)``, in the pixels of the ``width`` x ``height`` picture itself."""
    left, top, right, bottom, score = boxes.T
    match quarters % 4:
        case 1:
            back = (width - bottom, left, width - top, right, score)
        case 2:
            back = (width - right, height - bottom, width - left, height - top, score)
        case 3:
            back = (top, height - right, bottom, height - left, score)
        case _:
            back = (left, top, right, bottom, score)
    return np.stack(back, axis=1)
