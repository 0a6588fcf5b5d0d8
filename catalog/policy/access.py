"""The one place that decides whether bytes, a manifest, previews or a card may be shown.

Each door has its denials in a fixed order, gravest first; the first that applies is the reason.
Nothing is granted by omission: `AccessFacts` has no defaults, so an unknown cannot be built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from catalog.vocabulary import (
    AcceptanceStatus,
    AccountState,
    Actor,
    Approval,
    Asset,
    DataClass,
    Decision,
    Door,
    Item,
    ItemState,
    Reason,
    Role,
    Scope,
    StoppedItem,
    Version,
    VersionState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFacts:
    """All that a decision may depend on, read in one transaction and true as of position `as_of`.

    `found` says that the asset and version exist; `own` that the actor published the asset.
    `item` is SERVED where no single item is asked for, and None where the version has no such item.
    """

    authenticated: bool
    active: bool
    reads: bool  # the credential's scopes include `read`
    role: Role | None
    own: bool
    found: bool
    data_class: DataClass
    version: VersionState
    item: ItemState | None
    acceptance: AcceptanceStatus
    approval: Approval
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Facts about an account and a version, before any single item is looked at.

    It holds until the ledger moves past `facts.as_of`; what a released version contains never changes.
    """

    facts: AccessFacts
    asset: Asset | None
    version: Version | None
    stopped: Mapping[str, StoppedItem]

    def at(self, item: Item | None) -> AccessFacts:
        """The facts for one item; None means that the version has no such item."""
        if item is None:
            return replace(self.facts, item=None)
        stop = self.stopped.get(item.sha256)
        return self.facts if stop is None else replace(self.facts, item=stop.state)


def data_class(asset: Asset, version: Version | None) -> DataClass:
    """The class that counts: the asset's, or the version's own where that is graver.

    An asset's class follows its newest release; an older version keeps what its warrant vouched for.
    """
    own = asset.data_class if version is None or version.warrant is None else version.warrant.data_class
    return max(asset.data_class, own, key=lambda kept: kept.level)


Denial = tuple[Reason, Callable[[AccessFacts], bool]]

STOPPED = frozenset({VersionState.HELD, VersionState.REVOKED, VersionState.DESTROYED})


def insider(facts: AccessFacts) -> bool:
    """Operators, and the publisher of the asset, see drafts and what concerns minors."""
    return facts.active and (facts.role is Role.OPERATOR or facts.own)


def invisible(facts: AccessFacts) -> bool:
    hidden = facts.version is VersionState.DRAFT or facts.data_class is DataClass.MINOR
    return not facts.found or (hidden and not insider(facts))


UNAUTHENTICATED: Denial = (Reason.UNAUTHENTICATED, lambda f: not f.authenticated)
SUSPENDED: Denial = (Reason.SUSPENDED, lambda f: f.authenticated and not f.active)
INVISIBLE: Denial = (Reason.NOT_FOUND, invisible)
REVOKED: Denial = (Reason.REVOKED, lambda f: f.version in {VersionState.REVOKED, VersionState.DESTROYED})
HELD: Denial = (Reason.HELD, lambda f: f.version is VersionState.HELD)
ABSENT: Denial = (Reason.NOT_FOUND, lambda f: f.item is None)
ITEM_WITHHELD: Denial = (Reason.ITEM_WITHHELD, lambda f: f.item is ItemState.WITHHELD)
ITEM_HELD: Denial = (Reason.ITEM_HELD, lambda f: f.item is ItemState.HELD)
NO_SCOPE: Denial = (Reason.SCOPE_MISSING, lambda f: not f.reads)
DRAFT: Denial = (Reason.NOT_FOUND, lambda f: f.version is VersionState.DRAFT)
MINOR: Denial = (Reason.NO_PREVIEWS, lambda f: f.data_class is DataClass.MINOR)
REJECTED: Denial = (Reason.ACCESS_REJECTED, lambda f: f.approval is Approval.REJECTED)
NOT_ACCEPTED: Denial = (Reason.TERMS_NOT_ACCEPTED, lambda f: f.acceptance is AcceptanceStatus.NONE)
OUTDATED: Denial = (Reason.TERMS_OUTDATED, lambda f: f.acceptance is AcceptanceStatus.OUTDATED)
PENDING: Denial = (Reason.ACCESS_PENDING, lambda f: f.approval is Approval.PENDING)

STATE: tuple[Denial, ...] = (INVISIBLE, REVOKED, HELD)
HOLDER: tuple[Denial, ...] = (
    UNAUTHENTICATED,
    SUSPENDED,
    *STATE,
    NO_SCOPE,
    DRAFT,
    REJECTED,
    NOT_ACCEPTED,
    OUTDATED,
    PENDING,
)

# What a single item says for itself. Names can be personal data: whoever may not see the list of names
# must learn of none, so for its bytes these come last.
ITEM: tuple[Denial, ...] = (ABSENT, ITEM_WITHHELD, ITEM_HELD)

# A suspended account still reads what anyone reads: suspension takes the bytes, not the public page.
DENIALS: dict[Door, tuple[Denial, ...]] = {
    Door.CARD: STATE,
    Door.PREVIEWS: (*STATE, MINOR, DRAFT, *ITEM),
    Door.MANIFEST: HOLDER,
    Door.BYTES: (*HOLDER, *ITEM),
}


def decide(door: Door, facts: AccessFacts) -> Decision:
    """Say whether `door` opens on these facts, and why not; pure and total."""
    for reason, applies in DENIALS[door]:
        if applies(facts):
            return Decision(allowed=False, reason=reason, as_of=facts.as_of)
    return Decision(allowed=True, reason=Reason.GRANTED, as_of=facts.as_of)


def requires(actor: Actor, role: frozenset[Role], scope: Scope, as_of: int) -> Decision:
    """Say whether the actor may act in one of `role` with a credential that has `scope`."""
    if actor.account is None:
        reason = Reason.UNAUTHENTICATED
    elif actor.account.state is not AccountState.ACTIVE:
        reason = Reason.SUSPENDED
    elif actor.account.role not in role:
        reason = Reason.ROLE_MISSING
    elif scope not in actor.scopes:
        reason = Reason.SCOPE_MISSING
    else:
        return Decision(allowed=True, reason=Reason.GRANTED, as_of=as_of)
    return Decision(allowed=False, reason=reason, as_of=as_of)
