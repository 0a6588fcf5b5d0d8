"""A job that makes a shard anew is killed: the former shard stays refused, nothing half made is listed, it goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.policy import packing as rules
from catalog.store import open_store
from catalog.vocabulary import ItemState, Stop
from gateway.blobs.filesystem import FileOriginals
from gateway.jobs.packing import Repacker
from tests.builders import NOW, events_and_tables_agree
from tests.unit.jobs.test_packing import Packed

MIB = 1024 * 1024
SAMPLES = 30

JOB = """
import sys
from pathlib import Path
from tests.fault.test_repacking_killed import repack
repack(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
"""


def repack(url: str, folder: Path, version_id: str) -> None:
    """The job, as the runner would do it."""
    store = open_store(url)
    Repacker(store, FileOriginals(folder / "originals"), clock=lambda: NOW).run({"version": version_id}, lambda: None)
    store.close()


@pytest.mark.parametrize("after", [1, 40 * MIB])
def test_a_job_that_is_killed_is_simply_done_again(tmp_path: Path, after: int) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    packed = Packed(open_store(url), tmp_path)
    version = packed.publish({f"train/{n}": f"{n:03}" * MIB for n in range(SAMPLES)})
    packed.version = version
    former = packed.shard("train")
    packed.stop(Stop.WITHHOLD, "train/7.jpg")
    incoming = tmp_path / "originals" / "incoming"
    process = subprocess.Popen([sys.executable, "-c", JOB, url, str(tmp_path), version.id])
    while process.poll() is None and not any(path.stat().st_size >= after for path in list(incoming.iterdir())):
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -9, "it ended before it could be killed"
    assert packed.shard("train") == former
    assert packed.state(former) is ItemState.WITHHELD
    assert list(incoming.iterdir()), "it was killed while it wrote"
    repack(url, tmp_path, version.id)
    assert list(incoming.iterdir()) == []
    new = packed.shard("train")
    assert packed.names(new) == rules.in_order(
        f"train/{n}.{field}" for n in range(SAMPLES) if n != 7 for field in ("jpg", "json")
    )
    assert packed.state(new) is ItemState.SERVED
    before = packed.shards()
    repack(url, tmp_path, version.id)
    assert packed.shards() == before
    assert events_and_tables_agree(packed.store)
    packed.store.close()
