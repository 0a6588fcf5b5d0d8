"""Notices of stops, the overlay of stopped items, and releases that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    String,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from catalog.store.tables.assets import items, shards, versions
from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.vocabulary import ItemState, Notice, Release, ReleaseReason, Stop, StoppedItem, StopReason

notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("act", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False, index=True),
    Column("version_id", String),
    Column("sha256", String),
    Column("reason", String, nullable=False),
    Column("case_id", String, index=True),
    Column("actor_id", String, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("lifted_at", Instant),
)

stopped_items = Table(
    "stopped_items",
    metadata,
    Column("asset_id", String, ForeignKey("assets.id"), primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("notice_id", String, ForeignKey("notices.id"), nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("id", String, primary_key=True),
    Column("notice_id", String, ForeignKey("notices.id"), nullable=False),
    Column("subject", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("confirmed_by", String),
    Column("confirmed_at", Instant),
)


def notice_of(row: AnyRow) -> Notice:
    return Notice(
        id=row.id,
        act=Stop(row.act),
        subject=row.subject,
        asset_id=row.asset_id,
        version_id=row.version_id,
        sha256=row.sha256,
        reason=StopReason(row.reason),
        case=row.case_id,
        actor_id=row.actor_id,
        placed_at=row.placed_at,
        position=row.position,
        lifted_at=row.lifted_at,
    )


def _release(row: AnyRow) -> Release:
    return Release(
        id=row.id,
        notice_id=row.notice_id,
        subject=row.subject,
        reason=ReleaseReason(row.reason),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
    )


class StopRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def add_notice(self, notice: Notice) -> None:
        row = {
            "id": notice.id,
            "act": notice.act.value,
            "subject": notice.subject,
            "asset_id": notice.asset_id,
            "version_id": notice.version_id,
            "sha256": notice.sha256,
            "reason": notice.reason.value,
            "case_id": notice.case,
            "actor_id": notice.actor_id,
            "placed_at": notice.placed_at,
            "position": notice.position,
            "lifted_at": notice.lifted_at,
        }
        self._db.execute(insert(notices), row)

    def notice(self, notice_id: str) -> Notice | None:
        row = self._db.execute(select(notices).where(notices.c.id == notice_id)).first()
        return None if row is None else notice_of(row)

    def notices(self, asset_id: str) -> Sequence[Notice]:
        query = select(notices).where(notices.c.asset_id == asset_id).order_by(notices.c.position.desc())
        return [notice_of(row) for row in self._db.execute(query)]

    def open_notices(self) -> Sequence[Notice]:
        query = select(notices).where(notices.c.act == Stop.HOLD.value, notices.c.lifted_at.is_(None))
        return [notice_of(row) for row in self._db.execute(query.order_by(notices.c.position))]

    def lift(self, notice_id: str, at: datetime) -> None:
        self._db.execute(update(notices).where(notices.c.id == notice_id).values(lifted_at=at))

    def stop_item(self, asset_id: str, item: StoppedItem) -> None:
        row = {"asset_id": asset_id, "sha256": item.sha256, "state": item.state.value, "notice_id": item.notice_id}
        statement = self._insert(stopped_items)
        statement = statement.on_conflict_do_update(
            index_elements=["asset_id", "sha256"],
            set_={"state": statement.excluded.state, "notice_id": statement.excluded.notice_id},
        )
        self._db.execute(statement, row)

    def release_item(self, asset_id: str, sha256: str) -> None:
        mine = (stopped_items.c.asset_id == asset_id) & (stopped_items.c.sha256 == sha256)
        self._db.execute(delete(stopped_items).where(mine))

    def stopped(self, asset_id: str) -> dict[str, StoppedItem]:
        rows = self._db.execute(select(stopped_items).where(stopped_items.c.asset_id == asset_id))
        return {
            row.sha256: StoppedItem(sha256=row.sha256, state=ItemState(row.state), notice_id=row.notice_id)
            for row in rows
        }

    def sum_stopped(self, version_id: str) -> tuple[int, int]:
        of_shard = exists().where(shards.c.version_id == items.c.version_id, shards.c.path == items.c.path)
        query = (
            select(func.count(), func.coalesce(func.sum(items.c.size), 0))
            .join_from(items, versions, versions.c.id == items.c.version_id)
            .join(
                stopped_items,
                and_(stopped_items.c.asset_id == versions.c.asset_id, stopped_items.c.sha256 == items.c.sha256),
            )
            .where(items.c.version_id == version_id, ~of_shard)
        )
        count, size = self._db.execute(query).one()
        return int(count), int(size)

    def items_of(self, notice_id: str) -> Sequence[tuple[str, str]]:
        query = select(stopped_items.c.asset_id, stopped_items.c.sha256).where(stopped_items.c.notice_id == notice_id)
        return [(row.asset_id, row.sha256) for row in self._db.execute(query.order_by(stopped_items.c.asset_id))]

    def in_use(self) -> frozenset[str]:
        of_versions = select(versions.c.notice_id).where(versions.c.notice_id.is_not(None))
        return frozenset(self._db.execute(select(stopped_items.c.notice_id).union(of_versions)).scalars())

    def propose(self, release: Release) -> None:
        row = {
            "id": release.id,
            "notice_id": release.notice_id,
            "subject": release.subject,
            "reason": release.reason.value,
            "proposed_by": release.proposed_by,
            "proposed_at": release.proposed_at,
            "confirmed_by": release.confirmed_by,
            "confirmed_at": release.confirmed_at,
        }
        self._db.execute(insert(releases), row)

    def release(self, release_id: str) -> Release | None:
        row = self._db.execute(select(releases).where(releases.c.id == release_id)).first()
        return None if row is None else _release(row)

    def proposals(self) -> Sequence[Release]:
        query = select(releases).join(notices, notices.c.id == releases.c.notice_id)
        query = query.where(releases.c.confirmed_at.is_(None), notices.c.lifted_at.is_(None))
        return [_release(row) for row in self._db.execute(query.order_by(releases.c.proposed_at))]

    def confirm(self, release_id: str, account_id: str, at: datetime) -> None:
        statement = update(releases).where(releases.c.id == release_id)
        self._db.execute(statement.values(confirmed_by=account_id, confirmed_at=at))
