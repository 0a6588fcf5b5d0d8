"""Operators' words on who may have an asset."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, String, Table, Text, select

from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.vocabulary import Approval, Grant

grants = Table(
    "grants",
    metadata,
    Column("asset_id", String, ForeignKey("assets.id"), primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), primary_key=True),
    Column("approval", String, nullable=False),
    Column("reason", Text),
    Column("decided_by", String, nullable=False),
    Column("decided_at", Instant, nullable=False),
)


def _grant(row: AnyRow) -> Grant:
    return Grant(
        asset_id=row.asset_id,
        account_id=row.account_id,
        approval=Approval(row.approval),
        reason=row.reason,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


class GrantRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def get(self, asset_id: str, account_id: str) -> Grant | None:
        query = select(grants).where(grants.c.asset_id == asset_id, grants.c.account_id == account_id)
        row = self._db.execute(query).first()
        return None if row is None else _grant(row)

    def put(self, grant: Grant) -> None:
        row = {
            "asset_id": grant.asset_id,
            "account_id": grant.account_id,
            "approval": grant.approval.value,
            "reason": grant.reason,
            "decided_by": grant.decided_by,
            "decided_at": grant.decided_at,
        }
        statement = self._insert(grants)
        written = {c.name: statement.excluded[c.name] for c in grants.c if not c.primary_key}
        keys = ["asset_id", "account_id"]
        self._db.execute(statement.on_conflict_do_update(index_elements=keys, set_=written), row)

    def of_asset(self, asset_id: str) -> Sequence[Grant]:
        query = select(grants).where(grants.c.asset_id == asset_id).order_by(grants.c.decided_at.desc())
        return [_grant(row) for row in self._db.execute(query)]
