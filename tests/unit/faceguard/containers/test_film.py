"""Films made here by OpenCV: frame n is grey, two steps brighter than the one before, with one corner dark."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceguard.containers.film import pictures
from faceguard.formats import is_film
from faceguard.result import Why

KINDS = {"mp4": "mp4v", "avi": "MJPG", "webm": "VP80", "mkv": "FFV1", "mov": "mp4v", "mpg": "MPEG"}


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., bytes]:
    def made(kind: str = "mp4", frames: int = 100, size: tuple[int, int] = (320, 240)) -> bytes:
        file = tmp_path / f"film.{kind}"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*KINDS[kind]), 25, size)
        assert writer.isOpened()
        for number in range(frames):
            frame = np.full((size[1], size[0], 3), 20 + 2 * number, np.uint8)
            frame[: size[1] // 3, : size[0] // 3] = 0
            writer.write(frame)
        writer.release()
        return file.read_bytes()

    return made


def shown(bmp: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(bmp), formats=("BMP",)) as image:
        return np.asarray(image.convert("RGB"))


def number_of(bmp: bytes) -> float:
    return (float(shown(bmp)[200:, 250:].mean()) - 20) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_spread_evenly_over_the_film(kind, film, take):
    data = film(kind)
    assert is_film(data[:64])
    frames = take(pictures, data)
    assert len(frames) == 8
    told = [number_of(frame) for frame in frames]
    assert np.abs(np.array(told) - [6, 18, 31, 43, 56, 68, 81, 93]).max() < 8


def test_a_large_frame_is_reduced(film, take):
    frames = take(pictures, film(frames=20, size=(2560, 1440)), limit=2)
    assert [shown(frame).shape for frame in frames] == [(720, 1280, 3)] * 2


def test_a_film_that_lies_on_its_side_is_turned_upright(film, take):
    data = bytearray(film())
    matrix = data.index(b"tkhd") + 44
    quarter = np.array([0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000], ">i4")
    data[matrix : matrix + 36] = quarter.tobytes()
    frame = shown(take(pictures, bytes(data), limit=2)[1])
    assert frame.shape == (320, 240, 3)
    dark = [frame[:80, :60], frame[:80, -60:], frame[-80:, :60], frame[-80:, -60:]]
    assert int(np.argmin([corner.mean() for corner in dark])) == 1  # a quarter to the right


@pytest.mark.parametrize("frames", [0, 1])
def test_a_film_of_less_than_two_frames_is_none(frames, film, take):
    assert take(pictures, film(frames=frames)) == [Why.UNREADABLE_FILM]


def test_a_film_that_tells_a_wrong_length_is_gone_through(film, take):
    data = bytearray(film("avi", frames=60))
    header = data.index(b"avih")
    data[header + 24 : header + 28] = (10**6).to_bytes(4, "little")
    stream = data.index(b"strh")
    data[stream + 40 : stream + 44] = (10**6).to_bytes(4, "little")
    frames = take(pictures, bytes(data))
    assert len(frames) >= 2
    assert all(isinstance(frame, bytes) for frame in frames)


def test_what_only_begins_like_a_film_is_refused(film, take):
    data = film()
    for altered in (data[:40], data[:1000], data[: len(data) // 2], b"\x1a\x45\xdf\xa3" + bytes(500)):
        assert take(pictures, altered) == [Why.UNREADABLE_FILM]


def test_a_playlist_is_no_film(take, film, tmp_path):
    (tmp_path / "film.mpg").write_bytes(film("mpg"))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{tmp_path}/film.mpg\n#EXT-X-ENDLIST\n".encode()
    for text in (playlist, f"ffconcat version 1.0\nfile '{tmp_path}/film.mpg'\n".encode()):
        assert not is_film(text)
        assert take(pictures, text) == [Why.UNREADABLE_FILM]


@pytest.mark.parametrize(
    "head",
    [b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypcrx ", b"\0\0\0\x18ftypM4A ", b"RIFF\0\0\0\0WAVE"],
)
def test_pictures_and_sound_are_no_films(head):
    assert not is_film(head.ljust(64, b"\0"))
