"""Scans: what was found in a content; twins: which content is another's tensors in another form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import JSON, Column, String, Table, or_, select

from catalog.store.tables.assets import items
from catalog.store.tables.base import Instant, Link, metadata
from catalog.vocabulary import Scan, ScanRefusal, ScanVerdict, Twin

scans = Table(
    "scans",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("scanner", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("why", String),
    Column("names", JSON, nullable=False),
    Column("scanned_at", Instant, nullable=False),
)

twins = Table(
    "twins",
    metadata,
    Column("source_sha256", String, primary_key=True),
    Column("sha256", String, primary_key=True, index=True),
)


class ScanRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def put(self, scan: Scan) -> None:
        row = {
            "sha256": scan.sha256,
            "scanner": scan.scanner,
            "verdict": scan.verdict.value,
            "why": None if scan.why is None else scan.why.value,
            "names": list(scan.names),
            "scanned_at": scan.scanned_at,
        }
        statement = self._insert(scans)
        written = {c.name: statement.excluded[c.name] for c in scans.c if not c.primary_key}
        self._db.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_=written), row)

    def of_version(self, version_id: str) -> Mapping[str, Scan]:
        mine = select(items.c.sha256).where(items.c.version_id == version_id)
        return {
            row.sha256: Scan(
                sha256=row.sha256,
                scanner=row.scanner,
                verdict=ScanVerdict(row.verdict),
                why=None if row.why is None else ScanRefusal(row.why),
                names=tuple(row.names),
                scanned_at=row.scanned_at,
            )
            for row in self._db.execute(select(scans).where(scans.c.sha256.in_(mine)))
        }

    def pair(self, twin: Twin) -> None:
        row = {"source_sha256": twin.source_sha256, "sha256": twin.sha256}
        self._db.execute(self._insert(twins).on_conflict_do_nothing(), row)

    def twins(self, sha256: str) -> Sequence[Twin]:
        query = select(twins).where(or_(twins.c.source_sha256 == sha256, twins.c.sha256 == sha256))
        rows = self._db.execute(query.order_by(twins.c.source_sha256, twins.c.sha256))
        return [Twin(source_sha256=row.source_sha256, sha256=row.sha256) for row in rows]
