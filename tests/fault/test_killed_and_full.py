"""kill -9 at any moment and a full disk: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.ledger.fold import differences, fold
from catalog.store import open_store
from tests.gateways import Gateway

# A loop of the story's commits; a line is printed only after the commit has returned.
STORY = """
import sys
from catalog.actions import complaints, stops
from catalog.errors import CatalogUnavailable
from catalog.policy import names
from catalog.store import open_store
from catalog.vocabulary import ComplaintItem, Role, Stop, StopReason
from tests import builders
from tests.builders import NOW, new_id

store = open_store(sys.argv[1])
operator = builders.actor(store, Role.OPERATOR)
builders.published_terms(store)
number = 0
while number < int(sys.argv[2]):
    name = f"demo/n{number}"
    number += 1
    reader = builders.actor(store)
    try:
        version = builders.published(store, operator, builders.item(data=name.encode()), full_name=name)
        print("published", version.id, flush=True)
        builders.accepted(store, reader, name)
        print("accepted", reader.account.id, flush=True)
        with store.begin() as tx:
            command = complaints.FileComplaint(kind="child", name="n", contact="c", request="r", links=[], asset=name,
                items=[ComplaintItem(path="a.jpg", version=None, preview=None)], source=name)
            filed = complaints.file_complaint(tx, command, now=NOW, new_id=new_id)
        print("filed", filed.complaint.case, flush=True)
        with store.begin() as tx:
            revoke = stops.StopCommand(act=Stop.REVOKE, subject=names.subject(name), reason=StopReason.CHILD,
                case=filed.complaint.case)
            notice = stops.stop(tx, operator, revoke, now=NOW, new_id=new_id)
        print("revoked", notice.id, flush=True)
    except CatalogUnavailable:
        print("unavailable -", flush=True)
"""


def held_to_its_word(url: str, lines: list[str]) -> int:
    """Every acknowledged act is in the store, and the store agrees with its events; gives how many there were."""
    said = [line.split() for line in lines if len(line.split()) == 2]
    store = open_store(url)
    with store.read() as tx:
        snapshot = tx.projection.snapshot()
        assert differences(fold(tx.ledger.events(0, 1_000_000)), snapshot) == []
        for act, subject in said:
            match act:
                case "published":
                    assert snapshot[f"version:{subject}"] in {"published", "revoked"}
                case "accepted":
                    assert len(tx.terms.acceptances(subject)) == 1
                case "filed":
                    assert snapshot[f"complaint:{subject}"] in {"open", "upheld"}
                case "revoked":
                    assert snapshot[f"notice:{subject}"] == "stands"
                case _:
                    assert act == "unavailable"
    store.close()
    return sum(act != "unavailable" for act, _ in said)


@pytest.mark.parametrize("seed", range(6))
def test_a_process_killed_at_a_random_moment_loses_nothing_it_acknowledged(tmp_path: Path, seed: int) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    output = tmp_path / "said"
    with output.open("w") as said:
        process = subprocess.Popen([sys.executable, "-c", STORY, url, "100000"], stdout=said)
    while output.stat().st_size == 0:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 0.5))
    process.kill()
    assert process.wait() == -9
    assert held_to_its_word(url, output.read_text().splitlines()) > 0


@pytest.mark.needs("strace")
def test_a_full_disk_refuses_and_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    open_store(url).close()
    failing = "pwrite64:error=ENOSPC:when=300+97"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", f"inject={failing}"]
    done = subprocess.run(
        [*command, sys.executable, "-c", STORY, url, "12"], capture_output=True, text=True, check=False, timeout=120
    )
    lines = done.stdout.splitlines()
    assert held_to_its_word(url, lines) > 0
    refused = "unavailable -" in lines or "CatalogUnavailable" in done.stderr
    assert refused, "the disk was never full"


@pytest.mark.needs("mount")
def test_a_publish_onto_a_full_disk_fails_clearly_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        gateway = Gateway(small / "data")
        gateway.terms(tmp_path)
        folder = tmp_path / "set"
        folder.mkdir()
        (folder / "big.bin").write_bytes(random.Random(1).randbytes(30_000_000))
        with pytest.raises(AssertionError, match=r"(?i)space|unavailable"):
            gateway.publish(folder, "demo/big")
        assert gateway.run("verify").startswith("clean")
        shutil.copyfile(__file__, folder / "big.bin")
        assert len(gateway.publish(folder, "demo/big")) == 40
        assert gateway.run("verify") == "clean: 1 originals"
    finally:
        subprocess.run(["umount", small], check=True)
