"""Accounts: created, suspended, restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.actions.authority import authorise
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, account_subject
from catalog.policy import contact, names
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Account, AccountState, Actor, Role, StopReason

MIN_PASSWORD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """`password_hash` is made by the caller, who has the time and the memory for it."""

    name: str
    email: str | None
    phone: str | None
    role: Role
    password_hash: str | None


def check_password(password: str) -> str:
    """Raises Invalid."""
    if len(password) < MIN_PASSWORD or not names.is_text(password):
        raise Invalid({"password": Flaw(Wrong.AT_LEAST, least=MIN_PASSWORD)})
    return password


def create(tx: Transaction, new: NewAccount, *, actor: str, now: datetime, new_id: NewId) -> Account:
    """Open an account. Raises Invalid, naming each wrong field, and Conflict("name-taken")."""
    wrong: dict[str, Flaw] = {}

    def read(reader: Callable[[str], str], value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return reader(value)
        except Invalid as error:
            wrong.update(error.fields)
            return None

    name = read(names.account_name, new.name)
    email = read(contact.email, new.email)
    phone = read(contact.phone, new.phone)
    if wrong or name is None:
        raise Invalid(wrong)
    account = Account(
        id=f"a{new_id(16)}",
        name=name,
        role=new.role,
        state=AccountState.ACTIVE,
        email=email,
        phone=phone,
        created_at=now,
    )
    tx.accounts.add(account, new.password_hash)
    data: dict[str, object] = {"role": new.role.value}
    happened = Happened(kind=EventKind.ACCOUNT_CREATED, subject=account_subject(account.id), data=data)
    tx.append(happened, actor=actor or account.id, at=now)
    return account


def suspend(tx: Transaction, actor: Actor, name: str, reason: StopReason, *, now: datetime) -> tuple[Account, int]:
    """Take an account's access away and cut what it is fetching; gives it with the event's position."""
    operator = authorise(tx, actor, Act.SUSPEND)
    account = _named(tx, name)
    if account.id == operator.id:
        raise Conflict("not-oneself")
    if account.state is AccountState.SUSPENDED:
        raise Conflict("already-suspended", name=account.name)
    tx.accounts.set_state(account.id, AccountState.SUSPENDED)
    tx.accounts.end_sessions(account.id)
    subject = account_subject(account.id)
    data: dict[str, object] = {"reason": reason.value}
    happened = Happened(kind=EventKind.ACCOUNT_SUSPENDED, subject=subject, data=data, cuts=frozenset({subject}))
    position = tx.append(happened, actor=operator.id, at=now)
    return replace(account, state=AccountState.SUSPENDED), position


def restore(tx: Transaction, actor: Actor, name: str, reason: str, *, now: datetime) -> Account:
    operator = authorise(tx, actor, Act.SUSPEND)
    account = _named(tx, name)
    if account.state is AccountState.ACTIVE:
        raise Conflict("not-suspended", name=account.name)
    tx.accounts.set_state(account.id, AccountState.ACTIVE)
    data: dict[str, object] = {"reason": reason}
    happened = Happened(kind=EventKind.ACCOUNT_RESTORED, subject=account_subject(account.id), data=data)
    tx.append(happened, actor=operator.id, at=now)
    return replace(account, state=AccountState.ACTIVE)


def _named(tx: Transaction, name: str) -> Account:
    account = tx.accounts.named(name)
    if account is None:
        raise NotFound("no-such-account", name=name)
    return account
