"""May this actor pass this door, and what lies behind it?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.events import (
    account_subject,
    archive_subject,
    asset_subject,
    grant_subject,
    item_subject,
    token_subject,
    version_subject,
)
from catalog.policy.access import Ground, decide
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Asset, Decision, Door, Item, Reason, Scope, Version

ITEM_STOPPED = frozenset({Reason.ITEM_WITHHELD, Reason.ITEM_HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A decision with what it is about. It may be kept until the ledger moves past `decision.as_of`."""

    decision: Decision
    asset: Asset | None
    version: Version | None
    item: Item | None
    notice_id: str | None

    def subjects(self, actor: Actor) -> frozenset[str]:
        """Everything whose stop must cut a stream of this access: one item's, or an archive's."""
        subjects = set()
        if self.asset is not None:
            subjects.add(asset_subject(self.asset.id))
            subjects.add(item_subject(self.asset.id, self.item.sha256) if self.item else archive_subject(self.asset.id))
        if self.version is not None:
            subjects.add(version_subject(self.version.id))
        if actor.account is not None:
            subjects.add(account_subject(actor.account.id))
            if self.asset is not None:
                subjects.add(grant_subject(self.asset.id, actor.account.id))
        if actor.token_id is not None:
            subjects.add(token_subject(actor.token_id))
        return frozenset(subjects)


def judge(ground: Ground, actor: Actor, door: Door, *, item: Item | None = None, one: bool = False) -> Access:
    """Decide on this ground. With `one`, a single item is asked for, and None means there is none. Pure."""
    facts = ground.at(item) if one else ground.facts
    if Scope.READ not in actor.scopes:
        facts = replace(facts, reads=False)
    decision = decide(door, facts)
    notice_id = None if ground.version is None else ground.version.notice_id
    if decision.reason in ITEM_STOPPED and item is not None and (stop := ground.stopped.get(item.sha256)) is not None:
        notice_id = stop.notice_id  # with any other reason it would tell that the item is there
    return Access(decision=decision, asset=ground.asset, version=ground.version, item=item, notice_id=notice_id)


def ground(tx: Transaction, actor: Actor, *, ns: str, name: str, ref: str) -> Ground:
    account_id = None if actor.account is None else actor.account.id
    return tx.facts.ground(account_id=account_id, token_id=actor.token_id, ns=ns, name=name, ref=ref)
