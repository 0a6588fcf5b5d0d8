"""Whatever a container or its process does, the caller gets an answer; and a planted face never gets through."""

import io
import os
import signal
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceguard import opener
from faceguard.bare import is_bare
from faceguard.containers.parquet import PARQUET
from faceguard.opener import pictures_in
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.source import Held, Slice

LIMITS = Limits(wall_s=60)


def as_tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def as_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def as_parquet(files: dict[str, bytes]) -> bytes:
    if not PARQUET:
        pytest.skip("the extra parquet is not installed")
    import pyarrow as pa
    import pyarrow.parquet as pq

    cells = [{"bytes": data, "path": name} for name, data in files.items() if name.endswith((".png", ".jpg"))]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"label": ["Zhang San"] * len(cells), "image": cells}), sink)
    return sink.getvalue().to_pybytes()


CONTAINERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar": as_tar,
    "zip": as_zip,
    "zip, stored": lambda files: as_zip(files, zipfile.ZIP_STORED),
    "parquet": as_parquet,
}


def whole(picture: opener.Picture) -> bytes | Refused:
    return picture.read(0, picture.size) if isinstance(picture, Slice) else picture


@pytest.fixture
def portrait(pictures: Path) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Grace Hopper at 400 pixels, and where her face is."""
    with Image.open(pictures / "grace_hopper.jpg") as image:
        scale = 400 / image.width
        small = image.convert("RGB").resize((400, round(image.height * scale)))
    return np.asarray(small), tuple(round(edge * scale) for edge in (160, 150, 368, 330))


def structure(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    grey = picture[top:bottom, left:right].astype(np.float64).mean(axis=2)
    return grey - cv2.blur(grey, (5, 5))


def left_of_face(before: np.ndarray, after: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """The share of the face's fine structure that is still there."""
    one, other = structure(before, box), structure(after, box)
    return float((one * other).sum() / (one * one).sum())


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_face_inside_a_container_is_hidden_in_a_bare_tile(kind, portrait, guard):
    before, box = portrait
    file = io.BytesIO()
    Image.fromarray(before).save(file, "PNG")
    container = CONTAINERS[kind]({"0001.json": b'{"name": "Zhang San"}', "Zhang San.png": file.getvalue()})
    with guard() as one:
        (tile,) = [one.preview(picture) for picture in pictures_in(Held(container), 8, LIMITS)]
    assert isinstance(tile, Blurred)
    assert is_bare(tile.jpeg)
    assert b"Zhang" not in tile.jpeg
    with Image.open(io.BytesIO(tile.jpeg)) as image:
        after = np.asarray(image)
    assert after.shape == before.shape
    assert left_of_face(before, after, box) < 0.2
    assert left_of_face(before, before, box) > 0.99


@pytest.mark.parametrize("kind", CONTAINERS)
def test_pictures_come_out_as_they_went_in(kind, pictures):
    files = {path.name: path.read_bytes() for path in sorted(pictures.iterdir())}
    found = [whole(picture) for picture in pictures_in(Held(CONTAINERS[kind](files)), 20, LIMITS)]
    assert found == list(files.values())


