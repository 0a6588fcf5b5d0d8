"""What a decision needs, read in the snapshot of one transaction."""

from __future__ import annotations

from dataclasses import replace

from catalog.policy import access, grants
from catalog.policy import terms as terms_policy
from catalog.policy.access import AccessFacts, Ground
from catalog.store.tables.accounts import AccountRecords
from catalog.store.tables.assets import AssetRecords
from catalog.store.tables.base import Link
from catalog.store.tables.grants import GrantRecords
from catalog.store.tables.ledger import LedgerRecords
from catalog.store.tables.stops import StopRecords
from catalog.store.tables.terms import TermsRecords
from catalog.vocabulary import (
    AcceptanceStatus,
    AccountState,
    Approval,
    DataClass,
    ItemState,
    VersionState,
)


class FactRecords:
    def __init__(self, link: Link) -> None:
        self._accounts = AccountRecords(link)
        self._assets = AssetRecords(link)
        self._terms = TermsRecords(link)
        self._ledger = LedgerRecords(link)
        self._stops = StopRecords(link)
        self._grants = GrantRecords(link)

    def ground(self, *, account_id: str | None, token_id: str | None = None, ns: str, name: str, ref: str) -> Ground:
        as_of = self._ledger.position()
        known = account_id is not None and (token_id is None or self._accounts.token_stands(token_id))
        account = self._accounts.get(account_id) if known and account_id is not None else None
        asset = self._assets.named(ns, name)
        version = None if asset is None else self._assets.resolve(asset.id, ref)
        # Where nothing is found the gravest values stand in: they open no door.
        data_class = DataClass.MINOR if asset is None else access.data_class(asset, version)
        acceptance = AcceptanceStatus.NONE
        if account is not None and asset is not None:
            in_force = self._terms.in_force(asset.terms_id)
            if in_force is not None:
                majors = self._terms.accepted_majors(account.id, replace(asset, data_class=data_class))
                acceptance = terms_policy.status(majors, in_force)
        grant = None if account is None or asset is None else self._grants.get(asset.id, account.id)
        approval = Approval.PENDING if asset is None else grants.approval(asset.gate, grant)
        facts = AccessFacts(
            authenticated=account is not None,
            active=account is not None and account.state is AccountState.ACTIVE,
            reads=True,
            role=None if account is None else account.role,
            own=account is not None and asset is not None and asset.publisher_id == account.id,
            found=version is not None,
            data_class=data_class,
            version=VersionState.DRAFT if version is None else version.state,
            item=ItemState.SERVED,
            acceptance=acceptance,
            approval=approval,
            as_of=as_of,
        )
        stopped = {} if asset is None else self._stops.stopped(asset.id)
        return Ground(facts=facts, asset=asset, version=version, stopped=stopped)
