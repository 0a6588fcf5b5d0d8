"""How serving processes follow the ledger, and how a stop knows that all of them obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import delete, select

from catalog.events import cuts_of
from catalog.store.dialects.base import Watch
from catalog.store.tables.base import Link
from catalog.store.tables.ledger import LedgerRecords
from catalog.store.tables.replicas import replicas
from catalog.vocabulary import Cut, Replica

Opens = Callable[[], AbstractContextManager[Link]]
PAGE = 1000


class SqlFeed:
    def __init__(self, watch: Watch, reading: Opens, writing: Opens) -> None:
        self._watch = watch
        self._reading = reading
        self._writing = writing

    def moved(self) -> bool:
        return self._watch.moved()

    def position(self) -> int:
        with self._reading() as link:
            return LedgerRecords(link).position()

    def cuts_since(self, position: int) -> Sequence[Cut]:
        cuts: list[Cut] = []
        with self._reading() as link:
            ledger = LedgerRecords(link)
            while page := ledger.events(position, PAGE):
                position = page[-1].position
                found = ((event.position, cuts_of(event.data)) for event in page)
                cuts += [Cut(position=at, subjects=subjects) for at, subjects in found if subjects]
        return cuts

    def enrol(self, replica: str, position: int, now: datetime) -> None:
        self.applied(replica, position, 0, now)

    def applied(self, replica: str, position: int, streams_cut: int, now: datetime) -> None:
        row = {"id": replica, "applied": position, "streams_cut": streams_cut, "seen_at": now}
        with self._writing() as link:
            statement = link.insert(replicas)
            written = {key: statement.excluded[key] for key in ("applied", "streams_cut", "seen_at")}
            link.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=written), row)

    def withdraw(self, replica: str) -> None:
        with self._writing() as link:
            link.connection.execute(delete(replicas).where(replicas.c.id == replica))

    def forget(self, replica: Replica) -> None:
        unchanged = (replicas.c.id == replica.id) & (replicas.c.seen_at == replica.seen_at)
        with self._writing() as link:
            link.connection.execute(delete(replicas).where(unchanged))

    def replicas(self) -> Sequence[Replica]:
        with self._reading() as link:
            return [
                Replica(id=row.id, applied=row.applied, streams_cut=row.streams_cut, seen_at=row.seen_at)
                for row in link.connection.execute(select(replicas).order_by(replicas.c.id))
            ]

    def close(self) -> None:
        self._watch.close()
