"""A home, a folder of fetched files in it, and a gateway that recalls them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.sdk.client import Hub
from gateway.sdk.holdings import NewCopy
from gateway.sdk.machine import Machine
from tests.unit.sdk import origin as origins
from tests.unit.sdk.origin import Origin
from tests.unit.sdk.recall.gate import NOW, VERSION, Gate

TOKEN = "hbg_rosa"


@pytest.fixture
def origin() -> Iterator[Origin]:
    with origins.running() as running:
        yield running


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Home:
    """A machine that has fetched files, with the gateway that they came from."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.gate = Gate(origin=origin.url)
        self.origin = origin
        origin.script = self.gate.serve()
        self.folder = folder
        self.hub = Hub(origin.url, TOKEN, look=False)

    @property
    def machine(self) -> Machine:
        return self.hub.machine

    def expect(self, folder: Path, files: Mapping[str, bytes], version: str = VERSION) -> list[NewCopy]:
        """As when a fetch of these files has begun."""
        self.machine.store.make()
        listed = [NewCopy(path=p, sha256=sha256(c), size=len(c), content=sha256(c)) for p, c in files.items()]
        self.machine.holdings.expect(self.origin.url, "lab/set", version, folder, listed)
        return listed

    def hold(self, folder: Path, files: Mapping[str, bytes], version: str = VERSION) -> None:
        """As after a fetch of these files."""
        listed = self.expect(folder, files, version)
        self.machine.store.keep_all({sha256(content): content for content in files.values()})
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            self.machine.store.link(sha256(content), folder / path, folder / "unnamed")
        self.machine.holdings.settle(self.origin.url, "lab/set", version, folder, listed)


@pytest.fixture
def home(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gateway.sdk.recall.desk.Desk.now", lambda desk: NOW)
    made = Home(tmp_path, origin)
    yield made
    made.hub.close()
