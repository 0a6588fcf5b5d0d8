"""One gateway for all of these tests, with a set of one large file and some small ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gateways import Gateway

LARGE = 48 * 1024 * 1024


@dataclass(frozen=True)
class Published:
    """A running gateway, and the folder from which sets are published under fresh names."""

    gateway: Gateway
    folder: Path

    def publish(self, name: str) -> str:
        """A set of the same shape under another name, with content of its own: what was revoked does not come back.

        Gives its version's id.
        """
        fill(self.folder, name)
        return self.gateway.publish(self.folder, name, "--class", "public")


def fill(folder: Path, name: str) -> None:
    (folder / "人脸").mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(f"# A set\n\nOf files, called {name}.\n", encoding="utf-8")
    (folder / "large.bin").write_bytes(hashlib.sha256(name.encode()).digest() * (LARGE // 32))
    for number in range(20):
        (folder / "人脸" / f"{number} #%.txt").write_text(f"number {number % 15} of {name}", encoding="utf-8")


@pytest.fixture(scope="package")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    base = tmp_path_factory.mktemp("gateway")
    folder = base / "set"
    fill(folder, "a first one")
    gateway = Gateway(base / "data")
    with gateway.serving():
        gateway.terms(base)
        yield Published(gateway, folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
