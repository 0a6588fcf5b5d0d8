"""Homes of the SDK, the keys their receipts are signed with, and the tokens they fetch with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, insert, select, update

from catalog.recalls import Install
from catalog.store.tables.base import AnyRow, Instant, Link, metadata

installs = Table(
    "installs",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("public_key", String, nullable=False),  # hex
    Column("name", String, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

install_tokens = Table(
    "install_tokens",
    metadata,
    Column("token_id", String, ForeignKey("tokens.id"), primary_key=True),
    Column("install_id", String, ForeignKey("installs.id"), primary_key=True),
)


def _install(row: AnyRow) -> Install:
    return Install(
        id=row.id,
        account_id=row.account_id,
        public_key=bytes.fromhex(row.public_key),
        name=row.name,
        registered_at=row.registered_at,
        retired_at=row.retired_at,
    )


class InstallRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def add(self, install: Install) -> None:
        row = {
            "id": install.id,
            "account_id": install.account_id,
            "public_key": install.public_key.hex(),
            "name": install.name,
            "registered_at": install.registered_at,
            "retired_at": install.retired_at,
        }
        self._db.execute(insert(installs), row)

    def get(self, install_id: str) -> Install | None:
        row = self._db.execute(select(installs).where(installs.c.id == install_id)).first()
        return None if row is None else _install(row)

    def of_account(self, account_id: str) -> Sequence[Install]:
        query = select(installs).where(installs.c.account_id == account_id)
        return [_install(row) for row in self._db.execute(query.order_by(installs.c.registered_at, installs.c.id))]

    def rename(self, install_id: str, name: str) -> None:
        self._db.execute(update(installs).where(installs.c.id == install_id).values(name=name))

    def set_retired(self, install_id: str, at: datetime | None) -> None:
        self._db.execute(update(installs).where(installs.c.id == install_id).values(retired_at=at))

    def use(self, install_id: str, token_id: str) -> None:
        row = {"install_id": install_id, "token_id": token_id}
        self._db.execute(self._insert(install_tokens).on_conflict_do_nothing(), row)

    def tokens(self, account_id: str) -> Sequence[tuple[str, str]]:
        query = (
            select(install_tokens.c.install_id, install_tokens.c.token_id)
            .join(installs, installs.c.id == install_tokens.c.install_id)
            .where(installs.c.account_id == account_id)
        )
        return [(row.install_id, row.token_id) for row in self._db.execute(query)]
