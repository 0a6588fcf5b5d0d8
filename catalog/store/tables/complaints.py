"""Complaints, as they were filed and how they were decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, Column, String, Table, Text, func, insert, select, update

from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.store.tables.stops import notice_of, notices
from catalog.vocabulary import (
    Complaint,
    ComplaintItem,
    ComplaintKind,
    ComplaintState,
    Notice,
    ReleaseReason,
    Stop,
    StopReason,
)

complaints = Table(
    "complaints",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("secret_sha256", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("links", JSON, nullable=False),
    Column("asset", String),
    Column("items", JSON, nullable=False),
    Column("source", String, nullable=False),
    Column("filed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("decided_at", Instant),
    Column("decided_by", String),
    Column("decision_reason", String),
)


def _complaint(row: AnyRow) -> Complaint:
    return Complaint(
        case=row.case_id,
        secret_sha256=row.secret_sha256,
        kind=ComplaintKind(row.kind),
        state=ComplaintState(row.state),
        name=row.name,
        contact=row.contact,
        request=row.request,
        links=tuple(row.links),
        asset=row.asset,
        items=tuple(ComplaintItem(path=i["path"], version=i["version"], preview=i["preview"]) for i in row.items_named),
        source=row.source,
        filed_at=row.filed_at,
        due_at=row.due_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_reason=row.decision_reason,
    )


# `items` would hide a row's own method of that name.
ALL = select(*(c for c in complaints.c if c.key != "items"), complaints.c["items"].label("items_named"))


class ComplaintRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def add(self, complaint: Complaint) -> None:
        row = {
            "case_id": complaint.case,
            "secret_sha256": complaint.secret_sha256,
            "kind": complaint.kind.value,
            "state": complaint.state.value,
            "name": complaint.name,
            "contact": complaint.contact,
            "request": complaint.request,
            "links": list(complaint.links),
            "asset": complaint.asset,
            "items": [{"path": i.path, "version": i.version, "preview": i.preview} for i in complaint.items],
            "source": complaint.source,
            "filed_at": complaint.filed_at,
            "due_at": complaint.due_at,
        }
        self._db.execute(insert(complaints), row)

    def get(self, case: str) -> Complaint | None:
        row = self._db.execute(ALL.where(complaints.c.case_id == case)).first()
        return None if row is None else _complaint(row)

    def queue(self, state: ComplaintState | None) -> Sequence[Complaint]:
        query = ALL if state is None else ALL.where(complaints.c.state == state.value)
        return [_complaint(row) for row in self._db.execute(query.order_by(complaints.c.due_at, complaints.c.filed_at))]

    def notices(self, case: str) -> Sequence[Notice]:
        query = select(notices).where(notices.c.case_id == case).order_by(notices.c.position)
        return [notice_of(row) for row in self._db.execute(query)]

    def decide(self, case: str, state: ComplaintState, at: datetime, by: str, reason: ReleaseReason | None) -> None:
        decided = {
            "state": state.value,
            "decided_at": at,
            "decided_by": by,
            "decision_reason": None if reason is None else reason.value,
        }
        self._db.execute(update(complaints).where(complaints.c.case_id == case).values(decided))

    def child_holds_since(self, source: str, since: datetime) -> int:
        query = (
            select(func.count())
            .select_from(complaints)
            .join(notices, notices.c.case_id == complaints.c.case_id)
            .where(
                complaints.c.source == source,
                complaints.c.kind == ComplaintKind.CHILD.value,
                notices.c.act == Stop.HOLD.value,
                notices.c.reason == StopReason.CHILD.value,
                notices.c.placed_at >= since,
            )
        )
        return int(self._db.execute(query).scalar_one())
