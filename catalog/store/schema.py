"""The whole schema: importing every table fills the metadata."""

from catalog.store.tables import (
    accounts,
    assets,
    complaints,
    deliveries,
    grants,
    installs,
    ledger,
    logins,
    outbox,
    previews,
    recalls,
    replicas,
    scans,
    stops,
    tasks,
    terms,
    uploads,
)
from catalog.store.tables.base import metadata

TABLES = (
    accounts,
    assets,
    complaints,
    deliveries,
    grants,
    installs,
    ledger,
    logins,
    outbox,
    previews,
    recalls,
    replicas,
    scans,
    stops,
    tasks,
    terms,
    uploads,
)

__all__ = ["TABLES", "metadata"]
