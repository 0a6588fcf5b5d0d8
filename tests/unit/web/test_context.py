"""What is read of the catalogue, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from catalog.store import open_store
from catalog.store.tables.assets import AssetRecords
from catalog.vocabulary import Item, Role
from gateway.web.context import Catalogue
from tests import builders
from tests.builders import NOW, new_id


def test_however_many_ask_at_once_a_versions_list_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'catalogue.db'}")
    builders.published_terms(store)
    operator = builders.actor(store, Role.OPERATOR)
    builders.published(store, operator, builders.item())
    read: list[str] = []
    items = AssetRecords.items

    def counted(records: AssetRecords, version_id: str) -> object:
        read.append(version_id)
        return items(records, version_id)

    monkeypatch.setattr(AssetRecords, "items", counted)
    catalogue = Catalogue(store, lambda: NOW, new_id)

    async def ask() -> list[Item | None]:
        async def one() -> Item | None:
            ground = await catalogue.ground(operator, "demo", "street-faces", "main")
            return (await catalogue.manifest(ground)).get("a.jpg")

        return await asyncio.gather(*(one() for _ in range(20)))

    assert asyncio.run(ask()) == [builders.item()] * 20
    assert len(read) == 1
    store.close()
