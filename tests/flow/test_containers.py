"""A folder of containers and a film, published and seen: every tile is bare, and the face planted in each is gone."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image

import gateway.demo
from faceguard.bare import is_bare
from faceguard.containers.parquet import PARQUET
from tests.gateways import Gateway

NAME = "demo/shards"
PERSON = "Zhang San"
FACE = (145, 136, 333, 299)  # of the portrait, in its pixels


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    with Image.open(Path(gateway.demo.__file__).parent / "pictures" / "grace_hopper.jpg") as image:
        scale = 464 / image.width
        return image.convert("RGB").resize((464, round(image.height * scale)))


def written(folder: Path, portrait: Image.Image) -> None:
    """A tar, a zip, a Parquet file and a film, each with the portrait under a person's name, and labels beside it."""
    folder.mkdir()
    buffer = io.BytesIO()
    portrait.save(buffer, "JPEG", quality=95, comment=PERSON.encode())
    picture = buffer.getvalue()
    with tarfile.open(folder / "a.tar", "w") as shard:
        for name, data in ((f"{PERSON}.jpg", picture), (f"{PERSON}.json", b"{}"), ("../out.jpg", picture)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    with zipfile.ZipFile(folder / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{PERSON}.jpg", picture)
        archive.writestr("labels.csv", PERSON)
    film = cv2.VideoWriter(str(folder / "d.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, portrait.size)
    for _ in range(24):
        film.write(np.asarray(portrait)[:, :, ::-1])
    film.release()
    if PARQUET:
        import pyarrow as pa
        import pyarrow.parquet as pq

        cells = [{"bytes": picture, "path": f"{PERSON}.jpg"}]
        pq.write_table(pa.table({"name": [PERSON], "image": cells}), folder / "c.parquet")


@pytest.fixture
def site(tmp_path: Path, portrait: Image.Image) -> Gateway:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    written(tmp_path / "shards", portrait)
    made.publish(tmp_path / "shards", NAME, "--wait-previews")
    return made


def fine(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    grey = picture[top:bottom, left:right].astype(np.float64).mean(axis=2)
    return grey - cv2.blur(grey, (5, 5))


def left_over(before: np.ndarray, after: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """The share of the fine structure inside a box that is still there."""
    one, other = fine(before, box), fine(after, box)
    return float((one * other).sum() / (one * one).sum())


def pixels(reply: httpx2.Response) -> np.ndarray:
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/jpeg"
    assert is_bare(reply.content)
    assert PERSON.encode() not in reply.content
    with Image.open(io.BytesIO(reply.content)) as image:
        return np.asarray(image)


def test_tiles_of_containers_and_films_are_served_and_leave_with_their_item(
    site: Gateway, portrait: Image.Image
) -> None:
    before = np.asarray(portrait)
    with site.serving(), site.client() as anyone:
        tiles = anyone.get(f"/v1/assets/{NAME}/versions/main/previews").json()["items"]
        states = [tile["state"] for tile in tiles]
        shown = [tile for tile in tiles if tile["state"] == "blurred"]
        assert states == ["blurred", "unsafe_name", *["blurred"] * (3 if PARQUET else 2)]
        for tile in shown[:-1]:
            assert left_over(before, pixels(anyone.get(tile["url"])), FACE) < 0.2
        sheet = pixels(anyone.get(shown[-1]["url"]))
        width, height = (sheet.shape[1] - 8) // 4 - 8, (sheet.shape[0] - 8) // 2 - 8
        small = np.asarray(portrait.resize((width, height), Image.Resampling.BOX))
        box = tuple(round(edge * width / portrait.width) for edge in FACE)
        for number in range(8):
            top, left = 8 + number // 4 * (height + 8), 8 + number % 4 * (width + 8)
            assert left_over(small, sheet[top : top + height, left : left + width], box) < 0.3
        page = anyone.get(f"/assets/{NAME}").text
        assert all(f'{tile["url"].rsplit("/versions", 1)[1]}"' in page for tile in shown)
        assert PERSON not in page
        assert "a.tar" not in page

        site.run("withhold", f"{NAME}@main:a.tar", "--reason", "quality")
        assert anyone.get(shown[0]["url"]).status_code == 451
        after = anyone.get(f"/v1/assets/{NAME}/versions/main/previews").json()["items"]
        assert [tile["state"] for tile in after] == ["item-withheld"] * 2 + states[2:]
