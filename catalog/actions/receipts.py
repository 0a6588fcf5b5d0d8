"""What holders answer: by an install that signs, or by hand on the account page. A claim is kept as a claim."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import rfc8785

from catalog.actions import accounts, recall
from catalog.errors import Conflict, Denied, Flaw, Invalid, NotFound, TooMany, Wrong
from catalog.events import EventKind, Happened, holder_subject
from catalog.policy import names
from catalog.policy import recall as rules
from catalog.ports import NewId, Transaction
from catalog.recalls import (
    CopiesOutside,
    Holder,
    HolderState,
    Install,
    Outcome,
    Recall,
    RecallAction,
    Receipt,
)
from catalog.vocabulary import Account, Actor, Decision, Reason

MAX_NAME = 80
MAX_NOTE = 2000
AWAY = "other-programs"  # in place of an install's name: copies that no SDK of ours has fetched
BY_HAND = (Outcome.DELETED, Outcome.ABSENT, Outcome.KEPT_BY_LAW)


def register(
    tx: Transaction, actor: Actor, public_key: bytes, install_id: str, name: str, *, now: datetime
) -> tuple[Install, bool]:
    """Know an install, or know it again; True when it is new. The caller has seen that its key signed the request.

    Raises Invalid, TooMany, and Conflict("install-taken") when the key is another account's.
    """
    account = _account(actor)
    name = name.strip()
    if not name or len(name) > MAX_NAME or not names.is_text(name) or not name.isprintable():
        raise Invalid({"name": Flaw(Wrong.CHARACTERS, least=1, most=MAX_NAME)})
    install = tx.installs.get(install_id)
    if install is not None and install.account_id != account.id:
        raise Conflict("install-taken")
    alive = [other for other in tx.installs.of_account(account.id) if other.retired_at is None]
    new = install is None
    if install is None or install.retired_at is not None:
        if len(alive) >= rules.MAX_INSTALLS:
            raise TooMany("too-many-installs", most=str(rules.MAX_INSTALLS))
        if install is None:
            tx.installs.add(
                Install(
                    id=install_id, account_id=account.id, public_key=public_key, name=name,
                    registered_at=now, retired_at=None,
                )
            )  # fmt: skip
        else:
            tx.installs.set_retired(install_id, None)
        happened = Happened(kind=EventKind.INSTALL_REGISTERED, subject=f"install:{install_id}")
        tx.append(happened, actor=account.id, at=now)
    if install is not None and install.name != name:
        tx.installs.rename(install_id, name)
    if actor.token_id is not None:
        tx.installs.use(install_id, actor.token_id)
    known = tx.installs.get(install_id)
    if known is None:
        raise NotFound()
    return known, new


def retire(tx: Transaction, account: Account, install_id: str, *, now: datetime) -> None:
    """The machine is gone, its owner says: its key signs nothing more, and nobody waits for it. Raises NotFound."""
    install = tx.installs.get(install_id)
    if install is None or install.account_id != account.id or install.retired_at is not None:
        raise NotFound()
    tx.installs.set_retired(install_id, now)
    tx.append(Happened(kind=EventKind.INSTALL_RETIRED, subject=f"install:{install_id}"), actor=account.id, at=now)
    for holder in tx.recalls.of_account(account.id):
        if holder.answered_at is not None and holder.excused_by is None:
            _settle(tx, _purge(tx, holder.notice_id), holder, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What an account was sent after a number, in order; `more`: there is more beyond the last of them."""

    recalls: Sequence[Recall]
    more: bool


def feed(tx: Transaction, account: Account, after: int, limit: int) -> Feed:
    found = tx.recalls.sent_to(account.id, after, limit + 1)
    return Feed(recalls=found[:limit], more=len(found) > limit)


def unread(tx: Transaction, account: Account) -> list[str]:
    """The notices that this account has not been shown yet."""
    return [holder.notice_id for holder in tx.recalls.of_account(account.id) if holder.fetched_at is None]


