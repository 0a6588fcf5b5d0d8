"""One transaction: the ledger and its projections, changed together or not at all."""

from __future__ import annotations

from datetime import datetime

from catalog.events import Happened
from catalog.store.facts import FactRecords
from catalog.store.projection import ProjectionRecords
from catalog.store.tables.accounts import AccountRecords
from catalog.store.tables.assets import AssetRecords
from catalog.store.tables.base import Link
from catalog.store.tables.complaints import ComplaintRecords
from catalog.store.tables.deliveries import DeliveryRecords
from catalog.store.tables.ledger import LedgerRecords
from catalog.store.tables.outbox import OutboxRecords
from catalog.store.tables.previews import PreviewRecords
from catalog.store.tables.stops import StopRecords
from catalog.store.tables.terms import TermsRecords


class SqlTransaction:
    def __init__(self, link: Link) -> None:
        self._ledger = LedgerRecords(link)
        self.ledger = self._ledger
        self.accounts = AccountRecords(link)
        self.assets = AssetRecords(link)
        self.terms = TermsRecords(link)
        self.stops = StopRecords(link)
        self.complaints = ComplaintRecords(link)
        self.deliveries = DeliveryRecords(link)
        self.previews = PreviewRecords(link)
        self.outbox = OutboxRecords(link)
        self.facts = FactRecords(link)
        self.projection = ProjectionRecords(link)

    def append(self, event: Happened, *, actor: str, at: datetime) -> int:
        return self._ledger.append(event, actor=actor, at=at)
