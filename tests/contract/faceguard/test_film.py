"""A film becomes one bare picture, or a refusal; a frame that cannot be shown costs its own place alone."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceguard.bare import is_bare
from faceguard.film import film_sheet
from faceguard.result import Blurred, Refused, Why
from faceguard.source import Held

SIZE = (480, 320)
MISSING = (214, 218, 223)


@pytest.fixture
def film(tmp_path: Path) -> Callable[[list[np.ndarray]], bytes]:
    def made(scenes: list[np.ndarray]) -> bytes:
        file = tmp_path / "film.mp4"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 25, SIZE)
        for scene in scenes:
            for _ in range(8):
                writer.write(cv2.resize(scene[:, :, ::-1], SIZE, interpolation=cv2.INTER_AREA))
        writer.release()
        return file.read_bytes()

    return made


def opened(pictures: Path, name: str) -> np.ndarray:
    with Image.open(pictures / name) as image:
        return np.asarray(image.convert("RGB"))


def test_every_frame_is_on_the_sheet_with_its_face_hidden(film, guard, pictures):
    woman, ground = opened(pictures, "astronaut.png"), opened(pictures, "brick.png")
    with guard() as one:
        sheet = film_sheet(one, Held(film([woman] * 4 + [ground] * 4)))
    assert isinstance(sheet, Blurred)
    assert is_bare(sheet.jpeg)
    assert sheet.faces >= 4
    assert 0 < sheet.covered < 0.7
    with Image.open(io.BytesIO(sheet.jpeg)) as image:
        after = np.asarray(image).astype(int)
    assert (sheet.width, sheet.height) == (8 + 4 * 264, 8 + 2 * (171 + 8))
    before = cv2.resize(woman, (256, 171), interpolation=cv2.INTER_AREA).astype(int)
    for column in range(4):
        cell = after[8 : 8 + 171, 8 + column * 264 :][:, :256]
        changed = np.abs(cell - before).mean(axis=2)
        face = changed[22:60, 92:134]
        assert face.mean() > 12
        assert changed[100:, :80].mean() < face.mean() / 2


def test_a_frame_that_cannot_be_shown_leaves_a_plain_place(film, guard, pictures):
    portrait, ground = opened(pictures, "grace_hopper.jpg")[120:380, 130:400], opened(pictures, "brick.png")
    with guard() as one:
        sheet = film_sheet(one, Held(film([portrait, *[ground] * 7])))
    assert isinstance(sheet, Blurred)
    with Image.open(io.BytesIO(sheet.jpeg)) as image:
        after = np.asarray(image).astype(int)
    assert np.abs(after[12:175, 12:260] - MISSING).max() < 10
    assert after[12:175, 280:520].std() > 10


def test_a_film_of_nothing_but_such_frames_is_refused_with_their_reason(film, guard, pictures):
    portrait = opened(pictures, "grace_hopper.jpg")[120:380, 130:400]
    with guard() as one:
        assert film_sheet(one, Held(film([portrait] * 8))) == Refused(Why.MOSTLY_COVERED)


def test_what_is_no_film_is_refused(guard, astronaut):
    with guard() as one:
        for data in (astronaut, b"", b"\0\0\0\x18ftypisom" + bytes(600)):
            assert film_sheet(one, Held(data)) == Refused(Why.UNREADABLE_FILM)
