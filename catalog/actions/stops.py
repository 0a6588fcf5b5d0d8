"""Hold, withhold, revoke, and the release of a hold: what stops bytes, and what lets them flow again.

The commit is the stop. Its event names what to cut; whoever serves acts on that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.actions import lineage, packing, recall
from catalog.actions.authority import authorise
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, archive_subject, asset_subject, item_subject, version_subject
from catalog.policy import access
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import (
    Actor,
    Asset,
    Complaint,
    ComplaintState,
    DataClass,
    Item,
    ItemState,
    Notice,
    Release,
    ReleaseReason,
    Stop,
    StoppedItem,
    StopReason,
    SubjectRef,
    Version,
    VersionState,
)

TWO_PERSONS_FROM = 2  # the data-class level from which a release needs a second account
STOPPABLE = {
    Stop.HOLD: frozenset({VersionState.PUBLISHED}),
    Stop.REVOKE: frozenset({VersionState.PUBLISHED, VersionState.HELD}),
}
VERSION_AFTER = {Stop.HOLD: VersionState.HELD, Stop.REVOKE: VersionState.REVOKED}
VERSION_EVENT = {Stop.HOLD: EventKind.VERSION_HELD, Stop.REVOKE: EventKind.VERSION_REVOKED}
ITEM_AFTER = {Stop.HOLD: ItemState.HELD, Stop.WITHHOLD: ItemState.WITHHELD}
ITEM_EVENT = {Stop.HOLD: EventKind.ITEM_HELD, Stop.WITHHOLD: EventKind.ITEM_WITHHELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopCommand:
    act: Stop
    subject: SubjectRef
    reason: StopReason
    case: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a subject names: `version` where one is named, `item` where one is."""

    asset: Asset
    version: Version | None
    item: Item | None

    @property
    def name(self) -> str:
        text = self.asset.full_name
        if self.version is not None:
            text += f"@{self.version.id}"
        return text if self.item is None else f"{text}:{self.item.path}"


def stop(tx: Transaction, actor: Actor, command: StopCommand, *, now: datetime, new_id: NewId) -> Notice:
    """Place the stop; effective everywhere once every serving replica has applied the notice's position.

    Raises Denied, NotFound, Invalid (an act that the subject cannot bear), Conflict (stopped already).
    """
    operator = authorise(tx, actor, Act.STOP)
    complaint = None if command.case is None else _open_case(tx, command.case)
    found = find(tx, command.subject)
    notice = place(tx, found, command.act, command.reason, case=command.case, actor=operator.id, now=now, new_id=new_id)
    if complaint is not None and command.act is not Stop.HOLD and complaint.state is ComplaintState.OPEN:
        tx.complaints.decide(complaint.case, ComplaintState.UPHELD, now, operator.id, None)
        happened = Happened(kind=EventKind.COMPLAINT_UPHELD, subject=f"complaint:{complaint.case}")
        tx.append(happened, actor=operator.id, at=now)
    return notice


