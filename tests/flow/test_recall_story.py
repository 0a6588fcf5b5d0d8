"""One recall in four homes: who is told, what goes, what stays, and what every side says of it, to the count."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.clients.environments import CLIENTS, CannotMake, environment
from tests.gateways import HUBGATE, Gateway

NAME = "lab/story"
SET = {"README.md": "# Faces", "a.jpg": "the face of Li", "b.jpg": "the face of Ma", "c.jpg": "the face of Xu"}
PACKED = {"inside/p.jpg": "the face of Li, smaller", "inside/q.jpg": "the face of Ma, smaller"}
NONE = {"holders": 0, "waiting": 0, "deleted": 0, "absent": 0, "exempt": 0, "overdue": 0}


class Home:
    """A person with a home and a folder of their own, signed in."""

    def __init__(self, gateway: Gateway, name: str, base: Path) -> None:
        self.name = name
        self.at = base / name
        self.at.mkdir()
        self.gateway = gateway
        self.token = gateway.account(name)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.at),
            "HUBGATE_HOME": str(self.at / "home"),
            "HF_HOME": str(self.at / "hf"),
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        done = subprocess.run(
            [HUBGATE, *arguments],
            input=stdin, capture_output=True, text=True, env=self.environ, cwd=self.at, timeout=120,
        )  # fmt: skip
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def sign_in(self) -> None:
        self.run("login", self.gateway.url, "--token-stdin", stdin=self.token)

    def fetch(self) -> None:
        self.sign_in()
        self.run("fetch", NAME, "--purpose", "a story", "--yes")

    def sync(self, *flags: str, status: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("sync", "--json", *flags, status=status))
        return found

    def an_hour_passes(self) -> None:
        with contextlib.closing(sqlite3.connect(self.at / "home" / "holdings.db", isolation_level=None)) as record:
            record.execute("UPDATE feeds SET looked_at = looked_at - 3601")

    @property
    def files(self) -> list[str]:
        """What lies in the home, but for the SDK's own records."""
        own = {"holdings.db", "logins.json", "recalls.lock"}
        found = (path for path in self.at.rglob("*") if path.is_file() and path.name not in own)
        return sorted(str(path.relative_to(self.at)) for path in found if "store" not in path.parts)

    @property
    def stored(self) -> int:
        """How many contents the store has."""
        return sum(1 for path in (self.at / "home" / "store").rglob("*") if path.is_file())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    folder = tmp_path / "set"
    folder.mkdir()
    for path, text in SET.items():
        (folder / path).write_text(text, encoding="utf-8")
    for path, text in PACKED.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    with tarfile.open(folder / "pack.tar", "w") as tar:
        for path in PACKED:
            tar.add(tmp_path / path, path)
    with made.serving():
        made.publish(folder, NAME, "--class", "public")
        yield made


def snapshot_download(home: Home) -> None:
    """As somebody who has never heard of our software does it."""
    try:
        programs = environment(CLIENTS[-1])
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    home.gateway.accept(home.token, NAME)
    code = f"import huggingface_hub as h; print(h.snapshot_download('{NAME}', repo_type='dataset'))"
    environ = {**home.environ, "HF_ENDPOINT": home.gateway.url, "HF_TOKEN": home.token}
    subprocess.run([programs / "python", "-c", code], env=environ, cwd=home.at, check=True, timeout=120)


def board(gateway: Gateway, notice: str) -> dict[str, int]:
    with gateway.client(gateway.token) as client:
        return dict(client.get(f"/v1/operator/recalls/{notice}").json()["counts"])


