"""Shards: which small files of a version are packed into which tars."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, update

from catalog.store.tables.assets import ITEMS, SHARDS, item_of, item_row, items, shards, versions
from catalog.store.tables.base import Link, batches
from catalog.vocabulary import Item, VersionState


class ShardRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def put(self, version_id: str, item: Item, members: Collection[str]) -> None:
        if item.shard is None:
            raise ValueError(f"{item.path} is no shard")
        row = {
            "version_id": version_id,
            "path": item.path,
            "slot": item.shard.slot,
            "without": list(item.shard.without),
            "listed": item.shard.listed,
        }
        for table, values in ((items, item_row(version_id, item)), (shards, row)):
            statement = self._insert(table)
            written = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key}
            statement = statement.on_conflict_do_update(index_elements=["version_id", "path"], set_=written)
            self._db.execute(statement, values)
        if members:  # a former plan may have put others there
            former = update(items).where(items.c.version_id == version_id, items.c.slot == item.shard.slot)
            self._db.execute(former.values(slot=None))
        for some in batches(sorted(members)):
            packed = update(items).where(items.c.version_id == version_id, items.c.path.in_(some))
            self._db.execute(packed.values(slot=item.shard.slot))

    def keep(self, version_id: str, paths: Collection[str]) -> None:
        for item in self.of(version_id):
            if item.path not in paths:
                for table in (items, shards):
                    gone = (table.c.version_id == version_id) & (table.c.path == item.path)
                    self._db.execute(delete(table).where(gone))
        left = select(shards.c.slot).where(shards.c.version_id == version_id)
        loose = update(items).where(items.c.version_id == version_id, items.c.slot.not_in(left))
        self._db.execute(loose.values(slot=None))

    def of(self, version_id: str) -> Sequence[Item]:
        rows = self._db.execute(SHARDS.where(shards.c.version_id == version_id))
        return sorted((item_of(row) for row in rows), key=lambda item: item.path)

    def members(self, version_id: str, slot: int) -> Sequence[Item]:
        rows = self._db.execute(ITEMS.where(items.c.version_id == version_id, items.c.slot == slot))
        return sorted((item_of(row) for row in rows), key=lambda item: item.path)

    def holding(self, sha256: str) -> Sequence[tuple[str, str, Item]]:
        member = items.alias()
        query = (
            SHARDS.add_columns(versions.c.asset_id, member.c.path.label("member"))
            .join(versions, versions.c.id == items.c.version_id)
            .join(member, (member.c.version_id == shards.c.version_id) & (member.c.slot == shards.c.slot))
            .where(member.c.sha256 == sha256, versions.c.state != VersionState.DRAFT.value)
        )
        found = {}
        for row in self._db.execute(query):
            if row.member not in row.without:
                found[row.version_id, row.path] = (row.asset_id, row.version_id, item_of(row))
        return list(found.values())

    def inside(self, asset_id: str, sha256: str) -> frozenset[str]:
        query = (
            SHARDS.join(versions, versions.c.id == items.c.version_id)
            .where(versions.c.asset_id == asset_id, items.c.sha256 == sha256)
            .limit(1)  # the same bytes hold the same files, in whichever version
        )
        row = self._db.execute(query).first()
        if row is None:
            return frozenset()
        members = self.members(row.version_id, row.packs)
        return frozenset(member.sha256 for member in members if member.path not in row.without)

    def list_only(self, version_id: str, slot: int, path: str | None) -> None:
        mine = (shards.c.version_id == version_id) & (shards.c.slot == slot)
        self._db.execute(update(shards).where(mine).values(listed=shards.c.path == path))
        moved = update(versions).where(versions.c.id == version_id)
        self._db.execute(moved.values(packing=versions.c.packing + 1))