def place(
    tx: Transaction,
    found: Found,
    act: Stop,
    reason: StopReason,
    *,
    case: str | None,
    actor: str,
    now: datetime,
    new_id: NewId,
) -> Notice:
    """The stop itself, for an operator's act and for what a rule holds at once."""
    item = found.item
    reach = lineage.Reach(contents={}, versions={})
    if item is not None:
        _check_item(tx, found.asset, item, act)
        # First, so that once the position of this notice has been applied theirs have been, too.
        for version, twin in lineage.twins(tx, found.asset, item.sha256):
            if not _is_stopped(tx, found.asset, twin, act):
                also = Found(asset=found.asset, version=version, item=twin)
                place(tx, also, act, reason, case=case, actor=actor, now=now, new_id=new_id)
        versions: list[Version] = []
        reach = lineage.reach(tx, found.asset, item.sha256)
        cuts = {subject for asset_id, digests in reach.contents.items() for subject in _item_cuts(asset_id, digests)}
    else:
        versions = _stoppable(tx, found, act)
        cuts = {asset_subject(found.asset.id) if found.version is None else version_subject(found.version.id)}
    notice_id = f"N-{new_id(12)}"
    data: dict[str, object] = {"act": act.value, "reason": reason.value}
    issued = Happened(kind=EventKind.NOTICE_ISSUED, subject=f"notice:{notice_id}", data=data, cuts=frozenset(cuts))
    position = tx.append(issued, actor=actor, at=now)
    notice = Notice(
        id=notice_id,
        act=act,
        subject=found.name,
        asset_id=found.asset.id,
        version_id=None if found.version is None else found.version.id,
        sha256=None if item is None else item.sha256,
        reason=reason,
        case=case,
        actor_id=actor,
        placed_at=now,
        position=position,
        lifted_at=None,
    )
    tx.stops.add_notice(notice)
    if item is not None:
        for asset_id, digests in reach.contents.items():
            for sha256 in sorted(digests):
                stopped = StoppedItem(sha256=sha256, state=ITEM_AFTER[act], notice_id=notice_id)
                _stop_item(tx, asset_id, stopped, act, actor, now)
    for version in versions:
        tx.assets.set_state(version.id, VERSION_AFTER[act], notice_id)
        tx.append(Happened(kind=VERSION_EVENT[act], subject=version_subject(version.id)), actor=actor, at=now)
    _close_superseded(tx, notice, actor, now)
    own = reach.versions.get(found.asset.id, frozenset()) | {version.id for version in versions}
    concerned = own.union(*reach.versions.values())
    packing.ask(tx, concerned if item is not None else (), now=now)
    recall.issue(tx, notice, found.asset, concerned, now=now)
    if act is not Stop.HOLD:
        lineage.flag(tx, notice, own, actor=actor, now=now, new_id=new_id)
    return notice


def _item_cuts(asset_id: str, digests: Iterable[str]) -> frozenset[str]:
    return frozenset({archive_subject(asset_id), *(item_subject(asset_id, sha256) for sha256 in digests)})


def _stop_item(tx: Transaction, asset_id: str, stopped: StoppedItem, act: Stop, actor: str, now: datetime) -> None:
    """In one asset; where it is stopped already, only by something graver."""
    before = tx.stops.stopped(asset_id).get(stopped.sha256)
    if before is not None and (before.state is ItemState.WITHHELD or act is Stop.HOLD):
        return
    tx.stops.stop_item(asset_id, stopped)
    happened = Happened(kind=ITEM_EVENT[act], subject=item_subject(asset_id, stopped.sha256))
    tx.append(happened, actor=actor, at=now)


def find(tx: Transaction, ref: SubjectRef) -> Found:
    """What the reference names, drafts excepted. Raises NotFound."""
    asset = tx.assets.named(ref.ns, ref.name)
    if asset is None:
        raise NotFound("no-such-subject", subject=str(ref))
    if ref.version is None:
        return Found(asset=asset, version=None, item=None)
    version = tx.assets.resolve(asset.id, ref.version)
    item = None if version is None or ref.path is None else tx.assets.item(version.id, ref.path)
    if version is None or version.state is VersionState.DRAFT or (ref.path is not None and item is None):
        raise NotFound("no-such-subject", subject=str(ref))
    return Found(asset=asset, version=version, item=item)


def _check_item(tx: Transaction, asset: Asset, item: Item, act: Stop) -> None:
    if act not in ITEM_AFTER:
        raise Invalid({"subject": Flaw(Wrong.REVOKE_NO_ITEM)})
    before = tx.stops.stopped(asset.id).get(item.sha256)
    if before is not None and _is_stopped(tx, asset, item, act):
        raise Conflict("already-stopped", notice=before.notice_id)


def _is_stopped(tx: Transaction, asset: Asset, item: Item, act: Stop) -> bool:
    """The act would change nothing."""
    before = tx.stops.stopped(asset.id).get(item.sha256)
    return before is not None and (before.state is ItemState.WITHHELD or act is Stop.HOLD)


