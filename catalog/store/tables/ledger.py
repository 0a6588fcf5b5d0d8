"""The event log: append only, one counter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, func, insert, select

from catalog.events import Happened, encode
from catalog.store.tables.base import AnyRow, Instant, Link, Number, metadata
from catalog.vocabulary import Event

events = Table(
    "events",
    metadata,
    # SQLite counts only an INTEGER PRIMARY KEY; AUTOINCREMENT never gives a position twice.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False, index=True),
    Column("actor", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_autoincrement=True,
)

POSITION = Number(select(func.coalesce(func.max(events.c.position), 0)))
AFTER = select(events).order_by(events.c.position)


def _event(row: AnyRow) -> Event:
    return Event(position=row.position, kind=row.kind, subject=row.subject, actor=row.actor, at=row.at, data=row.data)


class LedgerRecords:
    def __init__(self, link: Link) -> None:
        self._link = link

    def append(self, event: Happened, *, actor: str, at: datetime) -> int:
        row = {"kind": event.kind.value, "subject": event.subject, "actor": actor, "at": at, "data": encode(event)}
        result = self._link.connection.execute(insert(events), row)
        key = result.inserted_primary_key
        if key is None:
            raise RuntimeError("the engine gave no position for an event")
        return int(key[0])

    def position(self) -> int:
        return POSITION.read(self._link.connection)

    def events(self, after: int, limit: int) -> Sequence[Event]:
        rows = self._link.connection.execute(AFTER.where(events.c.position > after).limit(limit))
        return [_event(row) for row in rows]

    def about(self, subject: str) -> Sequence[Event]:
        return [_event(row) for row in self._link.connection.execute(AFTER.where(events.c.subject == subject))]
