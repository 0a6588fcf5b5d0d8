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
    """A running gateway, and the folder whose last publication it holds."""

    gateway: Gateway
    folder: Path

    def publish(self, name: str) -> str:
        """A set of this name; its version's id. No two share a byte: what one test stops may never come back."""
        (self.folder / "README.md").write_text(f"# {name}\n\nOf files.\n", encoding="utf-8")
        (self.folder / "large.bin").write_bytes(hashlib.sha256(name.encode()).digest() * (LARGE // 32))
        for number in range(20):
            (self.folder / "人脸" / f"{number} #%.txt").write_text(f"{name} {number % 15}", encoding="utf-8")
        return self.gateway.publish(self.folder, name, "--class", "public")


@pytest.fixture(scope="package")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    base = tmp_path_factory.mktemp("gateway")
    folder = base / "set"
    (folder / "人脸").mkdir(parents=True)
    gateway = Gateway(base / "data")
    with gateway.serving():
        gateway.terms(base)
        yield Published(gateway, folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