HOSTILE = {
    "nothing": (b"", Why.UNSUPPORTED_FORMAT),
    "text": (b"hello" * 200, Why.UNSUPPORTED_FORMAT),
    "a picture": (b"\xff\xd8\xff" + bytes(600), Why.UNSUPPORTED_FORMAT),
    "a packed tar": (b"\x1f\x8b\x08" + bytes(600), Why.UNSUPPORTED_PACKING),
    "an empty tar": (bytes(10240), Why.NO_PICTURES),
    "a tar of notes": (as_tar({"notes.txt": b"hello"}), Why.NO_PICTURES),
    "a tar cut short": (as_tar({"a.jpg": bytes(5000)})[:3000], Why.DAMAGED_ARCHIVE),
    "a zip cut short": (as_zip({"a.jpg": b"1" * 500})[:60], Why.DAMAGED_ARCHIVE),
    "an archive inside": (as_zip({"a.zip": as_zip({"a.jpg": b"1"})}), Why.NESTED_ARCHIVE),
    "a name that leads out": (as_tar({"../a.jpg": b"1"}), Why.UNSAFE_NAME),
    "a bomb": (as_zip({"a.bmp": bytes(30 * 2**20)}), Why.TOO_LARGE),
    "half a film": (b"\0\0\0\x18ftypisom\0\0\0\0isom" + bytes(600), Why.UNREADABLE_FILM),
    "an encrypted table": (b"PARE" + bytes(600) + b"PARE", Why.ENCRYPTED if PARQUET else Why.NOT_INSTALLED),
    "a table cut short": (b"PAR1" + bytes(600), Why.DAMAGED_ARCHIVE if PARQUET else Why.NOT_INSTALLED),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_cannot_be_looked_into_costs_one_refusal_with_its_reason(kind):
    data, why = HOSTILE[kind]
    assert list(pictures_in(Held(data), 8, LIMITS)) == [Refused(why)]


def test_a_container_is_read_only_where_it_must_be(pictures):
    files = {f"{number}.jpg": (pictures / "grace_hopper.jpg").read_bytes() for number in range(60)}
    container = as_tar(files)

    class Counting(Held):
        read_bytes = 0

        def read(self, start: int, stop: int) -> bytes:
            self.read_bytes += stop - start
            return super().read(start, stop)

    source = Counting(container)
    assert len(list(pictures_in(source, 4, LIMITS))) == 4
    assert source.read_bytes < len(container) / 10


def test_what_the_container_raises_reaches_the_caller_and_the_process_ends(monkeypatch):
    class Broken(Held):
        def read(self, start: int, stop: int) -> bytes:
            if start:
                raise ConnectionError("the store is away")
            return super().read(start, stop)

    pids = watch_processes(monkeypatch)
    with pytest.raises(ConnectionError, match="away"):
        list(pictures_in(Broken(as_tar({"a.txt": bytes(9000), "a.jpg": b"1"})), 1, LIMITS))
    assert not Path(f"/proc/{pids[0]}").exists()


def watch_processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process ids of openers from now on."""
    pids: list[int] = []
    start = opener._Opened.__init__

    def noted(self: opener._Opened, *arguments: object) -> None:
        start(self, *arguments)
        pids.append(self.pid)

    monkeypatch.setattr(opener._Opened, "__init__", noted)
    return pids


@pytest.mark.parametrize(
    ("wall_s", "act", "why"), [(60, signal.SIGKILL, Why.CRASHED), (2, signal.SIGSTOP, Why.TIME_OUT)]
)
def test_a_process_that_dies_or_hangs_costs_the_rest_of_its_container(wall_s, act, why, monkeypatch):
    pids = watch_processes(monkeypatch)
    opened = pictures_in(Held(as_zip({f"{n}.jpg": b"picture" * 99 for n in range(3)})), 3, LIMITS)
    with closing(opened):
        assert next(opened) == b"picture" * 99
        monkeypatch.setattr(opener, "_MOST_S", float(wall_s))
        os.kill(pids[0], act)
        rest = [one for one in opened if isinstance(one, Refused)]
    assert rest == [Refused(why)]
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_reader_who_stops_early_leaves_no_process_behind(monkeypatch):
    pids = watch_processes(monkeypatch)
    opened = pictures_in(Held(as_zip({f"{n}.jpg": b"picture" for n in range(3)})), 3, LIMITS)
    next(opened)
    opened.close()
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_process_that_asks_for_what_is_not_its_own_is_ended(monkeypatch):
    lines = (
        "import sys, json; from faceguard.frames import frame; out = sys.stdout.buffer",
        "out.write(frame(b'ready') + frame(json.dumps({'wanted': [0, 2**40]}).encode()) + frame(b'')); out.flush()",
        "sys.stdin.buffer.read()",
    )
    monkeypatch.setattr(opener, "_PROGRAM", "\n".join(lines))
    assert list(pictures_in(Held(as_tar({"a.jpg": b"1"})), 1, LIMITS)) == [Refused(Why.CRASHED)]


def test_a_process_that_gives_more_than_was_asked_for_is_ended(monkeypatch):
    lines = (
        "import sys, json; from faceguard.frames import frame; out = sys.stdout.buffer",
        "out.write(frame(b'ready') + (frame(json.dumps({'picture': True}).encode()) + frame(b'x')) * 9); out.flush()",
        "sys.stdin.buffer.read()",
    )
    monkeypatch.setattr(opener, "_PROGRAM", "\n".join(lines))
    assert list(pictures_in(Held(as_tar({"a.jpg": b"1"})), 2, LIMITS)) == [b"x", b"x", b"x", Refused(Why.CRASHED)]


@pytest.fixture
def film(tmp_path: Path, portrait: tuple[np.ndarray, tuple[int, int, int, int]]) -> bytes:
    """Two seconds of the portrait in slowly changing light."""
    file = tmp_path / "film.mp4"
    height, width = portrait[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 25, (width, height))
    for number in range(50):
        writer.write(cv2.convertScaleAbs(portrait[0][:, :, ::-1], alpha=0.8 + number / 200))
    writer.release()
    return file.read_bytes()


def test_frames_of_a_film_go_through_the_path_of_pictures(film, portrait, guard):
    before, box = portrait
    frames = list(pictures_in(Held(film), 3, LIMITS))
    with guard() as one:
        tiles = [one.preview(frame) for frame in frames if not isinstance(frame, Refused)]
    assert len(tiles) == 3
    for tile in tiles:
        assert isinstance(tile, Blurred)
        with Image.open(io.BytesIO(tile.jpeg)) as image:
            assert left_of_face(before, np.asarray(image), box) < 0.2
