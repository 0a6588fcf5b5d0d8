"""The delivery ledger: a row before the first byte, what was acknowledged after the last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, bindparam, func, insert, select, update

from catalog.store.tables.assets import assets
from catalog.store.tables.base import Bulk, Instant, Link, metadata, stamp
from catalog.vocabulary import Delivery, DeliveryEnd, Settlement

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False),
    Column("token_id", String),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False, index=True),
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
    Index("ix_deliveries_account_id_started_at", "account_id", "started_at"),
)

ADD = Bulk(
    insert(deliveries),
    (
        "id", "account_id", "token_id", "asset_id", "version_id", "path", "include", "start", "stop", "as_of",
        "started_at",
    ),
)  # fmt: skip
SETTLE = Bulk(
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(acknowledged=bindparam("bytes"), end=bindparam("how"), ended_at=bindparam("at")),
    ("delivery", "bytes", "how", "at"),
)


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

    def of_account(self, account_id: str, limit: int) -> Sequence[tuple[Delivery, Settlement | None, str]]:
        query = (
            select(deliveries, (assets.c.ns + "/" + assets.c.name).label("full_name"))
            .join(assets, assets.c.id == deliveries.c.asset_id)
            .where(deliveries.c.account_id == account_id)
            .order_by(deliveries.c.started_at.desc())
            .limit(limit)
        )
        found = []
        for row in self._db.execute(query):
            delivery = Delivery(
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
            )
            settlement = None
            if row.end is not None:
                end = DeliveryEnd(row.end)
                settlement = Settlement(
                    delivery_id=row.id, acknowledged=row.acknowledged, end=end, ended_at=row.ended_at
                )
            found.append((delivery, settlement, row.full_name))
        return found

    def count(self) -> int:
        return int(self._db.execute(select(func.count()).select_from(deliveries)).scalar_one())
