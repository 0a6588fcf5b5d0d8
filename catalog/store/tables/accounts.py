"""Accounts, their tokens and their sessions. Secrets are kept as digests only."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.errors import Conflict
from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.vocabulary import Account, AccountState, Role, Scope, Session, Token

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_key", String, nullable=False, unique=True),  # the name in lower case: no two look alike
    Column("role", String, nullable=False),
    Column("state", String, nullable=False),
    Column("email", String),
    Column("phone", String),
    Column("password_hash", String),
    Column("created_at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("hint", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

PUBLIC = (
    accounts.c.id,
    accounts.c.name,
    accounts.c.role,
    accounts.c.state,
    accounts.c.email,
    accounts.c.phone,
    accounts.c.created_at,
)


def _key(name: str) -> str:
    """Two names of one key are one name: case and the way letters are composed do not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _account(row: AnyRow) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        state=AccountState(row.state),
        email=row.email,
        phone=row.phone,
        created_at=row.created_at,
    )


def _token(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        account_id=row.account_id,
        sha256=row.sha256,
        hint=row.hint,
        scopes=frozenset(Scope(word) for word in row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


class AccountRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def add(self, account: Account, password_hash: str | None) -> None:
        row = {
            "id": account.id,
            "name": account.name,
            "name_key": _key(account.name),
            "role": account.role.value,
            "state": account.state.value,
            "email": account.email,
            "phone": account.phone,
            "password_hash": password_hash,
            "created_at": account.created_at,
        }
        try:
            self._db.execute(insert(accounts), row)
        except IntegrityError as error:
            raise Conflict("name-taken", name=account.name) from error

    def get(self, account_id: str) -> Account | None:
        row = self._db.execute(select(*PUBLIC).where(accounts.c.id == account_id)).first()
        return None if row is None else _account(row)

    def named(self, name: str) -> Account | None:
        row = self._db.execute(select(*PUBLIC).where(accounts.c.name_key == _key(name))).first()
        return None if row is None else _account(row)

    def everyone(self) -> Sequence[Account]:
        return [_account(row) for row in self._db.execute(select(*PUBLIC).order_by(accounts.c.name_key))]

    def password_hash(self, account_id: str) -> str | None:
        return self._db.execute(select(accounts.c.password_hash).where(accounts.c.id == account_id)).scalar()

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        self._db.execute(update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash))

    def set_state(self, account_id: str, state: AccountState) -> None:
        self._db.execute(update(accounts).where(accounts.c.id == account_id).values(state=state.value))

    def add_token(self, token: Token) -> None:
        row = {
            "id": token.id,
            "account_id": token.account_id,
            "sha256": token.sha256,
            "hint": token.hint,
            "scopes": " ".join(sorted(token.scopes)),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        }
        self._db.execute(insert(tokens), row)

    def token(self, sha256: str) -> Token | None:
        row = self._db.execute(select(tokens).where(tokens.c.sha256 == sha256)).first()
        return None if row is None else _token(row)

    def token_stands(self, token_id: str) -> bool:
        """Whether there is such a token that was not revoked. Its last day is not looked at."""
        query = select(tokens.c.id).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        return self._db.execute(query).first() is not None

    def tokens(self, account_id: str) -> Sequence[Token]:
        query = select(tokens).where(tokens.c.account_id == account_id).order_by(tokens.c.created_at.desc())
        return [_token(row) for row in self._db.execute(query)]

    def revoke_token(self, token_id: str, at: datetime) -> None:
        self._db.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_at=at))

    def add_session(self, session: Session) -> None:
        row = {
            "sha256": session.sha256,
            "account_id": session.account_id,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
        }
        self._db.execute(insert(sessions), row)

    def session(self, sha256: str) -> Session | None:
        row = self._db.execute(select(sessions).where(sessions.c.sha256 == sha256)).first()
        if row is None:
            return None
        return Session(
            sha256=row.sha256, account_id=row.account_id, created_at=row.created_at, expires_at=row.expires_at
        )

    def end_session(self, sha256: str) -> None:
        self._db.execute(delete(sessions).where(sessions.c.sha256 == sha256))

    def end_sessions(self, account_id: str) -> None:
        self._db.execute(delete(sessions).where(sessions.c.account_id == account_id))
