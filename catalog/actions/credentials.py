"""Tokens and browser sessions: made of random bits, kept as digests, ended at once."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from collections.abc import Collection
from datetime import datetime, timedelta

from catalog.errors import Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, token_subject
from catalog.policy.roles import SCOPES
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Account, Actor, Scope, Session, Token

PREFIX = "hbg_"
RANDOM_BYTES = 20  # 160 bits
TOKEN_DAYS = 90
MAX_TOKEN_DAYS = 366
SESSION_LIFE = timedelta(hours=12)
CHECK_CHARACTERS = 6


def _checksum(body: str) -> str:
    """So that a mistyped or invented token is known as such without asking the database."""
    digest = zlib.crc32(body.encode()).to_bytes(4, "big")
    return base64.b32encode(digest).decode().lower()[:CHECK_CHARACTERS]


def new_secret() -> str:
    body = base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()
    return f"{PREFIX}{body}{_checksum(body)}"


def well_formed(secret: str) -> bool:
    body, check = secret[len(PREFIX) : -CHECK_CHARACTERS], secret[-CHECK_CHARACTERS:]
    return secret.startswith(PREFIX) and secret.isascii() and check == _checksum(body)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(
    tx: Transaction,
    account: Account,
    *,
    scopes: Collection[Scope] | None,
    days: int = TOKEN_DAYS,
    now: datetime,
    new_id: NewId,
) -> tuple[str, Token]:
    """A token and its secret, which is shown this once. Raises Invalid."""
    wanted = SCOPES[account.role] if scopes is None else frozenset(scopes)
    if not wanted or not wanted <= SCOPES[account.role]:
        allowed = ", ".join(sorted(SCOPES[account.role]))
        raise Invalid({"scopes": Flaw(Wrong.SCOPES, role=account.role, allowed=allowed)})
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Invalid({"days": Flaw(Wrong.BETWEEN, least=1, most=MAX_TOKEN_DAYS)})
    secret = new_secret()
    token = Token(
        id=new_id(16),
        account_id=account.id,
        sha256=digest(secret),
        hint=secret[: len(PREFIX) + 4],
        scopes=wanted,
        created_at=now,
        expires_at=now + timedelta(days=days),
        revoked_at=None,
    )
    tx.accounts.add_token(token)
    data: dict[str, object] = {"account": account.id, "scopes": sorted(wanted)}
    tx.append(
        Happened(kind=EventKind.TOKEN_CREATED, subject=token_subject(token.id), data=data), actor=account.id, at=now
    )
    return secret, token


def revoke_token(tx: Transaction, account: Account, token_id: str, *, now: datetime) -> int:
    """End a token of the account's own and cut what it is fetching; gives the position. Raises NotFound."""
    if token_id not in {token.id for token in tx.accounts.tokens(account.id) if token.revoked_at is None}:
        raise NotFound()
    tx.accounts.revoke_token(token_id, now)
    subject = token_subject(token_id)
    happened = Happened(kind=EventKind.TOKEN_REVOKED, subject=subject, cuts=frozenset({subject}))
    return tx.append(happened, actor=account.id, at=now)


def by_token(tx: Transaction, secret: str, *, now: datetime) -> tuple[Actor, datetime] | None:
    """Who holds this token and until when, or None when it is unknown, revoked or out of date."""
    if not well_formed(secret):
        return None
    token = tx.accounts.token(digest(secret))
    if token is None or token.revoked_at is not None or token.expires_at <= now:
        return None
    account = tx.accounts.get(token.account_id)
    if account is None:
        return None
    return Actor(account=account, scopes=token.scopes & SCOPES[account.role], token_id=token.id), token.expires_at


def open_session(tx: Transaction, account: Account, *, now: datetime) -> str:
    """The random id for the browser's cookie."""
    secret = secrets.token_urlsafe(32)
    tx.accounts.add_session(
        Session(sha256=digest(secret), account_id=account.id, created_at=now, expires_at=now + SESSION_LIFE)
    )
    return secret


def by_session(tx: Transaction, secret: str, *, now: datetime) -> Actor | None:
    session = tx.accounts.session(digest(secret))
    if session is None or session.expires_at <= now:
        return None
    account = tx.accounts.get(session.account_id)
    return None if account is None else Actor(account=account, scopes=SCOPES[account.role])


def close_session(tx: Transaction, secret: str) -> None:
    tx.accounts.end_session(digest(secret))