def mark_fetched(tx: Transaction, account: Account, notices: Sequence[str], *, now: datetime) -> None:
    """The account has been shown these."""
    for notice_id in notices:
        holder = tx.recalls.holder(notice_id, account.id)
        if holder is None or holder.fetched_at is not None:
            continue
        state = HolderState.FETCHED if holder.state is HolderState.SENT else holder.state
        tx.recalls.change(notice_id, account.id, fetched_at=now, state=state.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an install signed. The caller has checked the signature against the install's key, and the origin.

    `sha256` is of the signed payload, `envelope` as it came.
    """

    install_id: str
    nonce: str
    sha256: str
    counts: Mapping[Outcome, int]
    listed: Mapping[str, Outcome]
    copies_outside: CopiesOutside
    envelope: str


def answer(
    tx: Transaction,
    account: Account,
    notice_id: str,
    statement: Statement,
    contents: int,
    *,
    now: datetime,
    new_id: NewId,
) -> tuple[Receipt, Holder, list[str]]:
    """Accept a receipt, once. `contents` is how many contents the notice calls back.

    Gives the receipt, the account's part in the recall after it, and who of the account is still silent.
    Raises NotFound, Conflict ("recall-closed", "receipt-known"), Denied (an install that may not sign), Invalid.
    """
    holder, purge = _open(tx, account, notice_id)
    install = tx.installs.get(statement.install_id)
    if install is None or install.account_id != account.id or install.retired_at is not None:
        raise Denied(Decision(allowed=False, reason=Reason.INSTALL_UNKNOWN, as_of=tx.ledger.position()))
    if tx.recalls.knows_nonce(account.id, statement.nonce):
        raise Conflict("receipt-known", notice=notice_id)
    wrong = rules.wrong_counts(statement.counts, statement.listed, contents)
    if tx.recalls.named_in(purge, statement.listed.keys()) != statement.listed.keys():
        wrong["results"] = Flaw(Wrong.FOREIGN_DIGEST)
    if wrong:
        raise Invalid(wrong)
    receipt = Receipt(
        id=f"X-{new_id(12)}",
        notice_id=notice_id,
        account_id=account.id,
        install_id=install.id,
        nonce=statement.nonce,
        sha256=statement.sha256,
        counts=statement.counts,
        listed=statement.listed,
        copies_outside=statement.copies_outside,
        note="",
        envelope=statement.envelope,
        received_at=now,
    )
    return (receipt, *_store(tx, purge, holder, receipt, now))


def state_by_hand(
    tx: Transaction,
    account: Account,
    notice_id: str,
    outcome: Outcome,
    note: str,
    contents: int,
    *,
    now: datetime,
    new_id: NewId,
) -> tuple[Receipt, Holder]:
    """What the person says of all their copies, on the account page: it stands for every machine of theirs.

    Raises NotFound, Conflict("recall-closed"), Invalid.
    """
    holder, purge = _open(tx, account, notice_id)
    note = note.strip()
    wrong: dict[str, Flaw] = {}
    if outcome not in BY_HAND:
        wrong["outcome"] = Flaw(Wrong.ONE_OF, values=", ".join(BY_HAND))
    if len(note) > MAX_NOTE or not names.is_text(note):
        wrong["note"] = Flaw(Wrong.CHARACTERS, least=0, most=MAX_NOTE)
    elif outcome is Outcome.KEPT_BY_LAW and not note:
        wrong["note"] = Flaw(Wrong.MISSING)
    if wrong:
        raise Invalid(wrong)
    nonce = new_id(32)
    facts = {"notice": notice_id, "account": account.id, "outcome": outcome.value, "note": note, "nonce": nonce}
    receipt = Receipt(
        id=f"X-{new_id(12)}",
        notice_id=notice_id,
        account_id=account.id,
        install_id=None,
        nonce=nonce,
        sha256=hashlib.sha256(rfc8785.dumps(facts)).hexdigest(),
        counts={outcome: contents},
        listed={},
        copies_outside=CopiesOutside.NONE_DECLARED,
        note=note,
        envelope=None,
        received_at=now,
    )
    after, _ = _store(tx, purge, holder, receipt, now)
    return receipt, after


def _store(tx: Transaction, purge: Recall, holder: Holder, receipt: Receipt, now: datetime) -> tuple[Holder, list[str]]:
    tx.recalls.add_receipt(receipt)
    data: dict[str, object] = {
        "sha256": receipt.sha256,
        "notice": receipt.notice_id,
        "install": receipt.install_id,
        "counts": {outcome.value: count for outcome, count in receipt.counts.items() if count},
    }
    happened = Happened(kind=EventKind.RECEIPT_STORED, subject=f"receipt:{receipt.id}", data=data)
    tx.append(happened, actor=receipt.account_id, at=now)
    return _settle(tx, purge, holder, now=now), silent(tx, purge, receipt.account_id)


def _settle(tx: Transaction, purge: Recall, holder: Holder, *, now: datetime) -> Holder:
    """Write down what the account's answers come to."""
    standing = counted(tx.recalls.receipts(holder.notice_id, holder.account_id))
    waiting = bool(silent(tx, purge, holder.account_id))
    outcomes = {outcome for receipt in standing for outcome, count in receipt.counts.items() if count}
    late = holder.overdue_at is not None or (purge.deadline_at is not None and now > purge.deadline_at)
    state = holder.state
    if holder.excused_by is None:
        answered = rules.Answered(outcomes=frozenset(outcomes), waiting=waiting)
        state = rules.state_after_answers(answered, late=late)
    removed = max((receipt.counts.get(Outcome.DELETED, 0) for receipt in standing), default=0)
    changes: dict[str, object] = {"removed": removed, "answered_at": now}
    if holder.fetched_at is None:
        changes["fetched_at"] = now
    if state is HolderState.OVERDUE and holder.overdue_at is None:
        changes["overdue_at"] = now
    tx.recalls.change(holder.notice_id, holder.account_id, **changes)
    move(tx, holder, state, actor=holder.account_id, now=now)
    if state in rules.DONE:
        accounts.restore_after_answer(tx, holder.account_id, now=now)
    after = tx.recalls.holder(holder.notice_id, holder.account_id)
    return holder if after is None else after


def move(tx: Transaction, holder: Holder, state: HolderState, *, actor: str, now: datetime) -> None:
    """Give a holder another state, with the event that tells of it where it matters."""
    if state is holder.state:
        return
    tx.recalls.change(holder.notice_id, holder.account_id, state=state.value)
    if {state, holder.state} <= rules.OPEN:
        return
    subject = holder_subject(holder.notice_id, holder.account_id)
    happened = Happened(kind=EventKind.HOLDER_MOVED, subject=subject, data={"state": state.value})
    tx.append(happened, actor=actor, at=now)


def counted(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Those that count, of an account's receipts for one notice in their order: the newest of each install, and
    nothing from before the person's own word, which is about every machine of theirs."""
    newest: dict[str | None, Receipt] = {}
    for receipt in receipts:
        if receipt.install_id is None:
            newest = {}
        newest[receipt.install_id] = receipt
    return list(newest.values())


def silent(tx: Transaction, purge: Recall, account_id: str) -> list[str]:
    """Those of `silent_installs` by name, and AWAY for other programs."""
    return [AWAY if install is None else install.name for install in silent_installs(tx, purge, account_id)]


def silent_installs(tx: Transaction, purge: Recall, account_id: str) -> list[Install | None]:
    """Who of the account has such copies and has not said anything; None for other programs than ours."""
    receipts = tx.recalls.receipts(purge.notice_id, account_id)
    if any(receipt.install_id is None for receipt in receipts):
        return []
    fetched = recall.carried(tx, purge, tx.deliveries.of_versions(account_id, purge.versions))
    tokens = {delivery.token_id for delivery in fetched}
    by_token: dict[str, set[str]] = {}
    for install_id, token_id in tx.installs.tokens(account_id):
        by_token.setdefault(token_id, set()).add(install_id)
    with_copies = {install_id for token in tokens if token is not None for install_id in by_token.get(token, set())}
    answered = {receipt.install_id for receipt in receipts}
    waiting: list[Install | None] = [
        install
        for install in tx.installs.of_account(account_id)
        if install.id in with_copies and install.id not in answered and install.retired_at is None
    ]
    if any(token is None or token not in by_token for token in tokens):
        waiting.append(None)
    return waiting


def _open(tx: Transaction, account: Account, notice_id: str) -> tuple[Holder, Recall]:
    holder = tx.recalls.holder(notice_id, account.id)
    if holder is None:
        raise NotFound()
    purge = _purge(tx, notice_id)
    if purge.action is not RecallAction.PURGE:
        raise Conflict("recall-closed", notice=notice_id)
    return holder, purge


def _purge(tx: Transaction, notice_id: str) -> Recall:
    return tx.recalls.of_notice(notice_id)[0]


def _account(actor: Actor) -> Account:
    if actor.account is None:
        raise Denied(Decision(allowed=False, reason=Reason.UNAUTHENTICATED, as_of=0))
    return actor.account
