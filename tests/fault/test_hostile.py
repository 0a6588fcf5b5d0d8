"""Hostile pictures cost one refusal each, with a reason: never the server, its memory, or another picture."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx2
import pytest

from catalog.store import open_store
from catalog.vocabulary import Preview, PreviewState
from faceguard.bare import is_bare
from faceguard.result import Blurred, Limits
from faceguard.worker import Guard
from gateway.blobs.filesystem import FilePreviews
from tests.fault import hostile
from tests.fault.fuzz import memory
from tests.fault.hostile import SHOWN
from tests.gateways import Gateway

MIB = 2**20
GROWTH = 200 * MIB


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard(limits=Limits(wall_s=15)) as made:
        made.preview(b"")
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("made", [hostile.bombs, hostile.cut, hostile.flipped, hostile.wrong_heads])
def test_each_comes_to_what_it_may_and_the_guard_grows_by_next_to_nothing(guard: Guard, made) -> None:
    pictures = list(made())
    before = memory(os.getpid(), "VmRSS")
    workers = 0
    for picture in pictures:
        seen = guard.pids
        result = guard.preview(picture.data)
        workers += guard.pids != seen
        if isinstance(result, Blurred):
            assert SHOWN in picture.allowed, picture.name
            assert is_bare(result.jpeg), picture.name
        else:
            assert result.why in picture.allowed, (picture.name, result.why)
    assert memory(os.getpid(), "VmRSS") - before < 20 * MIB
    assert workers <= sum(not picture.allowed.isdisjoint(hostile.COSTLY) for picture in pictures)
    assert isinstance(guard.preview(hostile.small("PNG")), Blurred)


@pytest.mark.timeout(900)
def test_a_server_that_previews_them_all_keeps_answering_and_its_memory(tmp_path: Path) -> None:
    pictures = {
        f"{number:03}-{picture.name}.jpg": picture
        for number, picture in enumerate((*hostile.bombs(), *hostile.cut(5), *hostile.flipped(5)))
    }
    folder = tmp_path / "set"
    folder.mkdir()
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture.data)
    gateway = Gateway(tmp_path / "data")
    gateway.environ |= {"HUBGATE_PREVIEWS_PER_VERSION": "1000", "HUBGATE_PREVIEW_TIMEOUT_S": "10"}
    gateway.terms(tmp_path)
    with gateway.serving() as server:
        before = memory(server.pid, "VmRSS")
        Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the most from now on
        with _Pulse(gateway.url) as pulse:
            version = gateway.publish(folder, "demo/hostile")
            tiles = _tiles(gateway, version)
        most = memory(server.pid, "VmHWM")
        assert server.poll() is None
        maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert pulse.answers > 0
    assert pulse.wrong == []
    assert most - before < GROWTH, f"{before // MIB} MiB before, {most // MIB} MiB at most"
    assert "cv2" not in maps, "the server itself decodes nothing"
    assert "PIL" not in maps, "the server itself decodes nothing"
    assert len(tiles) == len(pictures)
    previews = FilePreviews(gateway.data / "previews")
    for tile in tiles:
        allowed = pictures[tile.path].allowed
        if tile.state is PreviewState.BLURRED:
            assert SHOWN in allowed, tile.path
            assert is_bare(previews.get(tile.blob or ""))
        else:
            assert tile.why in {why for why in allowed if why}, (tile.path, tile.why)
    previews.close()


class _Pulse:
    """Asks a server for its health again and again."""

    def __init__(self, url: str) -> None:
        self.answers = 0
        self.wrong: list[str] = []
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self._stopped.wait(0.1):
                try:
                    status = client.get(f"{self._url}/readyz").status_code
                except httpx2.HTTPError as error:
                    self.wrong.append(repr(error))
                    continue
                self.answers += 1
                if status != 200:
                    self.wrong.append(str(status))


def _tiles(gateway: Gateway, version: str) -> list[Preview]:
    """Every tile, once none is pending."""
    store = open_store(f"sqlite:///{gateway.data / 'catalog.db'}")
    while True:
        with store.read() as tx:
            tiles = list(tx.previews.of_version(version))
        if not any(tile.state is PreviewState.PENDING for tile in tiles):
            store.close()
            return tiles
        time.sleep(0.5)
