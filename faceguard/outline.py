"""The form of a cover: every plate of it whole, rounded corners and a soft edge around them, no notch between them."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceguard.pixels import Boxes

# A plate's outline is the superellipse through its four corners. It rounds them by a sixteenth of a side and takes a
# ninth more area; a border with corners as round would take a quarter more.
_ROUND = 12
_BULGE = 2 ** (1 / _ROUND) - 1  # how far it reaches beyond the plate, in half sides

_NOTCH = 0.3  # of a side: what is narrower than twice this between plates of one shape is covered with them
_EDGE = 0.015  # of a side: width of the soft edge, which lies outside the outline


class Outline(NamedTuple):
    """left, top: of the window in the picture. strength: (height, width), 0 to 1: how much the cover hides there.

    plates: (height, width), true under the plates; the strength is 1 there.
    """

    left: int
    top: int
    strength: NDArray[np.float32]
    plates: NDArray[np.bool_]


def outline(shape: Boxes, width: int, height: int) -> Outline:
    """The form of the cover over plates (whole pixels) that make one shape, within a picture of this size."""
    sides = np.minimum(shape[:, 2] - shape[:, 0], shape[:, 3] - shape[:, 1])
    notch = max(1, round(_NOTCH * float(np.median(sides))))
    edge = min(notch, max(1, round(_EDGE * float(sides.max()))))
    wide = _beyond_the_edge(shape, width, height)
    reach = (wide[:, 2:4] - wide[:, :2]).max(axis=0) * _BULGE / 2 + notch + edge + 2
    # A window that is larger than the picture: what is cut off at the picture's edge is rounded outside of it.
    left, top = (int(value) for value in np.floor(wide[:, :2].min(axis=0) - reach))
    right, bottom = (int(value) for value in np.ceil(wide[:, 2:4].max(axis=0) + reach))
    form = np.zeros((bottom - top, right - left), np.uint8)
    offset = np.array([left, top, left, top])
    for plate in wide[:, :4] - offset:
        _round(form, plate)
    # Closing, by distances: grown by the notch and shrunk again; what is left of the way out makes the soft edge.
    grown = (_distance(1 - form) <= notch).astype(np.uint8)
    strength = np.clip((_distance(grown) - (notch - edge)) / (edge + 1), 0, 1).astype(np.float32)
    plates = np.zeros(form.shape, bool)
    for one in (shape[:, :4] - offset).astype(int):
        plates[one[1] : one[3], one[0] : one[2]] = True
    strength[plates] = 1
    inside = np.s_[max(0, -top) : height - top, max(0, -left) : width - left]
    return Outline(max(0, left), max(0, top), strength[inside], plates[inside])


def _beyond_the_edge(shape: Boxes, width: int, height: int) -> Boxes:
    """The plates; those that end at the picture's edge reach beyond it, so that no corner is rounded there."""
    wide = shape.copy()
    beyond = (shape[:, 2:4] - shape[:, :2]) / 4
    wide[:, :2] -= np.where(shape[:, :2] <= 0, beyond, 0)
    wide[:, 2:4] += np.where(shape[:, 2:4] >= (width, height), beyond, 0)
    return wide


def _round(form: NDArray[np.uint8], plate: NDArray[np.float32]) -> None:
    """Set the pixels of ``form`` whose centres lie in the superellipse through the corners of ``plate``."""
    centre, half = (plate[:2] + plate[2:4]) / 2, (plate[2:4] - plate[:2]) / 2 * (1 + _BULGE)
    (left, top), (right, bottom) = np.floor(centre - half).astype(int), np.ceil(centre + half).astype(int)
    across = np.abs((np.arange(left, right) + 0.5 - centre[0]) / half[0]) ** _ROUND
    down = np.abs((np.arange(top, bottom) + 0.5 - centre[1]) / half[1]) ** _ROUND
    form[top:bottom, left:right] |= (across[None, :] + down[:, None] <= 1).astype(np.uint8)


def _distance(inside: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far each pixel of ones lies from the nearest zero."""
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