def _stoppable(tx: Transaction, found: Found, act: Stop) -> list[Version]:
    if act not in STOPPABLE:
        raise Invalid({"subject": Flaw(Wrong.WITHHOLD_ITEM)})
    versions = list(tx.assets.versions(found.asset.id)) if found.version is None else [found.version]
    to_stop = [version for version in versions if version.state in STOPPABLE[act]]
    if not to_stop:
        stopped = next((version.notice_id for version in versions if version.notice_id is not None), None)
        raise Conflict("already-stopped", notice=stopped) if stopped else Conflict("nothing-released")
    return to_stop


def _close_superseded(tx: Transaction, newer: Notice, actor: str, now: datetime) -> None:
    """A hold that no longer holds anything, since something graver took its place, stands no more."""
    if newer.act is Stop.HOLD:
        return
    in_use = tx.stops.in_use()
    for notice in tx.stops.open_notices():
        if notice.id not in in_use:
            _lift(tx, notice, actor, now)


def _lift(tx: Transaction, notice: Notice, actor: str, now: datetime) -> None:
    tx.stops.lift(notice.id, now)
    tx.append(Happened(kind=EventKind.NOTICE_LIFTED, subject=f"notice:{notice.id}"), actor=actor, at=now)


def _open_case(tx: Transaction, case: str) -> Complaint:
    complaint = tx.complaints.get(case)
    if complaint is None:
        raise NotFound("no-such-case", case=case)
    if complaint.state is ComplaintState.DISMISSED:
        raise Conflict("case-closed", case=case)
    return complaint


def release(
    tx: Transaction, actor: Actor, ref: SubjectRef, reason: ReleaseReason, *, now: datetime, new_id: NewId
) -> tuple[Release, bool]:
    """Lift a hold, or propose to: from class 2 on a second account must confirm. True when it is lifted.

    Raises NotFound when nothing of that subject is held; a revocation and a withheld item are never lifted.
    """
    operator = authorise(tx, actor, Act.RELEASE)
    found = find(tx, ref)
    notice = _standing_hold(tx, found)
    waiting = next((proposal for proposal in tx.stops.proposals() if proposal.notice_id == notice.id), None)
    if waiting is not None:
        raise Conflict("already-proposed", id=waiting.id)
    proposal = Release(
        id=f"R-{new_id(12)}",
        notice_id=notice.id,
        subject=found.name,
        reason=reason,
        proposed_by=operator.id,
        proposed_at=now,
        confirmed_by=None,
        confirmed_at=None,
    )
    tx.stops.propose(proposal)
    data: dict[str, object] = {"notice": notice.id, "reason": reason.value}
    proposed = Happened(kind=EventKind.RELEASE_PROPOSED, subject=f"release:{proposal.id}", data=data)
    tx.append(proposed, actor=operator.id, at=now)
    if _gravest_class(tx, found, notice).level >= TWO_PERSONS_FROM:
        return proposal, False
    return _lifted(tx, proposal, notice, operator.id, now), True


def _gravest_class(tx: Transaction, found: Found, notice: Notice) -> DataClass:
    """A newer release of a milder class does not make what an older one holds any milder; nor does a milder source
    what was made from it."""
    versions = tx.assets.versions(found.asset.id) if found.version is None else [found.version]
    classes = [access.data_class(found.asset, version) for version in versions]
    for asset_id, _ in tx.stops.items_of(notice.id):
        asset = tx.assets.get(asset_id)
        if asset is not None and asset.id != found.asset.id:
            classes += [access.data_class(asset, version) for version in tx.assets.versions(asset_id)]
    return max(classes, key=lambda kept: kept.level)


