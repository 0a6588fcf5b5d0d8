"""kill -9 in the middle of an extraction and of a purge: the next run ends in the right state."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.sdk.conftest import Published
from tests.contract.sdk.relay import WAIT_S
from tests.gateways import HUBGATE

MANY = 1500


class Person:
    def __init__(self, published: Published, name: str, at: Path) -> None:
        self.at = at
        self.home = at / "home"
        token = published.gateway.account(name)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(at),
            "LC_ALL": "C.UTF-8",
            "HUBGATE_HOME": str(self.home),
            "HUBGATE_URL": published.gateway.url,
            "HUBGATE_TOKEN": token,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen([HUBGATE, *arguments], env=self.environ, cwd=self.at, stdout=pipe, stderr=pipe)

    def run(self, *arguments: str) -> str:
        done = subprocess.run([HUBGATE, *arguments], env=self.environ, cwd=self.at, capture_output=True, timeout=170)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def kill_when(self, reached: Callable[[], bool], *arguments: str) -> bool:
        """Whether the command was still at work when it was killed."""
        process = self.start(*arguments)
        deadline = time.monotonic() + WAIT_S
        while process.poll() is None and not reached():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=WAIT_S)
        return process.returncode == -9


def count(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


@pytest.fixture
def person(published: Published, tmp_path: Path) -> Person:
    """Who has fetched a set of many small files and an archive of as many, all of them this test's own."""
    name = tmp_path.name.replace("_", "-")[-40:].strip("-").replace("--", "-")
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "packed").mkdir()
    with tarfile.open(folder / "pack.tar", "w") as tar:
        for number in range(MANY):
            (folder / f"{number:04}.txt").write_text(f"{name} {number}", encoding="utf-8")
            (tmp_path / "packed" / "file").write_text(f"{name} packed {number}", encoding="utf-8")
            tar.add(tmp_path / "packed" / "file", f"deep/{number:04}.txt")
    published.gateway.publish(folder, f"lab/{name}", "--class", "public", "--no-pack")
    made = Person(published, name, tmp_path)
    made.run("fetch", f"lab/{name}", "--to", "to", "--purpose", "x", "--yes")
    assert count(tmp_path / "to") == MANY + 1
    return made


def test_an_extraction_that_was_killed_is_done_again_or_called_back_whole(
    person: Person, published: Published, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert person.kill_when(lambda: count(out / "deep") > 0, "extract", "to/pack.tar", "--to", "out")
    assert 0 < count(out / "deep") < MANY
    person.run("extract", "to/pack.tar", "--to", "out")
    assert count(out) == MANY
    assert person.kill_when(lambda: (out / ".hubgate" / "007.new").exists(), "extract", "to/pack.tar", "--to", "out")
    assert count(out) > MANY, "what has no name yet lies about"
    name = json.loads(person.run("holdings", "--json"))[0]["asset"]
    published.gateway.run("withhold", f"{name}@main:pack.tar", "--reason", "rights_complaint")
    (done,) = json.loads(person.run("sync", "--yes", "--json"))
    assert done["counts"]["deleted"] == 1
    assert [path for path in out.rglob("*") if path.is_file() and path.name != "lock"] == []
    assert count(tmp_path / "to") == MANY


def test_a_purge_that_was_killed_is_finished_and_answered_to_the_count(
    person: Person, published: Published, tmp_path: Path
) -> None:
    name = json.loads(person.run("holdings", "--json"))[0]["asset"]
    published.gateway.run("revoke", name, "--reason", "rights_complaint")
    left = [MANY + 1]
    for part in (3, 2):
        assert person.kill_when(lambda part=part: count(tmp_path / "to") < MANY * part // 4, "sync", "--yes")  # type: ignore[misc]
        left.append(count(tmp_path / "to"))
    assert left == sorted(left, reverse=True)
    assert left[-1] > 0
    (done,) = json.loads(person.run("sync", "--yes", "--json"))
    assert done["counts"] == {"deleted": MANY + 1, "absent": 0, "locked": 0, "modified": 0, "kept_by_law": 0}
    assert count(tmp_path / "to") == 0
    assert count(person.home / "store") == 0
    assert json.loads(person.run("sync", "--json")) == []
