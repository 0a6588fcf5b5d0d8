"""Who asked for an asset, and the operators' word on each.

To accept the terms is to ask. Where the gate opens by itself that is enough, until an operator rejects someone;
where it does not, nothing flows before an operator's word. That word never replaces the acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.actions.authority import authorise
from catalog.errors import Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, grant_subject
from catalog.policy import grants
from catalog.policy.names import is_text
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.vocabulary import Acceptance, Account, Actor, Approval, Asset, Gate, Grant

MAX_REASON = 2000
EVENTS = {
    Approval.ACCEPTED: EventKind.ACCESS_ACCEPTED,
    Approval.PENDING: EventKind.ACCESS_PENDING,
    Approval.REJECTED: EventKind.ACCESS_REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An account that accepted the terms, or that an operator spoke about; `acceptance` is its newest."""

    account: Account
    approval: Approval
    acceptance: Acceptance | None
    grant: Grant | None

    @property
    def at(self) -> datetime | None:
        """When it asked, or else when an operator spoke."""
        if self.acceptance is not None:
            return self.acceptance.accepted_at
        return None if self.grant is None else self.grant.decided_at


def requests(tx: Transaction, actor: Actor, asset: Asset, approval: Approval) -> list[Request]:
    """Those who stand so, the newest first. Raises Denied."""
    authorise(tx, actor, Act.DECIDE_ACCESS)
    newest: dict[str, Acceptance] = {}
    for acceptance in tx.terms.acceptances_of(asset.id):
        newest.setdefault(acceptance.account_id, acceptance)
    spoken = {grant.account_id: grant for grant in tx.grants.of_asset(asset.id)}
    found = []
    for account_id in dict.fromkeys([*newest, *spoken]):
        account, grant = tx.accounts.get(account_id), spoken.get(account_id)
        if account is not None and grants.approval(asset.gate, grant) is approval:
            found.append(Request(account=account, approval=approval, acceptance=newest.get(account_id), grant=grant))
    return found


def decide(
    tx: Transaction,
    actor: Actor,
    asset: Asset,
    account: Account,
    approval: Approval,
    reason: str | None,
    *,
    now: datetime,
) -> Grant:
    """The operator's word; what shuts the door also cuts what runs. Raises Denied, Invalid."""
    operator = authorise(tx, actor, Act.DECIDE_ACCESS)
    if approval is Approval.REJECTED and not (reason and reason.strip()):
        raise Invalid({"rejectionReason": Flaw(Wrong.MISSING)})
    if reason is not None and (len(reason) > MAX_REASON or not is_text(reason)):
        raise Invalid({"rejectionReason": Flaw(Wrong.CHARACTERS, least=1, most=MAX_REASON)})
    grant = Grant(
        asset_id=asset.id,
        account_id=account.id,
        approval=approval,
        reason=reason if approval is Approval.REJECTED else None,
        decided_by=operator.id,
        decided_at=now,
    )
    _put(tx, grant)
    return grant


def asked(tx: Transaction, asset: Asset, account: Account) -> bool:
    """Whether there is anything to decide about."""
    return tx.grants.get(asset.id, account.id) is not None or any(
        acceptance.account_id == account.id for acceptance in tx.terms.acceptances_of(asset.id)
    )


def set_gate(tx: Transaction, actor: Actor, asset: Asset, gate: Gate, *, now: datetime) -> Asset:
    """How the asset opens from now on; who is inside when it becomes manual stays inside. Raises Denied."""
    operator = authorise(tx, actor, Act.DECIDE_ACCESS)
    present = tx.assets.get(asset.id)
    if present is None:
        raise NotFound()
    if present.gate is gate:
        return present
    if gate is Gate.MANUAL:
        for request in requests(tx, actor, present, Approval.ACCEPTED):
            if request.grant is None:
                decide(tx, actor, present, request.account, Approval.ACCEPTED, None, now=now)
    changed = replace(present, gate=gate)
    tx.assets.update(changed)
    kind = EventKind.GATE_MANUAL if gate is Gate.MANUAL else EventKind.GATE_AUTO
    tx.append(Happened(kind=kind, subject=f"gate:{asset.id}"), actor=operator.id, at=now)
    return changed


def _put(tx: Transaction, grant: Grant) -> None:
    tx.grants.put(grant)
    subject = grant_subject(grant.asset_id, grant.account_id)
    cuts = frozenset() if grant.approval is Approval.ACCEPTED else frozenset({subject})
    happened = Happened(kind=EVENTS[grant.approval], subject=subject, cuts=cuts)
    tx.append(happened, actor=grant.decided_by, at=grant.decided_at)
