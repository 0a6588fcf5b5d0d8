"""Recalls: one row a message, one row a holder, and what holders have answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    String,
    Subquery,
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from catalog.policy.recall import LICENCES
from catalog.recalls import (
    CopiesOutside,
    Copy,
    Elsewhere,
    Holder,
    HolderCounts,
    HolderState,
    Outcome,
    Recall,
    RecallAction,
    RecallScope,
    Receipt,
)
from catalog.store.tables.assets import assets, items, shards, versions
from catalog.store.tables.base import AnyRow, Bulk, Instant, Link, batches, metadata, stamp
from catalog.store.tables.shards import ShardRecords
from catalog.store.tables.stops import notices, stopped_items
from catalog.vocabulary import ItemState, StopReason, VersionState

recalls = Table(
    "recalls",
    metadata,
    # AUTOINCREMENT: a number is never given twice, not even after the row is gone.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("notice_id", String, ForeignKey("notices.id"), nullable=False, index=True),
    Column("action", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False),
    Column("asset", String, nullable=False),
    Column("sha256", String),
    Column("reason", String, nullable=False),
    Column("successor", String),
    Column("position", BigInteger, nullable=False, index=True),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("deadline_at", Instant),
    sqlite_autoincrement=True,
)

recall_versions = Table(
    "recall_versions",
    metadata,
    Column("seq", ForeignKey("recalls.seq"), primary_key=True),
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
)

recall_holders = Table(
    "recall_holders",
    metadata,
    Column("notice_id", String, ForeignKey("notices.id"), primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), primary_key=True),
    Column("seq", ForeignKey("recalls.seq"), nullable=False),
    Column("state", String, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("fetched_at", Instant),
    Column("overdue_at", Instant),
    Column("answered_at", Instant),
    Column("removed", Integer, nullable=False),
    Column("excused_by", String),
    Column("suspended_at", Instant),
    Column("mails", Integer, nullable=False),
    Column("mailed_at", Instant),
    Column("mail_error", String),
    Index("ix_recall_holders_account_id", "account_id"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("notice_id", String, ForeignKey("notices.id"), nullable=False),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False),
    Column("install_id", String, ForeignKey("installs.id")),
    Column("nonce", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("listed", JSON, nullable=False),
    Column("copies_outside", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("envelope", Text),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("account_id", "nonce"),
    Index("ix_receipts_notice_id_account_id", "notice_id", "account_id"),
)

WORST_FIRST = ("overdue", "waiting", "exempt", "absent", "deleted")  # where a holder of several things is counted
TOGETHER = 100  # selects in one union: well below what any engine allows
NOT_GONE = (VersionState.PUBLISHED.value, VersionState.HELD.value)
GONE = (VersionState.REVOKED.value, VersionState.DESTROYED.value)
ADD_HOLDERS = Bulk(insert(recall_holders), ("notice_id", "account_id", "seq", "state", "sent_at", "removed", "mails"))


def _recall(row: AnyRow, versions: Sequence[str]) -> Recall:
    return Recall(
        seq=row.seq,
        notice_id=row.notice_id,
        action=RecallAction(row.action),
        scope=RecallScope(row.scope),
        asset_id=row.asset_id,
        asset=row.asset,
        versions=tuple(versions),
        sha256=row.sha256,
        reason=StopReason(row.reason),
        successor=row.successor,
        position=row.position,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        deadline_at=row.deadline_at,
    )


def _holder(row: AnyRow) -> Holder:
    return Holder(
        notice_id=row.notice_id,
        account_id=row.account_id,
        seq=row.seq,
        state=HolderState(row.state),
        sent_at=row.sent_at,
        fetched_at=row.fetched_at,
        overdue_at=row.overdue_at,
        answered_at=row.answered_at,
        removed=row.removed,
        excused_by=row.excused_by,
        suspended_at=row.suspended_at,
        mails=row.mails,
        mailed_at=row.mailed_at,
        mail_error=row.mail_error,
    )


def _receipt(row: AnyRow) -> Receipt:
    return Receipt(
        id=row.id,
        notice_id=row.notice_id,
        account_id=row.account_id,
        install_id=row.install_id,
        nonce=row.nonce,
        sha256=row.sha256,
        counts={Outcome(word): count for word, count in row.counts.items()},
        listed={sha256: Outcome(word) for sha256, word in row.listed.items()},
        copies_outside=CopiesOutside(row.copies_outside),
        note=row.note,
        envelope=row.envelope,
        received_at=row.received_at,
    )


def _of_versions(recall: Recall, mine: FromClause = items) -> Any:
    named = select(recall_versions.c.version_id).where(recall_versions.c.seq == recall.seq)
    return mine.c.version_id.in_(named)


def _of_a_licence(path: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the file is called what the texts of common licences are called."""
    below = literal("/") + func.lower(path)
    return or_(*(below.like(f"%/{name}") for name in sorted(LICENCES)))


