"""Whether a face is hidden, told from two pictures alone: the original at the preview's size, and the preview.

A face is hidden when at least 80 % of its box and 98 % of the box's middle half are changed, and little of its own fine
detail is left: a preview that only adds noise or shifts the colour hides nothing.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceguard.evaluate.annotations import Box
from faceguard.pixels import Rgb

CHANGE = 8.0
"""A pixel counts as changed when a channel differs by more than this, of 255; in dark or flat faces by less."""

_LEAST_CHANGE = 2.5
_OF_CONTRAST = 0.3  # of the face's own contrast, as a standard deviation
_BOX, _MIDDLE = 0.8, 0.98
_DETAIL = 0.35  # slope of the preview's fine detail on the original's: 1 all of it, 0 none

Mask = NDArray[np.uint8]


class _Window(NamedTuple):
    """The part of both pictures around a face, as floats, and where it begins."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    left: int
    top: int


def hidden(before: Rgb, after: Rgb, face: Box) -> bool:
    """before, after: original and preview, of one size. face: in their pixels."""
    x, y, width, height = face
    window = _around(before, after, face)
    side = min(width, height, *before.shape[:2])  # a face said to be larger than the picture costs no more than it
    changed = _changed(window, face, side)
    middle = (x + width / 4, y + height / 4, width / 2, height / 2)
    covered = _share(changed, window, face) >= _BOX and _share(changed, window, middle) >= _MIDDLE
    return covered and _detail_left(window, face, side) <= _DETAIL


def changed_area(before: Rgb, after: Rgb) -> float:
    """Share of the picture that is changed, 0 to 1; the noise of a JPEG is averaged away."""
    difference = np.abs(before.astype(np.int16) - after).max(axis=2).astype(np.float32)
    return float((cv2.blur(difference, (3, 3)) > CHANGE).mean())


def _around(before: Rgb, after: Rgb, face: Box) -> _Window:
    x, y, width, height = face
    rows, columns = before.shape[:2]
    margin = int(max(4, 0.5 * max(width, height)))
    left, top = max(0, int(x) - margin), max(0, int(y) - margin)
    right, bottom = min(columns, int(x + width) + margin), min(rows, int(y + height) + margin)
    part = np.s_[top:bottom, left:right]
    return _Window(before[part].astype(np.float32), after[part].astype(np.float32), left, top)


def _changed(window: _Window, face: Box, side: float) -> Mask:
    """1 where a pixel is changed; holes smaller than a quarter of the face are closed."""
    contrast = float(_inner(window.before, window, face).mean(axis=2).std())
    enough = min(CHANGE, max(_LEAST_CHANGE, _OF_CONTRAST * contrast))
    mask = (np.abs(window.before - window.after).max(axis=2) > enough).astype(np.uint8)
    size = max(3, round(side / 4) | 1)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    framed = cv2.copyMakeBorder(mask, size, size, size, size, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.morphologyEx(framed, cv2.MORPH_CLOSE, brush)[size:-size, size:-size], np.uint8)


def _share(mask: Mask, window: _Window, box: Box) -> float:
    x, y, width, height = box
    left, top = max(0, round(x - window.left)), max(0, round(y - window.top))
    right = max(left + 1, round(x + width - window.left))
    bottom = max(top + 1, round(y + height - window.top))
    part = mask[top:bottom, left:right]
    return float(part.mean()) if part.size else 1.0


def _detail_left(window: _Window, face: Box, side: float) -> float:
    blur = max(0.8, side / 8)
    fine_before, fine_after = (_inner(_fine(picture, blur), window, face) for picture in (window.before, window.after))
    return float((fine_before * fine_after).sum() / ((fine_before * fine_before).sum() + 1e-6))


def _fine(picture: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture.clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), blur), np.float32)


def _inner(picture: NDArray[np.float32], window: _Window, face: Box) -> NDArray[np.float32]:
    """The part inside the face's box, at least two pixels each way; one at the edge, where rounding may put a face."""
    x, y, width, height = face
    rows, columns = picture.shape[:2]
    left, top = min(columns - 1, max(0, int(x - window.left))), min(rows - 1, max(0, int(y - window.top)))
    return picture[top : top + max(2, int(height)), left : left + max(2, int(width))]
