"""Preview tiles: which item, how it went, and the digest of the blurred picture."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Integer, String, Table, bindparam, select, update

from catalog.store.tables.base import AnyRow, Link, metadata
from catalog.vocabulary import Preview, PreviewState

previews = Table(
    "previews",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("path", String, nullable=False),
    Column("item_sha256", String, nullable=False),
    Column("part", Integer),
    Column("state", String, nullable=False),
    Column("blob", String),
    Column("why", String),
    Column("width", Integer),
    Column("height", Integer),
)

RECORD = (
    update(previews)
    .where(previews.c.version_id == bindparam("of_version"), previews.c.n == bindparam("number"))
    .values(
        state=bindparam("state"),
        blob=bindparam("blob"),
        why=bindparam("why"),
        width=bindparam("width"),
        height=bindparam("height"),
    )
)


def _preview(row: AnyRow) -> Preview:
    return Preview(
        version_id=row.version_id,
        n=row.n,
        path=row.path,
        item_sha256=row.item_sha256,
        part=row.part,
        state=PreviewState(row.state),
        blob=row.blob,
        why=row.why,
        width=row.width,
        height=row.height,
    )


class PreviewRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def plan(self, planned: Sequence[Preview]) -> None:
        rows = [
            {
                "version_id": p.version_id,
                "n": p.n,
                "path": p.path,
                "item_sha256": p.item_sha256,
                "part": p.part,
                "state": p.state.value,
            }
            for p in planned
        ]
        if rows:
            self._db.execute(self._insert(previews).on_conflict_do_nothing(), rows)

    def record(self, built: Sequence[Preview]) -> None:
        rows = [
            {
                "of_version": p.version_id,
                "number": p.n,
                "state": p.state.value,
                "blob": p.blob,
                "why": p.why,
                "width": p.width,
                "height": p.height,
            }
            for p in built
        ]
        if rows:
            self._db.execute(RECORD, rows)

    def of_version(self, version_id: str) -> Sequence[Preview]:
        query = select(previews).where(previews.c.version_id == version_id).order_by(previews.c.n)
        return [_preview(row) for row in self._db.execute(query)]

    def get(self, version_id: str, n: int) -> Preview | None:
        query = select(previews).where(previews.c.version_id == version_id, previews.c.n == n)
        row = self._db.execute(query).first()
        return None if row is None else _preview(row)