def _copied(recall: Recall, mine: FromClause, other: FromClause) -> ColumnElement[bool]:
    """`mine` is called back, and `other` lies in another asset; what is a licence's text in both is nobody's."""
    one = true() if recall.sha256 is None else mine.c.sha256 == recall.sha256
    licences = and_(_of_a_licence(mine.c.path), _of_a_licence(other.c.path))
    return and_(_of_versions(recall, mine), one, versions.c.asset_id != recall.asset_id, ~licences)


class RecallRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._shards = ShardRecords(link)

    def add(self, recall: Recall) -> int:
        row = {
            "notice_id": recall.notice_id,
            "action": recall.action.value,
            "scope": recall.scope.value,
            "asset_id": recall.asset_id,
            "asset": recall.asset,
            "sha256": recall.sha256,
            "reason": recall.reason.value,
            "successor": recall.successor,
            "position": recall.position,
            "issued_at": recall.issued_at,
            "expires_at": recall.expires_at,
            "deadline_at": recall.deadline_at,
        }
        key = self._db.execute(insert(recalls), row).inserted_primary_key
        if key is None:
            raise RuntimeError("the engine gave no number for a recall")
        seq = int(key[0])
        versions = [{"seq": seq, "version_id": version} for version in recall.versions]
        if versions:
            self._db.execute(insert(recall_versions), versions)
        return seq

    def send(self, notice_id: str, seq: int, accounts: Collection[str], at: datetime) -> None:
        shared = {"notice_id": notice_id, "seq": seq, "state": HolderState.SENT.value, "sent_at": stamp(at)}
        rows = [{**shared, "account_id": account, "removed": 0, "mails": 0} for account in sorted(accounts)]
        ADD_HOLDERS.run(self._db, rows)

    def of_notice(self, notice_id: str) -> Sequence[Recall]:
        return self._recalls(select(recalls).where(recalls.c.notice_id == notice_id).order_by(recalls.c.seq))

    def everything(self) -> Sequence[Recall]:
        return self._recalls(select(recalls).order_by(recalls.c.seq))

    def latest(self, limit: int, before: int | None) -> Sequence[Recall]:
        first = select(func.min(recalls.c.seq)).group_by(recalls.c.notice_id)
        query = select(recalls).where(recalls.c.seq.in_(first)).order_by(recalls.c.seq.desc()).limit(limit)
        return self._recalls(query if before is None else query.where(recalls.c.seq < before))

    def standing_since(self, position: int) -> Sequence[Recall]:
        first = select(func.min(recalls.c.seq)).where(recalls.c.position > position).group_by(recalls.c.notice_id)
        query = select(recalls).join(notices, notices.c.id == recalls.c.notice_id)
        query = query.where(recalls.c.seq.in_(first), notices.c.lifted_at.is_(None))
        return self._recalls(query.order_by(recalls.c.seq))

    def sent_to(self, account_id: str, after: int, limit: int) -> Sequence[Recall]:
        mine = recall_holders.c.account_id == account_id
        query = select(recalls).join(recall_holders, recall_holders.c.notice_id == recalls.c.notice_id)
        for_me = (recalls.c.seq == recall_holders.c.seq) | (recalls.c.action == RecallAction.WITHDRAWN.value)
        return self._recalls(query.where(mine, for_me, recalls.c.seq > after).order_by(recalls.c.seq).limit(limit))

    def _recalls(self, query: Any) -> Sequence[Recall]:
        rows = self._db.execute(query).all()
        versions: dict[int, list[str]] = {row.seq: [] for row in rows}
        for seq in versions:
            named = select(recall_versions.c.version_id).where(recall_versions.c.seq == seq)
            versions[seq] = sorted(self._db.execute(named).scalars())
        return [_recall(row, versions[row.seq]) for row in rows]

    def digests(self, recall: Recall) -> Sequence[tuple[str, int]]:
        query = select(items.c.sha256, items.c.size).distinct().where(_of_versions(recall)).order_by(items.c.sha256)
        if recall.sha256 is not None:
            query = query.where(items.c.sha256.in_(self._with(recall, recall.sha256)))
        return [(row.sha256, row.size) for row in self._db.execute(query)]

    def named_in(self, recall: Recall, digests: Collection[str]) -> frozenset[str]:
        if recall.sha256 is not None:
            return self._with(recall, recall.sha256) & set(digests)
        found: set[str] = set()
        for some in batches(sorted(digests)):
            query = select(items.c.sha256).where(items.c.sha256.in_(some), _of_versions(recall))
            found.update(self._db.execute(query).scalars())
        return frozenset(found)

    def barred(self, asset_id: str, version_id: str, limit: int) -> Mapping[str, str]:
        mine = select(items.c.path, items.c.sha256).where(items.c.version_id == version_id).subquery()
        return self._barred(asset_id, mine, _of_a_licence(mine.c.path), limit)

    def barred_contents(self, asset_id: str, digests: Sequence[str], limit: int) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(digests), TOGETHER):
            some = digests[start : start + TOGETHER]
            told = [select(literal(d).label("path"), literal(d).label("sha256")) for d in some]
            found |= self._barred(asset_id, union_all(*told).subquery(), true(), limit)
        return found

    def _barred(self, asset_id: str, mine: Subquery, of_a_licence: ColumnElement[bool], limit: int) -> dict[str, str]:
        other, standing, served = items.alias(), items.alias(), versions.alias()
        held_elsewhere = and_(stopped_items.c.state == ItemState.HELD.value, stopped_items.c.asset_id != asset_id)
        overlaid = (
            select(mine.c.path, stopped_items.c.notice_id)
            .join_from(mine, stopped_items, stopped_items.c.sha256 == mine.c.sha256)
            .where(or_(stopped_items.c.state == ItemState.WITHHELD.value, held_elsewhere))
        )
        in_force = exists().where(
            standing.c.sha256 == mine.c.sha256,
            served.c.id == standing.c.version_id,
            served.c.state == VersionState.PUBLISHED.value,
            served.c.asset_id == asset_id,  # another asset's copy is no leave to make a third one
        )
        revoked = (
            select(mine.c.path, versions.c.notice_id)
            .join_from(mine, other, other.c.sha256 == mine.c.sha256)
            .join(versions, versions.c.id == other.c.version_id)
            .where(versions.c.state.in_(GONE), other.c.size > 0, ~in_force)
            .where(~and_(of_a_licence, _of_a_licence(other.c.path)))
        )
        return {
            row.path: row.notice_id
            for found in (revoked, overlaid)
            for row in self._db.execute(found.order_by(mine.c.path).limit(limit))
        }

    def elsewhere(self, recall: Recall, limit: int, known: Sequence[Recall] = ()) -> Elsewhere:
        other = items.alias()
        overlaid = exists().where(
            stopped_items.c.asset_id == versions.c.asset_id, stopped_items.c.sha256 == other.c.sha256
        )
        held = or_(versions.c.state == VersionState.HELD.value, overlaid)
        found = (
            select(assets.c.ns, assets.c.name, other.c.version_id, other.c.path, held.label("held"))
            .distinct()
            .join_from(items, other, other.c.sha256 == items.c.sha256)
            .join(versions, versions.c.id == other.c.version_id)
            .join(assets, assets.c.id == versions.c.asset_id)
            .where(_copied(recall, items, other), versions.c.state.in_(NOT_GONE))
            .where(other.c.version_id != items.c.version_id, other.c.size > 0)
            .where(~overlaid.where(stopped_items.c.state == ItemState.WITHHELD.value))
            .where(~exists().where(shards.c.version_id == versions.c.id, shards.c.path == other.c.path))
        )
        for one in known:
            mine = items.alias()
            found = found.where(~exists().where(mine.c.sha256 == other.c.sha256, _copied(one, mine, other)))
        told = found.subquery()
        in_order = (told.c.ns, told.c.name, told.c.version_id, told.c.path)
        rows = self._db.execute(select(told, func.count().over().label("all")).order_by(*in_order).limit(limit)).all()
        first = [Copy(subject=f"{row.ns}/{row.name}@{row.version_id}:{row.path}", held=bool(row.held)) for row in rows]
        return Elsewhere(first=first, count=rows[0].all if rows else 0)

    def _with(self, recall: Recall, sha256: str) -> frozenset[str]:
        """The one content, and the shards of those versions that have it inside."""
        holding = self._shards.holding(sha256)
        return frozenset({sha256, *(item.sha256 for _, version, item in holding if version in recall.versions)})

    def holder(self, notice_id: str, account_id: str) -> Holder | None:
        mine = (recall_holders.c.notice_id == notice_id) & (recall_holders.c.account_id == account_id)
        row = self._db.execute(select(recall_holders).where(mine)).first()
        return None if row is None else _holder(row)

    def holders(
        self, notice_id: str, *, states: Collection[HolderState] = tuple(HolderState), after: str = "", limit: int
    ) -> Sequence[Holder]:
        query = select(recall_holders).where(
            recall_holders.c.notice_id == notice_id,
            recall_holders.c.account_id > after,
            recall_holders.c.state.in_([state.value for state in states]),
        )
        return [_holder(row) for row in self._db.execute(query.order_by(recall_holders.c.account_id).limit(limit))]

    def of_account(self, account_id: str) -> Sequence[Holder]:
        query = select(recall_holders).where(recall_holders.c.account_id == account_id)
        return [_holder(row) for row in self._db.execute(query.order_by(recall_holders.c.seq.desc()))]

    def change(self, notice_id: str, account_id: str, **changes: object) -> None:
        mine = (recall_holders.c.notice_id == notice_id) & (recall_holders.c.account_id == account_id)
        self._db.execute(update(recall_holders).where(mine).values(changes))

    def counts(self, notices: Collection[str]) -> HolderCounts:
        state, removed = recall_holders.c.state, recall_holders.c.removed
        rank = case(
            (state == HolderState.OVERDUE.value, WORST_FIRST.index("overdue")),
            (state.in_([HolderState.SENT.value, HolderState.FETCHED.value]), WORST_FIRST.index("waiting")),
            (state == HolderState.EXEMPT.value, WORST_FIRST.index("exempt")),
            (removed == 0, WORST_FIRST.index("absent")),
            else_=WORST_FIRST.index("deleted"),
        )
        each = select(func.min(rank).label("worst")).where(recall_holders.c.notice_id.in_(notices))
        worst = each.group_by(recall_holders.c.account_id).subquery().c.worst
        found = {place: int(count) for place, count in self._db.execute(select(worst, func.count()).group_by(worst))}
        counts = {name: found.get(place, 0) for place, name in enumerate(WORST_FIRST)}
        return HolderCounts(holders=sum(counts.values()), **counts)

    def add_receipt(self, receipt: Receipt) -> None:
        row: Mapping[str, object] = {
            "id": receipt.id,
            "notice_id": receipt.notice_id,
            "account_id": receipt.account_id,
            "install_id": receipt.install_id,
            "nonce": receipt.nonce,
            "sha256": receipt.sha256,
            "counts": {outcome.value: count for outcome, count in receipt.counts.items()},
            "listed": {sha256: outcome.value for sha256, outcome in receipt.listed.items()},
            "copies_outside": receipt.copies_outside.value,
            "note": receipt.note,
            "envelope": receipt.envelope,
            "received_at": receipt.received_at,
        }
        self._db.execute(insert(receipts), row)

    def knows_nonce(self, account_id: str, nonce: str) -> bool:
        query = select(receipts.c.id).where(receipts.c.account_id == account_id, receipts.c.nonce == nonce)
        return self._db.execute(query).first() is not None

    def receipts(self, notice_id: str, account_id: str | None = None) -> Sequence[Receipt]:
        query = select(receipts).where(receipts.c.notice_id == notice_id)
        if account_id is not None:
            query = query.where(receipts.c.account_id == account_id)
        return [_receipt(row) for row in self._db.execute(query.order_by(receipts.c.n))]
