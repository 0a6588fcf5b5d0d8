"""Signing a program in without giving it a password (RFC 8628): it asks, a person allows, it fetches its tokens.

What it gets is a token for a few days, and a second secret to renew it with. That secret is spent by each use; one
that is shown twice was copied by someone, and ends the login with its token (RFC 9700 §4.14).
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from catalog.actions import credentials
from catalog.errors import Denied, Flaw, Invalid, NotFound, Wrong
from catalog.policy.access import requires
from catalog.policy.roles import SCOPES
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Account, AccountState, Actor, Login, LoginState, Role, Scope

ASKED_FOR = timedelta(minutes=15)
TOKEN_DAYS = 7
RENEWED_FOR = timedelta(days=90)
KEPT_FOR = timedelta(days=1)  # what came to nothing
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so that no code is a word; RFC 8628 §6.1
CODE_LENGTH = 8
MAX_CLIENT = 200
MAX_PROGRAM = 80


class Refused(StrEnum):
    """Why no token is given, in the words of RFC 8628 and RFC 6749."""

    PENDING = "authorization_pending"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    INVALID = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    token: str
    expires_in: int  # seconds
    renewal: str
    scopes: frozenset[Scope]


def ask(tx: Transaction, client_id: str, program: str, *, now: datetime, new_id: NewId) -> tuple[str, Login]:
    """A program asks to be signed in: its secret, and what the person will see of it. Raises Invalid."""
    if not client_id or len(client_id) > MAX_CLIENT or not client_id.isprintable():
        raise Invalid({"client_id": Flaw(Wrong.CHARACTERS, least=1, most=MAX_CLIENT)})
    tx.logins.purge(now - KEPT_FOR)
    secret = secrets.token_urlsafe(32)
    login = Login(
        id=new_id(16),
        client_id=client_id,
        program=plain(program)[:MAX_PROGRAM],
        device_sha256=credentials.digest(secret),
        user_code=_unused_code(tx),
        state=LoginState.ASKED,
        account_id=None,
        scopes=frozenset(),
        asked_at=now,
        until=now + ASKED_FOR,
        renewal_sha256=None,
        spent_sha256=None,
        token_id=None,
    )
    tx.logins.add(login)
    return secret, login


def waiting(tx: Transaction, code: str, *, now: datetime) -> Login | None:
    """The login that waits for a person's answer, by the code that its program shows; case and dashes do not count."""
    login = tx.logins.by_code(normal(code))
    return login if login is not None and login.state is LoginState.ASKED and now < login.until else None


def answer(tx: Transaction, actor: Actor, code: str, *, allow: bool, scopes: Collection[Scope], now: datetime) -> Login:
    """The person's word. Raises NotFound when nothing waits under that code, Denied, Invalid."""
    account = None if actor.account is None else tx.accounts.get(actor.account.id)
    decision = requires(replace(actor, account=account), frozenset(Role), Scope.READ, tx.ledger.position())
    if account is None or not decision.allowed:
        raise Denied(decision, scope=Scope.READ.value)
    login = waiting(tx, code, now=now)
    if login is None:
        raise NotFound("no-such-login")
    if allow and not (scopes and frozenset(scopes) <= actor.scopes):
        raise Invalid({"scopes": Flaw(Wrong.SCOPES, role=account.role, allowed=", ".join(sorted(actor.scopes)))})
    state = LoginState.ALLOWED if allow else LoginState.REFUSED
    answered = replace(login, state=state, account_id=account.id, scopes=frozenset(scopes) if allow else frozenset())
    tx.logins.update(answered)
    return answered


def standing(tx: Transaction, secret: str, client_id: str, *, now: datetime) -> LoginState | Refused:
    """How a program's request stands; only ALLOWED is worth a `redeem`."""
    login = tx.logins.by_device(credentials.digest(secret))
    if login is None or login.client_id != client_id:
        return Refused.INVALID
    if login.state is LoginState.REFUSED:
        return Refused.DENIED
    if login.state not in {LoginState.ASKED, LoginState.ALLOWED}:
        return Refused.INVALID  # a device's secret is good for one login
    if now >= login.until:
        return Refused.EXPIRED
    return Refused.PENDING if login.state is LoginState.ASKED else LoginState.ALLOWED


def redeem(tx: Transaction, secret: str, client_id: str, *, now: datetime, new_id: NewId) -> Granted | Refused:
    """The tokens of a login that was allowed, once."""
    found = standing(tx, secret, client_id, now=now)
    login = tx.logins.by_device(credentials.digest(secret))
    if isinstance(found, Refused) or login is None:
        return found if isinstance(found, Refused) else Refused.INVALID
    return _grant(tx, login, now, new_id)


def renew(tx: Transaction, renewal: str, client_id: str, *, now: datetime, new_id: NewId) -> Granted | Refused:
    """New tokens for the old renewal secret. One that was spent ends the login, whoever showed it."""
    sha256 = credentials.digest(renewal)
    login = tx.logins.by_renewal(sha256)
    if login is None or login.client_id != client_id or login.state is not LoginState.OPEN:
        return Refused.INVALID
    account = _owner(tx, login)
    alive = {token.id for token in tx.accounts.tokens(account.id) if token.revoked_at is None} if account else set()
    if account is None or now >= login.until or login.token_id not in alive:
        tx.logins.update(replace(login, state=LoginState.ENDED))
        return Refused.INVALID  # the person revoked the token, or has been away too long
    if sha256 != login.renewal_sha256:
        credentials.revoke_token(tx, account, str(login.token_id), now=now)
        tx.logins.update(replace(login, state=LoginState.ENDED))
        return Refused.INVALID
    if account.state is not AccountState.ACTIVE:
        return Refused.INVALID
    return _grant(tx, login, now, new_id)


def normal(code: str) -> str:
    """What a person typed as a code is kept: capitals, without dashes and spaces."""
    return "".join(character for character in code.upper()[:64] if character.isalnum())


def shown(code: str) -> str:
    """As people read it: XXXX-XXXX."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def plain(text: str) -> str:
    """A program's own name for itself, without what could mislead on a page."""
    return "".join(
        character for character in text if unicodedata.category(character)[0] not in {"C", "Z"} or character == " "
    )


def _grant(tx: Transaction, login: Login, now: datetime, new_id: NewId) -> Granted | Refused:
    account = _owner(tx, login)
    if account is None or account.state is not AccountState.ACTIVE:
        return Refused.INVALID
    scopes = login.scopes & SCOPES[account.role]
    secret, token = credentials.create_token(tx, account, scopes=scopes, days=TOKEN_DAYS, now=now, new_id=new_id)
    renewal = secrets.token_urlsafe(32)
    opened = replace(
        login,
        state=LoginState.OPEN,
        until=now + RENEWED_FOR,
        renewal_sha256=credentials.digest(renewal),
        spent_sha256=login.renewal_sha256,
        token_id=token.id,
    )
    tx.logins.update(opened)
    left = int((token.expires_at - now).total_seconds())
    return Granted(token=secret, expires_in=left, renewal=renewal, scopes=scopes)


def _owner(tx: Transaction, login: Login) -> Account | None:
    return None if login.account_id is None else tx.accounts.get(login.account_id)


def _unused_code(tx: Transaction) -> str:
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        if tx.logins.by_code(code) is None:
            return code
