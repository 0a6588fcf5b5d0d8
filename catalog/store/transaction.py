"""One transaction: the ledger and its projections, changed together or not at all."""

from __future__ import annotations

from datetime import datetime

from catalog import ports
from catalog.events import Happened
from catalog.store.facts import FactRecords
from catalog.store.projection import ProjectionRecords
from catalog.store.tables.accounts import AccountRecords
from catalog.store.tables.assets import AssetRecords
from catalog.store.tables.base import Link
from catalog.store.tables.complaints import ComplaintRecords
from catalog.store.tables.deliveries import DeliveryRecords
from catalog.store.tables.grants import GrantRecords
from catalog.store.tables.installs import InstallRecords
from catalog.store.tables.ledger import LedgerRecords
from catalog.store.tables.logins import LoginRecords
from catalog.store.tables.outbox import OutboxRecords
from catalog.store.tables.previews import PreviewRecords
from catalog.store.tables.recalls import RecallRecords
from catalog.store.tables.scans import ScanRecords
from catalog.store.tables.shards import ShardRecords
from catalog.store.tables.stops import StopRecords
from catalog.store.tables.tasks import LineageRecords, TaskRecords
from catalog.store.tables.terms import TermsRecords
from catalog.store.tables.uploads import UploadRecords


class SqlTransaction:
    def __init__(self, link: Link) -> None:
        self._ledger = LedgerRecords(link)
        self.ledger: ports.Ledger = self._ledger
        self.accounts: ports.Accounts = AccountRecords(link)
        self.assets: ports.Assets = AssetRecords(link)
        self.shards: ports.Shards = ShardRecords(link)
        self.logins: ports.Logins = LoginRecords(link)
        self.grants: ports.Grants = GrantRecords(link)
        self.terms: ports.TermsRecords = TermsRecords(link)
        self.uploads: ports.Uploads = UploadRecords(link)
        self.stops: ports.Stops = StopRecords(link)
        self.complaints: ports.Complaints = ComplaintRecords(link)
        self.deliveries: ports.Deliveries = DeliveryRecords(link)
        self.recalls: ports.Recalls = RecallRecords(link)
        self.installs: ports.Installs = InstallRecords(link)
        self.tasks: ports.Tasks = TaskRecords(link)
        self.lineage: ports.Lineage = LineageRecords(link)
        self.scans: ports.Scans = ScanRecords(link)
        self.previews: ports.Previews = PreviewRecords(link)
        self.outbox: ports.Outbox = OutboxRecords(link)
        self.facts: ports.Facts = FactRecords(link)
        self.projection: ports.Projection = ProjectionRecords(link)

    def append(self, event: Happened, *, actor: str, at: datetime) -> int:
        return self._ledger.append(event, actor=actor, at=at)
