"""The contract of a detector."""

from typing import Protocol

from faceguard.pixels import Boxes, Rgb

FLOOR = 0.05
"""Boxes that score below this are not worth fusing."""


class Detector(Protocol):
    """Finds faces in a picture at the size it is given; an instance serves one thread."""

    def find(self, rgb: Rgb) -> Boxes:
        """All faces that score at least FLOOR, in pixels of ``rgb``, each face once. Raises cv2.error when it fails."""
        ...