def confirm(tx: Transaction, actor: Actor, release_id: str, *, now: datetime) -> Release:
    """The second person's word. Raises NotFound, and Conflict for the proposer or when it was lifted already."""
    operator = authorise(tx, actor, Act.RELEASE)
    proposal = tx.stops.release(release_id)
    notice = None if proposal is None else tx.stops.notice(proposal.notice_id)
    if proposal is None or notice is None:
        raise NotFound("no-such-release", id=release_id)
    if proposal.confirmed_at is not None or notice.lifted_at is not None:
        raise Conflict("already-released", id=release_id)
    if proposal.proposed_by == operator.id:
        raise Conflict("second-person", id=release_id)
    return _lifted(tx, proposal, notice, operator.id, now)


def _lifted(tx: Transaction, proposal: Release, notice: Notice, actor: str, now: datetime) -> Release:
    tx.stops.confirm(proposal.id, actor, now)
    _release(tx, notice, actor, now)
    return replace(proposal, confirmed_by=actor, confirmed_at=now)


def _standing_hold(tx: Transaction, found: Found) -> Notice:
    holds = [notice for notice in tx.stops.open_notices() if notice.asset_id == found.asset.id]
    for notice in holds:
        if found.item is not None:
            if notice.sha256 == found.item.sha256:
                source = next(iter(_held_with(tx, notice, sources=True)), None)
                if source is not None:
                    raise Conflict("held-with-asset", subject=source.subject)
                return notice
        elif notice.sha256 is None and notice.version_id == (found.version and found.version.id):
            return notice
    if found.item is not None:
        stopped = tx.stops.stopped(found.asset.id).get(found.item.sha256)
        source = None if stopped is None else tx.stops.notice(stopped.notice_id)
        if source is not None and source.act is Stop.HOLD and source.asset_id != found.asset.id:
            raise Conflict("held-with-asset", subject=source.subject)
    wider = next((n for n in holds if n.version_id is None and n.sha256 is None and found.version is not None), None)
    if wider is not None:
        raise Conflict("held-with-asset", subject=wider.subject)
    raise Conflict("not-held", subject=found.name)


def _held_with(tx: Transaction, notice: Notice, *, sources: bool) -> list[Notice]:
    """The holds that the same act has placed on the content's twins, or on the `sources` that it is a twin of."""
    if notice.sha256 is None:
        return []
    pairs = tx.scans.twins(notice.sha256)
    others = {pair.source_sha256 if sources else pair.sha256 for pair in pairs} - {notice.sha256}
    return [
        other
        for other in tx.stops.open_notices()
        if other.sha256 in others and other.asset_id == notice.asset_id and other.placed_at == notice.placed_at
    ]


def _release(tx: Transaction, notice: Notice, actor: str, now: datetime) -> None:
    for twin in _held_with(tx, notice, sources=False):
        _release(tx, twin, actor, now)
    released: set[str] = set()
    for asset_id, sha256 in tx.stops.items_of(notice.id):
        released |= {version_id for there, version_id, _ in tx.assets.places(sha256) if there == asset_id}
        subject = item_subject(asset_id, sha256)
        other = packing.still_stopped(tx, asset_id, sha256, notice.id)
        if other is None:
            tx.stops.release_item(asset_id, sha256)
            tx.append(Happened(kind=EventKind.ITEM_RELEASED, subject=subject), actor=actor, at=now)
        else:
            tx.stops.stop_item(asset_id, other)
            tx.append(Happened(kind=packing.EVENT_OF[other.state], subject=subject), actor=actor, at=now)
    packing.ask(tx, released, now=now)
    for version in tx.assets.versions(notice.asset_id):
        if version.notice_id == notice.id and version.state is VersionState.HELD:
            tx.assets.set_state(version.id, VersionState.PUBLISHED, None)
            happened = Happened(kind=EventKind.VERSION_RELEASED, subject=version_subject(version.id))
            tx.append(happened, actor=actor, at=now)
            released.add(version.id)
    _lift(tx, notice, actor, now)
    recall.withdraw(tx, notice, released, actor=actor, now=now)
