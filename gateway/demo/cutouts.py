"""The persons and places of the demo pictures, taken from the public-domain and CC0 pictures that come with it."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

PICTURES = Path(__file__).parent / "pictures"

_BAND = 15  # pixels around a rough outline in which the true edge is looked for

# Rough outlines, drawn by hand on the pictures themselves.
_OUTLINES = {
    "astronaut.png": [
        (30, 512), (20, 470), (26, 420), (20, 390), (30, 335), (45, 290), (60, 240), (112, 206), (120, 178), (150, 150),
        (184, 150), (180, 126), (162, 108), (154, 75), (165, 45), (195, 22), (230, 14), (265, 20), (291, 45), (301, 85),
        (295, 115), (275, 126), (262, 150), (258, 174), (288, 188), (304, 228), (304, 247), (332, 262), (352, 287),
        (364, 330), (357, 348), (395, 343), (440, 359), (475, 400), (490, 448), (504, 460), (510, 488), (502, 512),
    ],
    "grace_hopper.jpg": [
        (12, 600), (18, 500), (28, 440), (42, 405), (64, 384), (122, 366), (186, 346), (200, 322), (186, 297),
        (164, 284), (160, 255), (152, 225), (150, 196), (158, 180), (148, 158), (147, 94), (174, 92), (184, 62),
        (214, 42), (238, 26), (262, 22), (290, 24), (322, 42), (348, 76), (354, 90), (372, 96), (373, 160), (366, 178),
        (378, 190), (376, 232), (362, 258), (360, 290), (340, 306), (326, 312), (330, 328), (356, 342), (432, 356),
        (484, 384), (500, 418), (506, 470), (512, 520), (512, 600),
    ],
}  # fmt: skip


class Person(NamedTuple):
    """whole: the picture as it is. cutout: RGBA, the person alone. face: left, top, right, bottom in the picture."""

    whole: Image.Image
    cutout: Image.Image
    face: tuple[int, int, int, int]


def persons() -> tuple[Person, Person]:
    """The astronaut and the admiral."""
    return (
        _person("astronaut.png", (172, 62, 276, 188)),
        _person("grace_hopper.jpg", (160, 150, 368, 330)),
    )


def place(name: str) -> Image.Image:
    """One of the pictures without persons, in RGB."""
    with Image.open(PICTURES / name) as image:
        return image.convert("RGB")


def _person(name: str, face: tuple[int, int, int, int]) -> Person:
    whole = place(name)
    cutout = whole.copy()
    cutout.putalpha(_silhouette(np.asarray(whole), _OUTLINES[name]))
    return Person(whole, cutout, face)


def _silhouette(rgb: np.ndarray, outline: list[tuple[int, int]]) -> Image.Image:
    """How much of each pixel belongs to the person: the outline, moved to the edges near it."""
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.array(outline, np.int32)], 1)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BAND, _BAND))
    marks = np.where(inside == 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[cv2.erode(inside, brush, borderValue=(1,)) == 1] = cv2.GC_FGD
    marks[cv2.dilate(inside, brush) == 0] = cv2.GC_BGD
    cv2.setRNGSeed(7)  # the same edges on every run
    model = np.zeros((1, 65))
    cv2.grabCut(rgb[:, :, ::-1].copy(), marks, (0, 0, 0, 0), model, model.copy(), 5, cv2.GC_INIT_WITH_MASK)
    solid = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    narrow = cv2.erode(opened, np.ones((2, 2), np.uint8), borderValue=(1,))
    soft = cv2.GaussianBlur(np.asarray(narrow, np.float32), (0, 0), 1.1, borderType=cv2.BORDER_REPLICATE)
    return Image.fromarray(np.rint(soft * 255).astype(np.uint8))
