"""The second look: an alarm for mistakes of place and size, asked of the finished preview."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceguard.cover import Covered
from faceguard.detectors.plan import Looker
from faceguard.pixels import Boxes, Rgb

THRESHOLD = 0.5
_HIDDEN = 0.6  # of a box under plates: what is "seen" there is the cover itself


class SecondLook(Protocol):
    """Anything that finds faces in a finished preview; another kind of detector than the first makes a better alarm."""

    def strong(self, rgb: Rgb) -> Boxes:
        """Faces that it is sure of, in pixels of ``rgb``."""
        ...


class SameEyes:
    """The quick look of the plan itself, where no other detector is installed."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker

    def strong(self, rgb: Rgb) -> Boxes:
        """See SecondLook.strong."""
        return self._looker.glance(rgb, THRESHOLD)


class Every:
    """Several second looks; what one of them finds counts."""

    def __init__(self, *looks: SecondLook) -> None:
        self._looks = looks

    def strong(self, rgb: Rgb) -> Boxes:
        """See SecondLook.strong."""
        return np.concatenate([look.strong(rgb) for look in self._looks])


def still_open(covered: Covered, second: SecondLook) -> Boxes:
    """Faces that the second look finds strongly outside the plates, in pixels of the preview."""
    found = second.strong(covered.rgb)
    naked: Boxes = found[np.array([_hidden_share(covered, box) < _HIDDEN for box in found], bool)]
    return naked


def _hidden_share(covered: Covered, box: NDArray[np.float32]) -> float:
    left, top, right, bottom = (round(float(edge)) for edge in box[:4])
    under = covered.mask[top : max(bottom, top + 1), left : max(right, left + 1)]
    return float(under.mean()) if under.size else 1.0
