"""Pictures for faceguard's tests: public-domain faces pasted at known places."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import gateway.demo

PICTURES = Path(gateway.demo.__file__).parent / "pictures"
FACES = {"astronaut.png": (172, 62, 276, 188), "grace_hopper.jpg": (160, 150, 368, 330)}

Box = tuple[float, float, float, float]


class Pasted(NamedTuple):
    """A picture and the place of the one face in it, in its pixels."""

    image: Image.Image
    face: Box

    @property
    def png(self) -> bytes:
        return encoded(self.image, "PNG")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def paste(
    name: str = "astronaut.png",
    *,
    face_px: float = 60,
    size: tuple[int, int] = (640, 480),
    centre: tuple[float, float] = (0.5, 0.5),
    turns: int = 0,
    tilt: float = 0,
    light: float = 1.0,
    ground: str = "coffee.png",
) -> Pasted:
    """The person with a face ``face_px`` high, the face's centre at a share of the picture; then turned by quarters.

    tilt: degrees by which the person leans to the left; the face's box, then of its middle, stays where it is.
    """
    left, top, right, bottom = FACES[name]
    scale = face_px / (bottom - top)
    with Image.open(PICTURES / name) as opened:
        person = opened.convert("RGB")
    person = person.resize((round(person.width * scale), round(person.height * scale)), Image.Resampling.LANCZOS)
    with Image.open(PICTURES / ground) as opened:
        canvas = opened.convert("RGB").resize(size)
    x = round(centre[0] * size[0] - (left + right) / 2 * scale)
    y = round(centre[1] * size[1] - (top + bottom) / 2 * scale)
    pivot = ((left + right) / 2 * scale, (top + bottom) / 2 * scale)
    leaning = Image.new("L", person.size, 255).rotate(tilt, center=pivot)
    person = person.rotate(tilt, Image.Resampling.BICUBIC, center=pivot)
    canvas.paste(person, (x, y), leaning)
    canvas = ImageEnhance.Brightness(canvas).enhance(light)
    box = (x + left * scale, y + top * scale, x + right * scale, y + bottom * scale)
    for _ in range(turns):
        width = canvas.width
        canvas = canvas.transpose(Image.Transpose.ROTATE_90)
        box = (box[1], width - box[2], box[3], width - box[0])
    return Pasted(canvas, box)


def detail_left(before: np.ndarray, after: np.ndarray, box: Box) -> float:
    """How much of the fine structure inside a box is still there: 1 all of it, 0 nothing (a regression slope)."""
    left, top, right, bottom = (round(edge) for edge in box)
    one, other = (_fine(picture[top:bottom, left:right]) for picture in (before, after))
    return float((one * other).sum() / (one * one).sum())


def _fine(part: np.ndarray) -> np.ndarray:
    grey = part.astype(np.float64).mean(axis=2)
    smooth = sum(np.roll(np.roll(grey, y, 0), x, 1) for y in range(-2, 3) for x in range(-2, 3)) / 25
    return (grey - smooth)[2:-2, 2:-2]


@pytest.fixture
def pasted() -> Callable[..., Pasted]:
    return paste


@pytest.fixture
def encode_as() -> Callable[..., bytes]:
    return encoded


@pytest.fixture
def left_over() -> Callable[[np.ndarray, np.ndarray, Box], float]:
    return detail_left


@pytest.fixture
def pictures() -> Path:
    return PICTURES
