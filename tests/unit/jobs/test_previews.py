"""The builder of tiles, with real files and real openers, and a guard that only notes what it was given."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from catalog.actions import previews
from catalog.ports import Store
from catalog.vocabulary import Item, Preview, PreviewState, Role, Version
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.source import Source
from faceguard.worker import Guard
from gateway.blobs.base import BlobsUnavailable, Originals
from gateway.blobs.filesystem import FileBlob, FileOriginals, FilePreviews
from gateway.jobs.previews import BATCH, PreviewBuilder
from gateway.jobs.runner import Stopping
from tests import builders
from tests.builders import NOW


class Noting:
    """Stands where a guard does; a picture whose bytes begin with "bad" is refused."""

    workers = 1
    limits = Limits(wall_s=60)

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def preview(self, picture: bytes | Source, *, preview_px: int | None = None) -> Blurred | Refused:
        data = picture if isinstance(picture, bytes) else picture.read(0, picture.size)
        self.given.append(data)
        if data.startswith(b"bad"):
            return Refused(Why.UNREADABLE)
        return Blurred(jpeg=b"blurred " + data, width=8, height=6, faces=0, covered=0.0)


@pytest.fixture
def guard() -> Noting:
    return Noting()


@pytest.fixture
def originals(tmp_path: Path) -> FileOriginals:
    return FileOriginals(tmp_path / "originals")


@pytest.fixture
def tiles(tmp_path: Path) -> FilePreviews:
    return FilePreviews(tmp_path / "previews")


@pytest.fixture
def builder(store: Store, originals: FileOriginals, tiles: FilePreviews, guard: Noting) -> PreviewBuilder:
    return PreviewBuilder(store, originals, tiles, cast(Guard, guard), clock=lambda: NOW)


@pytest.fixture
def publish(store: Store, originals: FileOriginals) -> Callable[..., Version]:
    def published(files: dict[str, bytes], *, without: str = "") -> Version:
        by = builders.actor(store, Role.OPERATOR)
        builders.published_terms(store)
        items: list[Item] = []
        for path, data in files.items():
            items.append(builders.item(path, data))
            if path != without:
                originals.put(io.BytesIO(data), len(data))
        return builders.published(store, by, *items)

    return published


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def run(builder: PreviewBuilder, version: Version, step: Callable[[], None] = lambda: None) -> None:
    builder.run({"version": version.id}, step)


def rows(store: Store, version: Version) -> list[Preview]:
    with store.read() as tx:
        return list(tx.previews.of_version(version.id))


def shown(store: Store, tiles: FilePreviews, version: Version) -> dict[str, list[bytes | str | None]]:
    """What each item's tiles hold, without those where there is nothing."""
    found: dict[str, list[bytes | str | None]] = {}
    for row in rows(store, version):
        if row.state is not PreviewState.ABSENT:
            found.setdefault(row.path, []).append(tiles.get(row.blob) if row.blob else row.why)
    return found


def test_pictures_inside_items_and_items_get_tiles_and_the_rest_of_the_places_stay_empty(
    store: Store, builder: PreviewBuilder, tiles: FilePreviews, publish: Callable[..., Version]
) -> None:
    version = publish(
        {
            "a.tar": tar({"1.jpg": b"one", "2.json": b"{}", "3.jpg": b"bad", "4.jpg": b"four"}),
            "b.jpg": b"alone",
            "c.zip": zipped({"x.png": b"x" * 50, "../y.png": b"y"}),
            "d.zip": b"no archive" * 99,
            "e.txt": b"text",
        }
    )
    run(builder, version)
    assert shown(store, tiles, version) == {
        "a.tar": [b"blurred one", "unreadable", b"blurred four"],
        "b.jpg": [b"blurred alone"],
        "c.zip": [b"blurred " + b"x" * 50, "unsafe_name"],
        "d.zip": ["unsupported_format"],
    }
    with store.read() as tx:
        assert previews.to_build(tx, version.id) == []


def test_a_container_that_is_not_there_is_refused_once(
    store: Store, builder: PreviewBuilder, tiles: FilePreviews, publish: Callable[..., Version]
) -> None:
    version = publish({"a.tar": tar({"1.jpg": b"one"}), "b.jpg": b"alone"}, without="a.tar")
    run(builder, version)
    assert shown(store, tiles, version) == {"a.tar": ["unreadable"], "b.jpg": [b"blurred alone"]}


def test_a_run_that_was_stopped_goes_on_with_the_same_pictures(
    store: Store, builder: PreviewBuilder, tiles: FilePreviews, guard: Noting, publish: Callable[..., Version]
) -> None:
    inside = {f"{number:03}.jpg": b"%03d" % number for number in range(300)}
    version = publish({"a.tar": tar(inside)})

    def stop() -> None:
        raise Stopping

    with pytest.raises(Stopping):
        run(builder, version, stop)
    assert sum(row.state is PreviewState.BLURRED for row in rows(store, version)) == BATCH
    before = list(guard.given)
    run(builder, version)
    again = guard.given[len(before) :]
    assert len(again) == 100 - BATCH
    whole = shown(store, tiles, version)["a.tar"]
    assert whole == [b"blurred %03d" % (3 * number + 1) for number in range(100)]


def test_two_items_of_the_same_bytes_have_tiles_each(
    store: Store, builder: PreviewBuilder, tiles: FilePreviews, publish: Callable[..., Version]
) -> None:
    data = tar({"1.jpg": b"one"})
    version = publish({"a.tar": data, "b.tar": data})
    run(builder, version)
    assert shown(store, tiles, version) == {"a.tar": [b"blurred one"], "b.tar": [b"blurred one"]}


class BreaksOff:
    """A blob whose store is lost in the middle of it."""

    def __init__(self, blob: FileBlob) -> None:
        self._blob = blob
        self.size = blob.size

    def read(self, start: int, stop: int) -> bytes:
        if start > 50_000:
            raise BlobsUnavailable("the store is away")
        return self._blob.read(start, stop)

    def close(self) -> None:
        self._blob.close()


class Away:
    """Originals whose contents all break off."""

    def __init__(self, originals: FileOriginals) -> None:
        self._originals = originals

    def open(self, sha256: str) -> BreaksOff:
        return BreaksOff(self._originals.open(sha256))


def test_a_store_that_is_away_fails_the_job_so_that_it_is_done_again(
    store: Store,
    builder: PreviewBuilder,
    originals: FileOriginals,
    tiles: FilePreviews,
    guard: Noting,
    publish: Callable[..., Version],
) -> None:
    version = publish({"a.tar": tar({"1.txt": bytes(100_000), "2.jpg": b"two"})})
    away = cast(Originals, Away(originals))
    with pytest.raises(BlobsUnavailable):
        run(PreviewBuilder(store, away, tiles, cast(Guard, guard), clock=lambda: NOW), version)
    run(builder, version)
    assert shown(store, tiles, version) == {"a.tar": [b"blurred two"]}
