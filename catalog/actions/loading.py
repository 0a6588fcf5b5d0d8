"""What is known of loading a model's files: found when the version was published, told on its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from catalog.policy import names
from catalog.ports import Transaction
from catalog.vocabulary import Kind, ScanVerdict, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """`named` is its path with its digest in the name; `twin_of` the path of the file whose tensors it holds."""

    path: str
    named: str
    verdict: ScanVerdict
    names: tuple[str, ...]
    twin_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """All files of a version, in order of path; the counts and names say the same without a file's name."""

    files: tuple[LoadedFile, ...]
    scanner: str
    scanned_at: datetime

    @property
    def counts(self) -> Mapping[ScanVerdict, int]:
        """How many files there are of each verdict, of those that occur."""
        verdicts = [file.verdict for file in self.files]
        return {verdict: verdicts.count(verdict) for verdict in ScanVerdict if verdict in verdicts}

    @property
    def names(self) -> tuple[str, ...]:
        """What loading imports beyond plain values."""
        return tuple(sorted({name for file in self.files for name in file.names}))


def loading(tx: Transaction, version: Version, kind: Kind) -> Loading | None:
    """None for a dataset, and where some file was not looked through."""
    if kind is not Kind.MODEL:
        return None
    items = tx.assets.items(version.id)
    scans = tx.scans.of_version(version.id)
    if not items or any(item.sha256 not in scans for item in items):
        return None
    paths = {item.sha256: item.path for item in reversed(items)}
    sources = {
        twin.sha256: paths[twin.source_sha256]
        for item in items
        for twin in tx.scans.twins(item.sha256)
        if twin.sha256 == item.sha256 and twin.source_sha256 in paths
    }
    newest = max((scans[item.sha256] for item in items), key=lambda scan: scan.scanned_at)
    return Loading(
        files=tuple(
            LoadedFile(
                path=item.path,
                named=names.with_digest(item.path, item.sha256),
                verdict=scans[item.sha256].verdict,
                names=scans[item.sha256].names,
                twin_of=sources.get(item.sha256),
            )
            for item in items
        ),
        scanner=newest.scanner,
        scanned_at=newest.scanned_at,
    )
