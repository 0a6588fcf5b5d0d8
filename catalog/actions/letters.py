"""Whom to write to about a recall, and what kind of letter: the mail itself is made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from catalog.actions.recall import WITHDRAWAL
from catalog.policy import recall as rules
from catalog.ports import Transaction
from catalog.recalls import Recall, RecallAction


class LetterKind(StrEnum):
    PURGE = "purge"
    QUARANTINE = "quarantine"
    WITHDRAWN = "withdrawn"
    REMINDER = "reminder"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One account to write to about one notice."""

    kind: LetterKind
    account_id: str
    name: str
    email: str
    recall: Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """A page of letters, and the account id after which the next page begins; None: there is none."""

    letters: Sequence[Letter]
    after: str | None


def due(tx: Transaction, notice_id: str, number: int, *, after: str, limit: int, now: datetime) -> Mailing:
    """Who is to be written to in a round: all in the first, those who have not answered in the later ones.

    Whoever was written to since the round began, has answered, or has no address, is left out.
    """
    sent, notice = tx.recalls.of_notice(notice_id), tx.stops.notice(notice_id)
    recall = next((one for one in sent if (one.action is RecallAction.WITHDRAWN) == (number == WITHDRAWAL)), None)
    lifted = notice is None or notice.lifted_at is not None
    if recall is None or (lifted and number != WITHDRAWAL):
        return Mailing(letters=(), after=None)
    began = recall.issued_at if number <= 0 else recall.issued_at + rules.REMINDERS[number - 1]
    holders = tx.recalls.holders(notice_id, after=after, limit=limit)
    letters = []
    for holder in holders:
        told = holder.mailed_at is not None and holder.mailed_at >= began
        never_asked = number == WITHDRAWAL and holder.mails == 0
        account = tx.accounts.get(holder.account_id)
        if told or never_asked or holder.state in rules.DONE or account is None:
            continue
        if account.email is None:
            continue
        letters.append(
            Letter(
                kind=_kind(recall, number, now),
                account_id=account.id,
                name=account.name,
                email=account.email,
                recall=recall,
            )
        )
    return Mailing(letters=letters, after=holders[-1].account_id if len(holders) == limit else None)


def _kind(recall: Recall, number: int, now: datetime) -> LetterKind:
    if number <= 0:
        return LetterKind(recall.action.value)
    late = recall.deadline_at is not None and now >= recall.deadline_at
    return LetterKind.OVERDUE if late else LetterKind.REMINDER


def posted(tx: Transaction, letter: Letter, *, error: str | None, now: datetime) -> None:
    """The letter is with the mail server, or was refused for good."""
    holder = tx.recalls.holder(letter.recall.notice_id, letter.account_id)
    if holder is not None:
        mails = holder.mails + (error is None)
        tx.recalls.change(letter.recall.notice_id, letter.account_id, mails=mails, mailed_at=now, mail_error=error)
