"""Assets, their versions, tags and items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from catalog.policy import warrant as warrants
from catalog.store.tables.base import AnyRow, Instant, Link, batches, metadata
from catalog.vocabulary import (
    Asset,
    DataClass,
    Gate,
    Item,
    Kind,
    Provenance,
    Shard,
    Title,
    Version,
    VersionState,
    Warrant,
)

assets = Table(
    "assets",
    metadata,
    Column("id", String, primary_key=True),
    Column("ns", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("data_class", String, nullable=False),
    Column("title_en", String, nullable=False),
    Column("title_zh", String, nullable=False),
    Column("terms_id", String, nullable=False),
    Column("publisher_id", String, ForeignKey("accounts.id"), nullable=False),
    Column("gate", String, nullable=False, server_default="auto"),
    Column("main_version_id", String),  # the newest release; moves by a publish only, whatever is stopped
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("ns", "name"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", String, primary_key=True),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("tag", String),
    Column("card", Text, nullable=False),
    Column("warrant", JSON),
    Column("manifest_sha256", String),
    Column("item_count", Integer, nullable=False),
    Column("total_size", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("published_at", Instant),
    Column("notice_id", String),
    Column("packing", Integer, nullable=False, server_default="0"),
    UniqueConstraint("asset_id", "tag"),
)

items = Table(
    "items",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("path", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("git_sha1", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("source_url", Text),
    Column("source_sha256", String),
    Column("source_author", Text),
    Column("slot", Integer),
    Index("ix_items_sha256", "sha256"),
)

# One row for each item that is a shard: it holds the files of its slot, without some.
shards = Table(
    "shards",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("path", String, primary_key=True),
    Column("slot", Integer, nullable=False),
    Column("without", JSON, nullable=False),
    Column("listed", Boolean, nullable=False),
)

of_shard = and_(shards.c.version_id == items.c.version_id, shards.c.path == items.c.path)
_columns = (*items.c, shards.c.slot.label("packs"), shards.c.without, shards.c.listed)
ITEMS = select(*_columns).select_from(items).outerjoin(shards, of_shard)
SHARDS = select(*_columns).select_from(shards).join(items, of_shard)

BATCH = 500
LIKE = re.compile(r"[%_\\]")  # what LIKE would not take literally
ESCAPED = r"\\\g<0>"


def _warrant(raw: Mapping[str, object] | None) -> Warrant | None:
    return None if raw is None else warrants.stored(raw)


def asset_of(row: AnyRow) -> Asset:
    return Asset(
        id=row.id,
        ns=row.ns,
        name=row.name,
        kind=Kind(row.kind),
        data_class=DataClass(row.data_class),
        title=Title(en=row.title_en, zh=row.title_zh),
        terms_id=row.terms_id,
        publisher_id=row.publisher_id,
        created_at=row.created_at,
        gate=Gate(row.gate),
    )


def version_of(row: AnyRow) -> Version:
    return Version(
        id=row.id,
        asset_id=row.asset_id,
        state=VersionState(row.state),
        tag=row.tag,
        card=row.card,
        warrant=_warrant(row.warrant),
        manifest_sha256=row.manifest_sha256,
        item_count=row.item_count,
        total_size=row.total_size,
        created_at=row.created_at,
        published_at=row.published_at,
        notice_id=row.notice_id,
        packing=row.packing,
    )


def item_of(row: AnyRow) -> Item:
    told = (row.source_url, row.source_sha256, row.source_author)
    return Item(
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        git_sha1=row.git_sha1,
        media_type=row.media_type,
        provenance=Provenance(source_url=told[0], source_sha256=told[1], source_author=told[2]) if any(told) else None,
        slot=row.slot,
        shard=None if row.packs is None else Shard(slot=row.packs, without=tuple(row.without), listed=row.listed),
    )


def _asset_row(asset: Asset) -> dict[str, object]:
    return {
        "id": asset.id,
        "ns": asset.ns,
        "name": asset.name,
        "kind": asset.kind.value,
        "data_class": asset.data_class.value,
        "title_en": asset.title.en,
        "title_zh": asset.title.zh,
        "terms_id": asset.terms_id,
        "publisher_id": asset.publisher_id,
        "created_at": asset.created_at,
        "gate": asset.gate.value,
    }


def _version_row(version: Version) -> dict[str, object]:
    return {
        "id": version.id,
        "asset_id": version.asset_id,
        "state": version.state.value,
        "tag": version.tag,
        "card": version.card,
        "warrant": None if version.warrant is None else warrants.as_dict(version.warrant),
        "manifest_sha256": version.manifest_sha256,
        "item_count": version.item_count,
        "total_size": version.total_size,
        "created_at": version.created_at,
        "published_at": version.published_at,
        "notice_id": version.notice_id,
        "packing": version.packing,
    }


def item_row(version_id: str, item: Item) -> dict[str, object]:
    told = item.provenance
    return {
        "version_id": version_id,
        "path": item.path,
        "size": item.size,
        "sha256": item.sha256,
        "git_sha1": item.git_sha1,
        "media_type": item.media_type,
        "source_url": told and told.source_url,
        "source_sha256": told and told.source_sha256,
        "source_author": told and told.source_author,
        "slot": item.slot,
    }


class AssetRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def add(self, asset: Asset) -> None:
        self._db.execute(insert(assets), _asset_row(asset))

    def named(self, ns: str, name: str) -> Asset | None:
        row = self._db.execute(select(assets).where(assets.c.ns == ns, assets.c.name == name)).first()
        return None if row is None else asset_of(row)

    def get(self, asset_id: str) -> Asset | None:
        row = self._db.execute(select(assets).where(assets.c.id == asset_id)).first()
        return None if row is None else asset_of(row)

    def update(self, asset: Asset) -> None:
        self._db.execute(update(assets).where(assets.c.id == asset.id), _asset_row(asset))

    def search(
        self, *, kind: Kind | None, text: str, data_class: DataClass | None, after: str, limit: int, minors: bool
    ) -> Sequence[tuple[Asset, Version]]:
        if "\0" in text:
            return []  # an engine may take it for the end of the text, and so find everything
        full_name = assets.c.ns + "/" + assets.c.name
        found = (
            select(assets.c.id, versions.c.id.label("main_id"))
            .join(versions, versions.c.id == assets.c.main_version_id)
            .where(versions.c.state == VersionState.PUBLISHED.value, full_name > after)
            .order_by(full_name)
            .limit(limit)
        )
        if kind is not None:
            found = found.where(assets.c.kind == kind.value)
        if data_class is not None:
            found = found.where(assets.c.data_class == data_class.value)
        if not minors:
            found = found.where(assets.c.data_class != DataClass.MINOR.value)
        for word in text.split():
            fields = (full_name, assets.c.title_en, assets.c.title_zh, versions.c.card)
            # The engine folds both sides: it may know fewer letters than Python does.
            sought = func.lower(f"%{LIKE.sub(ESCAPED, word)}%")
            found = found.where(or_(*(func.lower(field).like(sought, escape="\\") for field in fields)))
        pairs = [(row.id, row.main_id) for row in self._db.execute(found)]
        by_asset = {
            row.id: asset_of(row)
            for row in self._db.execute(select(assets).where(assets.c.id.in_([asset_id for asset_id, _ in pairs])))
        }
        by_version = {
            row.id: version_of(row)
            for row in self._db.execute(select(versions).where(versions.c.id.in_([main_id for _, main_id in pairs])))
        }
        return [(by_asset[asset_id], by_version[main_id]) for asset_id, main_id in pairs]

    def add_version(self, version: Version) -> None:
        self._db.execute(insert(versions), _version_row(version))

    def version(self, version_id: str) -> Version | None:
        row = self._db.execute(select(versions).where(versions.c.id == version_id)).first()
        return None if row is None else version_of(row)

    def resolve(self, asset_id: str, ref: str) -> Version | None:
        query = select(versions).where(versions.c.asset_id == asset_id)
        if ref == "main":
            query = query.join(assets, assets.c.main_version_id == versions.c.id)
        else:
            query = query.where(or_(versions.c.id == ref, versions.c.tag == ref))
        row = self._db.execute(query).first()
        return None if row is None else version_of(row)

    def versions(self, asset_id: str) -> Sequence[Version]:
        query = select(versions).where(versions.c.asset_id == asset_id).order_by(versions.c.created_at.desc())
        return [version_of(row) for row in self._db.execute(query)]

    def draft(self, asset_id: str) -> Version | None:
        query = select(versions).where(versions.c.asset_id == asset_id, versions.c.state == VersionState.DRAFT.value)
        row = self._db.execute(query.order_by(versions.c.created_at.desc()).limit(1)).first()
        return None if row is None else version_of(row)

    def release(self, version: Version) -> None:
        if version.tag is not None:
            former = update(versions).where(versions.c.asset_id == version.asset_id, versions.c.tag == version.tag)
            self._db.execute(former.values(tag=None))
        self._db.execute(update(versions).where(versions.c.id == version.id), _version_row(version))
        self._db.execute(update(assets).where(assets.c.id == version.asset_id).values(main_version_id=version.id))

    def set_state(self, version_id: str, state: VersionState, notice_id: str | None) -> None:
        statement = update(versions).where(versions.c.id == version_id)
        self._db.execute(statement.values(state=state.value, notice_id=notice_id))

    def add_items(self, version_id: str, new: Sequence[Item]) -> None:
        statement = self._insert(items)
        written = {c.name: statement.excluded[c.name] for c in items.c if not c.primary_key}
        statement = statement.on_conflict_do_update(index_elements=["version_id", "path"], set_=written)
        for start in range(0, len(new), BATCH):
            self._db.execute(statement, [item_row(version_id, item) for item in new[start : start + BATCH]])

    def clear_items(self, version_id: str) -> None:
        for table in (items, shards):
            self._db.execute(delete(table).where(table.c.version_id == version_id))

    def discard(self, version_id: str) -> None:
        self.clear_items(version_id)
        self._db.execute(delete(versions).where(versions.c.id == version_id))

    def remove_items(self, version_id: str, paths: Sequence[str]) -> None:
        for some in batches(paths):
            self._db.execute(delete(items).where(items.c.version_id == version_id, items.c.path.in_(some)))

    def sum_items(self, version_id: str) -> tuple[int, int]:
        query = select(func.count(), func.coalesce(func.sum(items.c.size), 0)).where(items.c.version_id == version_id)
        count, size = self._db.execute(query).one()
        return int(count), int(size)

    def drafts(self) -> Sequence[tuple[Asset, Version]]:
        query = select(versions).where(versions.c.state == VersionState.DRAFT.value)
        found = [version_of(row) for row in self._db.execute(query.order_by(versions.c.created_at.desc()))]
        owned = [(self.get(version.asset_id), version) for version in found]
        return [(asset, version) for asset, version in owned if asset is not None]

    def items(self, version_id: str) -> Sequence[Item]:
        rows = self._db.execute(ITEMS.where(items.c.version_id == version_id))
        return sorted((item_of(row) for row in rows), key=lambda item: item.path)

    def item(self, version_id: str, path: str) -> Item | None:
        row = self._db.execute(ITEMS.where(items.c.version_id == version_id, items.c.path == path)).first()
        return None if row is None else item_of(row)

    def published_with(self, asset_id: str, manifest_sha256: str) -> Version | None:
        query = select(versions).where(
            versions.c.asset_id == asset_id,
            versions.c.manifest_sha256 == manifest_sha256,
            versions.c.state == VersionState.PUBLISHED.value,
        )
        row = self._db.execute(query.order_by(versions.c.published_at.desc()).limit(1)).first()
        return None if row is None else version_of(row)

    def places(self, sha256: str) -> Sequence[tuple[str, str, str]]:
        query = (
            select(versions.c.asset_id, items.c.version_id, items.c.path)
            .join(versions, versions.c.id == items.c.version_id)
            .where(items.c.sha256 == sha256, versions.c.state != VersionState.DRAFT.value)
        )
        return [(row.asset_id, row.version_id, row.path) for row in self._db.execute(query)]

    def digests(self) -> Iterator[tuple[str, int]]:
        for row in self._db.execute(select(items.c.sha256, items.c.size).distinct().order_by(items.c.sha256)):
            yield row.sha256, row.size
