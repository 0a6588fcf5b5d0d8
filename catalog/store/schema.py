"""The whole schema: importing every table fills the metadata."""

from catalog.store.tables import (
    accounts,
    assets,
    complaints,
    deliveries,
    ledger,
    outbox,
    previews,
    replicas,
    stops,
    terms,
)
from catalog.store.tables.base import metadata

TABLES = (accounts, assets, complaints, deliveries, ledger, outbox, previews, replicas, stops, terms)

__all__ = ["TABLES", "metadata"]
