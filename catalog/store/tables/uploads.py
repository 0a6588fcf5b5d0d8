"""Contents that were sent for a draft. A commit may name these and the asset's own, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, delete, select

from catalog.store.tables.assets import items, versions
from catalog.store.tables.base import Instant, Link, batches, metadata
from catalog.vocabulary import Content

uploads = Table(
    "uploads",
    metadata,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("git_sha1", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Index("ix_uploads_sha256", "sha256"),
)


class UploadRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def add(self, version_id: str, contents: Sequence[Content], at: datetime) -> None:
        rows = [
            {
                "version_id": version_id,
                "sha256": content.sha256,
                "git_sha1": content.git_sha1,
                "size": content.size,
                "sent_at": at,
            }
            for content in contents
        ]
        if rows:
            self._db.execute(self._insert(uploads).on_conflict_do_nothing(), rows)

    def known(self, asset_id: str, version_id: str | None, digests: Sequence[str]) -> dict[str, Content]:
        found: dict[str, Content] = {}
        for some in batches(digests):
            sent = select(uploads.c.sha256, uploads.c.git_sha1, uploads.c.size)
            own = select(items.c.sha256, items.c.git_sha1, items.c.size).join(
                versions, versions.c.id == items.c.version_id
            )
            for query in (
                own.where(versions.c.asset_id == asset_id, items.c.sha256.in_(some)).distinct(),
                sent.where(uploads.c.version_id == version_id, uploads.c.sha256.in_(some)),
            ):
                for row in self._db.execute(query):
                    found[row.sha256] = Content(sha256=row.sha256, git_sha1=row.git_sha1, size=row.size)
        return found

    def sent(self, version_id: str) -> Sequence[str]:
        query = select(uploads.c.sha256).where(uploads.c.version_id == version_id).order_by(uploads.c.sha256)
        return [row.sha256 for row in self._db.execute(query)]

    def forget(self, version_id: str) -> None:
        self._db.execute(delete(uploads).where(uploads.c.version_id == version_id))

    def unused(self, digests: Sequence[str]) -> Sequence[str]:
        used: set[str] = set()
        for some in batches(digests):
            for table in (items, uploads):
                query = select(table.c.sha256).where(table.c.sha256.in_(some)).distinct()
                used |= {row.sha256 for row in self._db.execute(query)}
        return [digest for digest in dict.fromkeys(digests) if digest not in used]
