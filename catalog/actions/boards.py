"""What operators see of a recall, and who has got what. Read only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.actions import recall as recalls
from catalog.actions import stops
from catalog.actions.authority import authorise
from catalog.actions.receipts import counted
from catalog.errors import NotFound
from catalog.policy import recall as rules
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.recalls import Extent, Fetched, Holder, HolderCounts, HolderState, Recall, RecallAction, Receipt, Task
from catalog.vocabulary import Account, Actor, Notice, SubjectRef, VersionState

AT_ONCE = 200  # accounts whose deliveries are looked up together


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One recall: the stop's notice, what was sent, and how it stands."""

    notice: Notice
    recall: Recall
    withdrawn: Recall | None
    counts: HolderCounts
    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One holder: what it got, and what it says. `answers` are the receipts that count."""

    holder: Holder
    account: Account
    got: Sequence[Fetched]
    answers: Sequence[Receipt]

    @property
    def totals(self) -> Totals:
        return totals(self.got)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Deliveries that carried something of it: how many, their bytes, and of how many versions."""

    fetches: int
    bytes: int
    versions: int


def totals(got: Sequence[Fetched]) -> Totals:
    return Totals(
        fetches=sum(one.fetches for one in got),
        bytes=sum(one.bytes for one in got),
        versions=len({one.version_id for one in got}),
    )


def boards(tx: Transaction, actor: Actor, limit: int, before: int | None = None) -> list[Board]:
    """Newest first; `before` is the number of the last one seen."""
    authorise(tx, actor, Act.READ_RECALLS)
    return [_board(tx, recall.notice_id) for recall in tx.recalls.latest(limit, before)]


def board(tx: Transaction, actor: Actor, notice_id: str) -> Board:
    """Raises NotFound."""
    authorise(tx, actor, Act.READ_RECALLS)
    return _board(tx, notice_id)


def totals_of(tx: Transaction, actor: Actor, shown: Board) -> Totals:
    authorise(tx, actor, Act.READ_RECALLS)
    return totals(list(_tally(tx, recalls.extent_of(tx, shown.recall), None)))


def rows(
    tx: Transaction, actor: Actor, shown: Board, *, states: Collection[HolderState], after: str, limit: int
) -> list[Row]:
    """Holders in these states, in order of account id after one; at most AT_ONCE."""
    authorise(tx, actor, Act.READ_RECALLS)
    holders = tx.recalls.holders(shown.notice.id, states=states, after=after, limit=min(limit, AT_ONCE))
    asked = recalls.extent_of(tx, shown.recall)
    return _rows(tx, holders, _by_account(_tally(tx, asked, [holder.account_id for holder in holders])))


def every_row(tx: Transaction, actor: Actor, shown: Board) -> Iterator[Row]:
    """All holders of a recall."""
    authorise(tx, actor, Act.READ_RECALLS)
    got = _by_account(_tally(tx, recalls.extent_of(tx, shown.recall), None))
    after = ""
    while holders := tx.recalls.holders(shown.notice.id, after=after, limit=AT_ONCE):
        yield from _rows(tx, holders, got)
        after = holders[-1].account_id


def _by_account(found: Iterable[Fetched]) -> Mapping[str, list[Fetched]]:
    got: dict[str, list[Fetched]] = {}
    for one in found:
        got.setdefault(one.account_id, []).append(one)
    return got


def _rows(tx: Transaction, holders: Sequence[Holder], got: Mapping[str, list[Fetched]]) -> list[Row]:
    found = []
    for holder in holders:
        account = tx.accounts.get(holder.account_id)
        if account is not None:
            answers = counted(tx.recalls.receipts(holder.notice_id, account.id))
            found.append(Row(holder=holder, account=account, got=got.get(account.id, []), answers=answers))
    return found


def who_has(tx: Transaction, actor: Actor, ref: SubjectRef) -> list[tuple[Account, Fetched]]:
    """Who got something of an asset, a version or an item (wherever it lies in the asset), by account and version.

    Raises NotFound.
    """
    authorise(tx, actor, Act.READ_RECALLS)
    found = stops.find(tx, ref)
    released = [v.id for v in tx.assets.versions(found.asset.id) if v.state is not VersionState.DRAFT]
    versions = released if found.version is None or found.item is not None else [found.version.id]
    asked = recalls.extent(tx, versions, None if found.item is None else found.item.sha256)
    got = sorted(_tally(tx, asked, None), key=lambda one: (one.account_id, one.first_at))
    accounts = {account.id: account for account in tx.accounts.everyone()}
    return [(accounts[one.account_id], one) for one in got]


def counts_for_case(tx: Transaction, notices: Sequence[Notice]) -> HolderCounts | None:
    """What the complainant may know of what a case called back for good: numbers alone. None before that."""
    sent = {notice.id: tx.recalls.of_notice(notice.id) for notice in notices}
    final = [notice_id for notice_id, said in sent.items() if said and said[0].action is RecallAction.PURGE]
    return tx.recalls.counts(final) if final else None


def _board(tx: Transaction, notice_id: str) -> Board:
    notice, sent = tx.stops.notice(notice_id), tx.recalls.of_notice(notice_id)
    if notice is None or not sent:
        raise NotFound("no-such-recall", id=notice_id)
    withdrawn = [recall for recall in sent if recall.action is RecallAction.WITHDRAWN]
    return Board(
        notice=notice,
        recall=sent[0],
        withdrawn=withdrawn[0] if withdrawn else None,
        counts=tx.recalls.counts([notice_id]),
        tasks=tx.tasks.of_notice(notice_id),
    )


def _tally(tx: Transaction, asked: Extent, accounts: Collection[str] | None) -> Iterator[Fetched]:
    """What was fetched of the extent, by account and version."""
    for version_id in asked.versions:
        if asked.paths is None:
            yield from tx.deliveries.tally(version_id, None, (), accounts)
            continue
        paths = asked.paths.get(version_id, frozenset())
        includes = {fetch.include for fetch in tx.deliveries.archives(version_id)}
        chosen = [include for include in includes if rules.selects(include, paths)]
        yield from tx.deliveries.tally(version_id, paths, chosen, accounts)
