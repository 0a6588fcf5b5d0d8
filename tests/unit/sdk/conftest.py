"""An origin for each test, and an environment in which nobody is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sdk.origin import Origin, running


@pytest.fixture(autouse=True)
def nobody_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HUBGATE_URL", "HUBGATE_TOKEN", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running() as server:
        yield server
