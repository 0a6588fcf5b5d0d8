"""Work promised by a commit, taken under a lease and done at least once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text, func, insert, select, update

from catalog.store.tables.base import Instant, Link, metadata
from catalog.vocabulary import Job

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("free_at", Instant, nullable=False, index=True),  # not to be taken before: the lease, or a retry's time
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("error", Text),
)


class OutboxRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def enqueue(self, kind: str, payload: dict[str, object], at: datetime) -> int:
        row = {"kind": kind, "payload": payload, "attempts": 0, "free_at": at, "created_at": at}
        key = self._db.execute(insert(outbox), row).inserted_primary_key
        if key is None:
            raise RuntimeError("the engine gave no id for a job")
        return int(key[0])

    def take(self, kinds: Iterable[str], now: datetime, until: datetime) -> Job | None:
        free = (
            select(outbox)
            .where(outbox.c.done_at.is_(None), outbox.c.free_at <= now, outbox.c.kind.in_(list(kinds)))
            .order_by(outbox.c.free_at, outbox.c.id)
            .limit(1)
        )
        row = self._db.execute(free).first()
        if row is None:
            return None
        taken = update(outbox).where(outbox.c.id == row.id).values(free_at=until, attempts=outbox.c.attempts + 1)
        self._db.execute(taken)
        return Job(id=row.id, kind=row.kind, payload=row.payload, attempts=row.attempts + 1)

    def renew(self, job_id: int, until: datetime) -> None:
        self._db.execute(update(outbox).where(outbox.c.id == job_id).values(free_at=until))

    def done(self, job_id: int, now: datetime) -> None:
        self._db.execute(update(outbox).where(outbox.c.id == job_id).values(done_at=now, error=None))

    def failed(self, job_id: int, error: str, again_at: datetime) -> None:
        self._db.execute(update(outbox).where(outbox.c.id == job_id).values(error=error, free_at=again_at))

    def is_done(self, job_id: int) -> bool:
        query = select(outbox.c.done_at).where(outbox.c.id == job_id)
        return self._db.execute(query).scalar() is not None

    def waiting(self) -> int:
        query = select(func.count()).select_from(outbox).where(outbox.c.done_at.is_(None))
        return int(self._db.execute(query).scalar_one())
