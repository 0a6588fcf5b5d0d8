"""The delivery ledger: a row before the first byte, what was acknowledged after the last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from catalog.policy.recall import EMPTY_ARCHIVE
from catalog.recalls import ArchiveFetch, Fetched, FetchRecord
from catalog.store.tables.assets import assets
from catalog.store.tables.base import AnyRow, Bulk, Instant, Link, batches, metadata, stamp
from catalog.vocabulary import Delivery, DeliveryEnd, Settlement

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False),
    Column("token_id", String),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False),
    Column("version_id", String, nullable=False),
    Column("path", String),
    Column("include", String),
    Column("start", BigInteger, nullable=False),
    Column("stop", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("acknowledged", BigInteger),
    Column("end", String),
    Column("ended_at", Instant),
    Column("continues", String),
    Index("ix_deliveries_account_id_started_at", "account_id", "started_at"),
    # Who has a version, or an item of it: found by stepping from account to account, however often each has fetched.
    Index("ix_deliveries_version_id_account_id_path", "version_id", "account_id", "path"),
)

ADD = Bulk(
    insert(deliveries),
    (
        "id", "account_id", "token_id", "asset_id", "version_id", "path", "include", "start", "stop", "as_of",
        "started_at", "continues",
    ),
)  # fmt: skip
SETTLE = Bulk(
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(acknowledged=bindparam("bytes"), end=bindparam("how"), ended_at=bindparam("at")),
    ("delivery", "bytes", "how", "at"),
)


def _accounts_of(version_id: str) -> CTE:
    """Each account that fetched of the version, once; the last row is empty. A step is one look into the index."""
    step = deliveries.alias()
    of_version = select(func.min(deliveries.c.account_id).label("account_id"))
    found = of_version.where(deliveries.c.version_id == version_id).cte("found", recursive=True)
    beyond = and_(step.c.version_id == version_id, step.c.account_id > found.c.account_id)
    following = select(func.min(step.c.account_id)).where(beyond).scalar_subquery()
    return found.union_all(select(following).where(found.c.account_id.is_not(None)))


def _delivery(row: AnyRow) -> Delivery:
    return Delivery(
        id=row.id,
        account_id=row.account_id,
        token_id=row.token_id,
        asset_id=row.asset_id,
        version_id=row.version_id,
        path=row.path,
        include=row.include,
        start=row.start,
        stop=row.stop,
        as_of=row.as_of,
        started_at=row.started_at,
        continues=row.continues,
    )


LENGTH = deliveries.c.stop - deliveries.c.start
SOMETHING = or_(deliveries.c.path.is_not(None), LENGTH > EMPTY_ARCHIVE)

# How a server's death ended a delivery is not known: then all of it counts.
GOT = func.coalesce(deliveries.c.acknowledged, LENGTH)
TALLY = (
    # However many ranges a fetch took, one delivery began it.
    func.sum(case((deliveries.c.continues.is_(None), 1), else_=0)).label("fetches"),
    func.sum(GOT).label("bytes"),
    func.min(deliveries.c.started_at).label("first_at"),
    func.max(deliveries.c.started_at).label("last_at"),
)


def _fetched(row: AnyRow, account_id: str, version_id: str) -> Fetched:
    return Fetched(
        account_id=account_id,
        version_id=version_id,
        fetches=int(row.fetches),
        bytes=int(row.bytes),
        first_at=row.first_at,
        last_at=row.last_at,
    )


def _end(fetch: AnyRow) -> DeliveryEnd | None:
    """How a fetch ended. A client that asks for parts at once breaks some of them off when it has all."""
    if fetch.settled < fetch.parts:
        return None
    last = DeliveryEnd(fetch.end)
    whole = int(fetch.got) >= fetch.last_byte - fetch.first_byte
    return DeliveryEnd.COMPLETE if last is DeliveryEnd.GONE and whole else last


class DeliveryRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def add(self, new: Sequence[Delivery]) -> None:
        rows = [
            {
                "id": d.id,
                "account_id": d.account_id,
                "token_id": d.token_id,
                "asset_id": d.asset_id,
                "version_id": d.version_id,
                "path": d.path,
                "include": d.include,
                "start": d.start,
                "stop": d.stop,
                "as_of": d.as_of,
                "started_at": stamp(d.started_at),
                "continues": d.continues,
            }
            for d in new
        ]
        ADD.run(self._db, rows)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        rows = [
            {"delivery": s.delivery_id, "bytes": s.acknowledged, "how": s.end.value, "at": stamp(s.ended_at)}
            for s in settlements
        ]
        SETTLE.run(self._db, rows)

    def of_account(self, account_id: str, limit: int) -> Sequence[FetchRecord]:
        began = func.coalesce(deliveries.c.continues, deliveries.c.id)
        fetches = (
            select(
                # Ids are in order of time.
                func.max(deliveries.c.id).label("last_id"),
                func.min(deliveries.c.start).label("first_byte"),
                func.max(deliveries.c.stop).label("last_byte"),
                func.min(deliveries.c.started_at).label("begun_at"),
                func.count().label("parts"),
                func.count(deliveries.c.end).label("settled"),
                func.coalesce(func.sum(deliveries.c.acknowledged), 0).label("got"),
            )
            .where(deliveries.c.account_id == account_id)
            .group_by(began)
            .order_by(literal_column("last_id").desc())
            .limit(limit)
            .subquery()
        )
        query = (
            select(deliveries, fetches, (assets.c.ns + "/" + assets.c.name).label("full_name"))
            .join_from(fetches, deliveries, deliveries.c.id == fetches.c.last_id)
            .join(assets, assets.c.id == deliveries.c.asset_id)
            .order_by(deliveries.c.id.desc())
        )
        return [
            FetchRecord(
                asset=row.full_name,
                version_id=row.version_id,
                path=row.path,
                include=row.include,
                start=row.first_byte,
                stop=row.last_byte,
                started_at=row.begun_at,
                parts=row.parts,
                bytes=int(row.got),
                end=_end(row),
            )
            for row in self._db.execute(query)
        ]

    def began(self, account_id: str, version_id: str, path: str, since: datetime) -> str | None:
        of_item = and_(
            deliveries.c.version_id == version_id, deliveries.c.account_id == account_id, deliveries.c.path == path
        )
        lately = or_(deliveries.c.started_at >= since, deliveries.c.ended_at >= since)
        query = select(func.coalesce(deliveries.c.continues, deliveries.c.id)).where(of_item, lately)
        return self._db.execute(query.order_by(deliveries.c.id.desc()).limit(1)).scalar_one_or_none()

    def held(self, account_id: str) -> Sequence[Fetched]:
        query = select(deliveries.c.version_id, *TALLY).where(deliveries.c.account_id == account_id, SOMETHING)
        rows = self._db.execute(query.group_by(deliveries.c.version_id).order_by(literal_column("last_at").desc()))
        return [_fetched(row, account_id, row.version_id) for row in rows]

    def of_versions(self, account_id: str, versions: Collection[str]) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for some in batches(sorted(versions)):
            query = select(deliveries).where(deliveries.c.version_id.in_(some), deliveries.c.account_id == account_id)
            found += [_delivery(row) for row in self._db.execute(query)]
        return found

    def accounts(self, version_id: str, paths: Collection[str] | None) -> Sequence[str]:
        found = _accounts_of(version_id)
        of_account = and_(deliveries.c.version_id == version_id, deliveries.c.account_id == found.c.account_id)
        carried = SOMETHING if paths is None else deliveries.c.path.in_(sorted(paths))
        query = select(found.c.account_id).where(found.c.account_id.is_not(None))
        return list(self._db.execute(query.where(exists().where(of_account, carried))).scalars())

    def archives(self, version_id: str) -> Sequence[ArchiveFetch]:
        found = _accounts_of(version_id)
        of_account = and_(deliveries.c.version_id == version_id, deliveries.c.account_id == found.c.account_id)
        columns = (deliveries.c.account_id, deliveries.c.include, deliveries.c.as_of, LENGTH.label("size"))
        query = select(*columns).join_from(found, deliveries, of_account).where(deliveries.c.path.is_(None))
        return [
            ArchiveFetch(
                account_id=row.account_id, version_id=version_id, include=row.include, as_of=row.as_of, size=row.size
            )
            for row in self._db.execute(query)
        ]

    def tally(
        self,
        version_id: str,
        paths: Collection[str] | None,
        includes: Collection[str | None],
        accounts: Collection[str] | None = None,
    ) -> Sequence[Fetched]:
        carried = SOMETHING
        if paths is not None:
            chosen = deliveries.c.include.in_(sorted(include for include in includes if include is not None))
            whole = deliveries.c.include.is_(None) if None in includes else chosen
            archive = and_(deliveries.c.path.is_(None), or_(chosen, whole))
            carried = or_(deliveries.c.path.in_(sorted(paths)), archive)
        query = select(deliveries.c.account_id, *TALLY).where(deliveries.c.version_id == version_id, carried)
        if accounts is not None:
            query = query.where(deliveries.c.account_id.in_(sorted(accounts)))
        rows = self._db.execute(query.group_by(deliveries.c.account_id).order_by(deliveries.c.account_id))
        return [_fetched(row, row.account_id, version_id) for row in rows]

    def count(self) -> int:
        return int(self._db.execute(select(func.count()).select_from(deliveries)).scalar_one())
