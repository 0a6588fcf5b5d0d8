"""Programs that asked to be signed in, until they are, and how they stay so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, delete, insert, or_, select, update

from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.vocabulary import Login, LoginState, Scope

logins = Table(
    "logins",
    metadata,
    Column("id", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("program", String, nullable=False),
    Column("device_sha256", String, nullable=False, unique=True),
    Column("user_code", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("account_id", String, ForeignKey("accounts.id")),
    Column("scopes", String, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    Column("renewal_sha256", String, unique=True),
    Column("spent_sha256", String, index=True),
    Column("token_id", String),
)


def _login(row: AnyRow) -> Login:
    return Login(
        id=row.id,
        client_id=row.client_id,
        program=row.program,
        device_sha256=row.device_sha256,
        user_code=row.user_code,
        state=LoginState(row.state),
        account_id=row.account_id,
        scopes=frozenset(Scope(word) for word in row.scopes.split()),
        asked_at=row.asked_at,
        until=row.until,
        renewal_sha256=row.renewal_sha256,
        spent_sha256=row.spent_sha256,
        token_id=row.token_id,
    )


def _row(login: Login) -> dict[str, object]:
    return {
        "id": login.id,
        "client_id": login.client_id,
        "program": login.program,
        "device_sha256": login.device_sha256,
        "user_code": login.user_code,
        "state": login.state.value,
        "account_id": login.account_id,
        "scopes": " ".join(sorted(login.scopes)),
        "asked_at": login.asked_at,
        "until": login.until,
        "renewal_sha256": login.renewal_sha256,
        "spent_sha256": login.spent_sha256,
        "token_id": login.token_id,
    }


class LoginRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def add(self, login: Login) -> None:
        self._db.execute(insert(logins), _row(login))

    def update(self, login: Login) -> None:
        self._db.execute(update(logins).where(logins.c.id == login.id), _row(login))

    def by_device(self, sha256: str) -> Login | None:
        row = self._db.execute(select(logins).where(logins.c.device_sha256 == sha256)).first()
        return None if row is None else _login(row)

    def by_code(self, user_code: str) -> Login | None:
        row = self._db.execute(select(logins).where(logins.c.user_code == user_code)).first()
        return None if row is None else _login(row)

    def by_renewal(self, sha256: str) -> Login | None:
        known = or_(logins.c.renewal_sha256 == sha256, logins.c.spent_sha256 == sha256)
        row = self._db.execute(select(logins).where(known)).first()
        return None if row is None else _login(row)

    def purge(self, before: datetime) -> None:
        self._db.execute(delete(logins).where(logins.c.until < before))
