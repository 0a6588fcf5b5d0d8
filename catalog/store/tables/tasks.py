"""What waits for a person, and which versions descend from which."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, Text, insert, select, update

from catalog.recalls import Flag, Task, TaskAnswer, TaskKind
from catalog.store.tables.base import AnyRow, Instant, Link, batches, metadata

tasks = Table(
    "tasks",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("notice_id", String, ForeignKey("notices.id"), nullable=False, index=True),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False),
    Column("version_id", String),
    Column("assignee_id", String, index=True),  # empty: the operators
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String),
    Column("answer", String),
    Column("note", Text, nullable=False),
)

# A version and what it was made from.
lineage = Table(
    "lineage",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("parent_id", String, ForeignKey("versions.id"), primary_key=True, index=True),
)

flags = Table(
    "flags",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("notice_id", String, ForeignKey("notices.id"), primary_key=True),
    Column("source_id", String, ForeignKey("versions.id"), nullable=False),
    Column("flagged_at", Instant, nullable=False),
)


def _task(row: AnyRow) -> Task:
    return Task(
        id=row.id,
        kind=TaskKind(row.kind),
        notice_id=row.notice_id,
        asset_id=row.asset_id,
        version_id=row.version_id,
        assignee_id=row.assignee_id,
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        answer=None if row.answer is None else TaskAnswer(row.answer),
        note=row.note,
    )


class TaskRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection

    def open(self, task: Task) -> None:
        row = {
            "id": task.id,
            "kind": task.kind.value,
            "notice_id": task.notice_id,
            "asset_id": task.asset_id,
            "version_id": task.version_id,
            "assignee_id": task.assignee_id,
            "opened_at": task.opened_at,
            "due_at": task.due_at,
            "note": task.note,
        }
        self._db.execute(insert(tasks), row)

    def get(self, task_id: str) -> Task | None:
        row = self._db.execute(select(tasks).where(tasks.c.id == task_id)).first()
        return None if row is None else _task(row)

    def waiting(self) -> Sequence[Task]:
        query = select(tasks).where(tasks.c.closed_at.is_(None)).order_by(tasks.c.due_at, tasks.c.id)
        return [_task(row) for row in self._db.execute(query)]

    def of_account(self, account_id: str) -> Sequence[Task]:
        query = select(tasks).where(tasks.c.assignee_id == account_id).order_by(tasks.c.due_at.desc(), tasks.c.id)
        return [_task(row) for row in self._db.execute(query)]

    def of_notice(self, notice_id: str) -> Sequence[Task]:
        query = select(tasks).where(tasks.c.notice_id == notice_id).order_by(tasks.c.opened_at, tasks.c.id)
        return [_task(row) for row in self._db.execute(query)]

    def close(self, task_id: str, at: datetime, by: str, answer: TaskAnswer, note: str) -> None:
        closed = {"closed_at": at, "closed_by": by, "answer": answer.value, "note": note}
        self._db.execute(update(tasks).where(tasks.c.id == task_id).values(closed))


class LineageRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def derive(self, version_id: str, parents: Collection[str]) -> None:
        rows = [{"version_id": version_id, "parent_id": parent} for parent in sorted(set(parents))]
        if rows:
            self._db.execute(insert(lineage), rows)

    def parents(self, version_id: str) -> Sequence[str]:
        query = select(lineage.c.parent_id).where(lineage.c.version_id == version_id).order_by(lineage.c.parent_id)
        return list(self._db.execute(query).scalars())

    def children(self, versions: Collection[str]) -> Sequence[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for some in batches(sorted(versions)):
            query = select(lineage.c.parent_id, lineage.c.version_id).where(lineage.c.parent_id.in_(some))
            found += [(row.parent_id, row.version_id) for row in self._db.execute(query)]
        return sorted(found)

    def flag(self, flag: Flag) -> bool:
        row = {
            "version_id": flag.version_id,
            "notice_id": flag.notice_id,
            "source_id": flag.source_id,
            "flagged_at": flag.flagged_at,
        }
        statement = self._insert(flags).on_conflict_do_nothing().returning(flags.c.version_id)
        return self._db.execute(statement, row).first() is not None

    def flags(self, versions: Collection[str]) -> Sequence[Flag]:
        found: list[Flag] = []
        for some in batches(sorted(versions)):
            query = select(flags).where(flags.c.version_id.in_(some)).order_by(flags.c.flagged_at)
            found += [
                Flag(
                    version_id=row.version_id,
                    source_id=row.source_id,
                    notice_id=row.notice_id,
                    flagged_at=row.flagged_at,
                )
                for row in self._db.execute(query)
            ]
        return found
