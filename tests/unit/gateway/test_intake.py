"""A folder is taken in beside something that deletes contents which nothing names yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.vocabulary import Item
from gateway.blobs.base import BlobMissing
from gateway.commands.intake import Intake
from gateway.installation import open_installation
from gateway.settings import load
from tests.gateways import Gateway
from tests.houses import House

FILES = {"a.txt": b"a content of its own", "b.txt": b"another content"}


def test_a_content_that_went_before_it_was_named_is_not_released_without_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(tmp_path / "data")
    installation = open_installation(load({"data": gateway.data}, environ={}))
    house = House(gateway, installation, tmp_path)
    write = Intake._write

    def swept_first(taking: Intake, items: list[Item]) -> None:
        installation.originals.delete(items[0].sha256)
        write(taking, items)

    with monkeypatch.context() as patched:
        patched.setattr(Intake, "_write", swept_first)
        with pytest.raises(BlobMissing, match="Run the same again"):
            house.publish(FILES)
    house.publish(FILES)
    installation.close()
    assert gateway.run("verify") == f"clean: {len(FILES)} originals"
