"""Accounts: created, suspended, restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.actions.authority import authorise
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, account_subject
from catalog.policy import contact, names
from catalog.policy.recall import DONE
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Account, AccountState, Actor, ReleaseReason, Role, StopReason

MIN_PASSWORD = 8
ANSWERED = "rule:recall-answered"


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
    """Take an account's access away and cut what it is fetching; gives it with the event's position.

    Raises Denied, NotFound, Conflict.
    """
    return _suspend(tx, authorise(tx, actor, Act.SUSPEND), _named(tx, name), {"reason": reason.value}, now)


def suspend_until_answered(
    tx: Transaction, actor: Actor, name: str, notice_id: str, *, now: datetime
) -> tuple[Account, int]:
    """The same, until the account has answered that notice's recall: the answer itself gives access back."""
    operator = authorise(tx, actor, Act.SUSPEND)
    account = _named(tx, name)
    holder = tx.recalls.holder(notice_id, account.id)
    notice = tx.stops.notice(notice_id)
    if holder is None or notice is None:
        raise NotFound("no-such-holder", name=account.name, notice=notice_id)
    if holder.state in DONE:
        raise Conflict("holder-answered", name=account.name, notice=notice_id)
    if tx.recalls.of_notice(notice_id)[0].deadline_at is None:
        raise Conflict("recall-closed", notice=notice_id)
    tx.recalls.change(notice_id, account.id, suspended_at=now)
    return _suspend(tx, operator, account, {"reason": notice.reason.value, "notice": notice_id}, now)


def _suspend(
    tx: Transaction, operator: Account, account: Account, data: dict[str, object], now: datetime
) -> tuple[Account, int]:
    if account.id == operator.id:
        raise Conflict("not-oneself")
    if account.state is AccountState.SUSPENDED:
        raise Conflict("already-suspended", name=account.name)
    tx.accounts.set_state(account.id, AccountState.SUSPENDED)
    tx.accounts.end_sessions(account.id)
    subject = account_subject(account.id)
    happened = Happened(kind=EventKind.ACCOUNT_SUSPENDED, subject=subject, data=data, cuts=frozenset({subject}))
    position = tx.append(happened, actor=operator.id, at=now)
    return replace(account, state=AccountState.SUSPENDED), position


def restore(tx: Transaction, actor: Actor, name: str, reason: str, *, now: datetime) -> Account:
    operator = authorise(tx, actor, Act.SUSPEND)
    account = _named(tx, name)
    if account.state is AccountState.ACTIVE:
        raise Conflict("not-suspended", name=account.name)
    _restore(tx, account, reason, actor=operator.id, now=now)
    return replace(account, state=AccountState.ACTIVE)


def restore_after_answer(tx: Transaction, account_id: str, *, now: datetime) -> None:
    """Give access back to an account that was suspended until it answered, once nothing of that is left unanswered."""
    account = tx.accounts.get(account_id)
    until = [holder for holder in tx.recalls.of_account(account_id) if holder.suspended_at is not None]
    answered = bool(until) and all(holder.state in DONE for holder in until)
    if answered and account is not None and account.state is AccountState.SUSPENDED:
        _restore(tx, account, ReleaseReason.RESOLVED.value, actor=ANSWERED, now=now)


def _restore(tx: Transaction, account: Account, reason: str, *, actor: str, now: datetime) -> None:
    tx.accounts.set_state(account.id, AccountState.ACTIVE)
    for holder in tx.recalls.of_account(account.id):
        if holder.suspended_at is not None:
            tx.recalls.change(holder.notice_id, account.id, suspended_at=None)
    data: dict[str, object] = {"reason": reason}
    happened = Happened(kind=EventKind.ACCOUNT_RESTORED, subject=account_subject(account.id), data=data)
    tx.append(happened, actor=actor, at=now)


def _named(tx: Transaction, name: str) -> Account:
    account = tx.accounts.named(name)
    if account is None:
        raise NotFound("no-such-account", name=name)
    return account