@pytest.mark.clients
def test_one_item_and_then_the_whole_version_is_called_back_from_four_homes(gateway: Gateway, tmp_path: Path) -> None:
    clean, changed, unpacked, hub, nobody = (
        Home(gateway, name, tmp_path) for name in ("clean", "changed", "unpacked", "hub", "nobody")
    )
    for home in (clean, changed, unpacked):
        home.fetch()
    snapshot_download(hub)
    nobody.sign_in()
    os.link(changed.at / "story" / "a.jpg", changed.at / "kept.jpg")
    (changed.at / "story" / "b.jpg").unlink()
    (changed.at / "story" / "b.jpg").write_text("my own drawing")
    assert "extracted" in unpacked.run("extract", "story/pack.tar")
    assert len([h for h in json.loads(unpacked.run("holdings", "--json")) if h["kind"] == "extracted"]) == 2

    with gateway.client() as client:
        complaint = {"name": "Li", "contact": "li@example.org", "request": "out", "kind": "self", "asset": NAME}
        case = client.post("/v1/complaints", json=complaint).json()
    said = json.loads(
        gateway.run("withhold", f"{NAME}@main:a.jpg", "--reason", "rights_complaint", "--case", case["case"], "--json")
    )
    item = said["notice"]
    assert board(gateway, item) == {**NONE, "holders": 4, "waiting": 4}

    # The next command tells it; nothing happens yet, and then only a quarantine: people decide.
    assert nobody.sync() == []
    assert "RECALL" not in clean.run("search", "story"), "it was looked for less than an hour ago"
    clean.an_hour_passes()
    assert f"RECALL {item}" in clean.run("search", "story")
    (done,) = clean.sync(status=1)
    assert (done["state"], Counter(f["done"] for f in done["files"])) == ("waiting", {"aside": 2})
    assert "story/a.jpg" not in clean.files
    assert board(gateway, item)["waiting"] == 4

    for home in (clean, changed, unpacked):
        (done,) = home.sync("--yes")
        assert (done["notice"], done["state"], done["counts"]["deleted"]) == (item, "answered", 1)
        assert len(done["elsewhere"]) == (home is changed)
        assert home.sync() == []
    assert board(gateway, item) == {**NONE, "holders": 4, "waiting": 1, "deleted": 3}
    told = gateway.run("recalls", item)
    assert told.count("answered") == 3
    assert told.count("  deleted 1") == 3
    assert clean.files == ["story/README.md", "story/b.jpg", "story/c.jpg", "story/pack.tar"]
    assert changed.files == ["kept.jpg", "story/README.md", "story/b.jpg", "story/c.jpg", "story/pack.tar"]
    with gateway.client() as client:
        status = client.get(f"/v1/complaints/{case['case']}", auth=(case["case"], case["secret"])).json()
    assert status["recall"] == {**NONE, "holders": 4, "waiting": 1, "deleted": 3}

    # Somebody with another client hears of it in the inbox; our command finds their copy, tells, and leaves it.
    hub.sign_in()
    (done,) = hub.sync("--yes", status=1)
    assert (done["counts"]["locked"], done["files"], len(done["caches"])) == (1, [], 1)
    cached = Path(done["caches"][0]["path"])
    assert cached.read_text() == SET["a.jpg"]
    assert board(gateway, item) == {**NONE, "holders": 4, "waiting": 1, "deleted": 3}
    cached.unlink()
    (done,) = hub.sync("--yes")
    assert (done["state"], done["counts"]["locked"]) == ("answered", 0)
    assert board(gateway, item) == {**NONE, "holders": 4, "waiting": 0, "deleted": 4}, "it was there, and is gone"

    said = json.loads(gateway.run("revoke", NAME, "--reason", "rights_complaint", "--json"))
    whole = said["notice"]
    assert board(gateway, whole)["holders"] == 4
    (done,) = clean.sync("--yes")
    assert (done["counts"]["deleted"], done["state"]) == (4, "answered")
    assert (clean.files, clean.stored) == ([], 0)
    (done,) = unpacked.sync("--yes")
    assert (done["counts"]["deleted"], done["counts"]["modified"]) == (4, 0)
    assert (unpacked.files, unpacked.stored) == ([], 0)
    (done,) = changed.sync("--yes", status=1)
    assert (done["counts"]["deleted"], done["counts"]["modified"]) == (3, 1)
    assert [f["path"] for f in done["files"] if f["done"] == "modified"] == [str(changed.at / "story" / "b.jpg")]
    assert (changed.files, changed.stored) == (["kept.jpg", "story/b.jpg"], 0)
    assert (changed.at / "story" / "b.jpg").read_text() == "my own drawing"
    assert board(gateway, whole) == {**NONE, "holders": 4, "waiting": 2, "deleted": 2}
    (changed.at / "story" / "b.jpg").unlink()
    changed.sync("--yes")
    assert board(gateway, whole) == {**NONE, "holders": 4, "waiting": 1, "deleted": 3}
    assert gateway.run("verify").startswith("clean")
