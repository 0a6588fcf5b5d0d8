"""A preview job that is killed goes on: every picture is recorded once, and nothing that is shown is half there."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from catalog.events import EventKind
from catalog.ports import Store
from catalog.store import open_store
from catalog.vocabulary import Item, Preview, PreviewState, Role
from faceguard.bare import is_bare
from faceguard.worker import Guard
from gateway.blobs.filesystem import FileOriginals, FilePreviews
from gateway.jobs.previews import BATCH, SPARE, PreviewBuilder
from tests import builders
from tests.builders import NOW

PICTURES = 120
WORKERS = 2

JOB = """
import sys
from pathlib import Path
from tests.fault.test_previews_killed import build
build(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
"""


def build(url: str, folder: Path, version_id: str) -> None:
    """The job, as the runner would do it."""
    store = open_store(url)
    with Guard(workers=WORKERS, key=b"k") as guard:
        originals, previews = FileOriginals(folder / "originals"), FilePreviews(folder / "previews")
        builder = PreviewBuilder(store, originals, previews, guard, clock=lambda: NOW)
        builder.run({"version": version_id}, lambda: None)
    store.close()


def picture(number: int) -> bytes:
    """Each is small, and another; every tenth is damaged."""
    buffer = io.BytesIO()
    Image.new("RGB", (40 + number, 30), (number, 90, 120)).save(buffer, "PNG")
    data = buffer.getvalue()
    return data if number % 10 else data[: len(data) // 2]


def published(store: Store, folder: Path) -> str:
    originals = FileOriginals(folder / "originals")
    items: list[Item] = []
    for number in range(PICTURES):
        data = picture(number)
        originals.put(io.BytesIO(data), len(data))
        items.append(builders.item(f"{number:03}.jpg", data))
    builders.published_terms(store)
    return builders.published(store, builders.actor(store, Role.OPERATOR), *items, previews_per_version=PICTURES).id


def recorded(store: Store, version_id: str) -> list[Preview]:
    with store.read() as tx:
        return [one for one in tx.previews.of_version(version_id) if one.state is not PreviewState.PENDING]


def told(store: Store) -> int:
    """How many pictures the events say were built."""
    with store.read() as tx:
        events = [event for event in tx.ledger.events(0, 1_000_000) if event.kind == EventKind.PREVIEWS_BUILT]
    return sum(int(str(event.data["blurred"])) + int(str(event.data["refused"])) for event in events)


@pytest.mark.parametrize("after", [1, PICTURES // 2])
def test_a_job_that_is_killed_goes_on_where_it_was(tmp_path: Path, after: int) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = open_store(url)
    version_id = published(store, tmp_path)
    process = subprocess.Popen([sys.executable, "-c", JOB, url, str(tmp_path), version_id])
    while len(recorded(store, version_id)) < after:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    before = {one.n: one for one in recorded(store, version_id)}
    stored = sum(path.is_file() for path in (tmp_path / "previews").glob("??/**/*"))
    shown = sum(one.state is PreviewState.BLURRED for one in before.values())
    assert stored - shown < BATCH + WORKERS + SPARE, "what a kill costs is a batch and what is in the works"

    build(url, tmp_path, version_id)

    after_all = {one.n: one for one in recorded(store, version_id)}
    assert len(before) < PICTURES, "the kill came too late to show anything"
    assert len(after_all) == told(store) == PICTURES, "each is recorded, and recorded once"
    assert before.items() <= after_all.items()
    previews = FilePreviews(tmp_path / "previews")
    for one in after_all.values():
        damaged = one.path.endswith("0.jpg")
        assert (one.state, one.why) == (
            (PreviewState.REFUSED, "truncated") if damaged else (PreviewState.BLURRED, None)
        )
        if one.blob:
            assert is_bare(previews.get(one.blob))
    store.close()
