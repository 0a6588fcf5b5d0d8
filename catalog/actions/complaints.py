"""Complaints: filed by anyone, answered by an operator within the policy's clock."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest

from catalog.actions import stops
from catalog.actions.authority import authorise
from catalog.actions.credentials import digest
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened
from catalog.policy import complaints as clock
from catalog.policy import names
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import (
    Actor,
    Asset,
    Complaint,
    ComplaintItem,
    ComplaintKind,
    ComplaintState,
    Notice,
    ReleaseReason,
    Stop,
    StopReason,
    SubjectRef,
    Version,
    VersionState,
)

PUBLIC = "public"  # the actor of an event that someone without an account caused
RULE = "rule:child-item-held-at-once"
DAY = timedelta(days=1)
MAX_LINKS = 20
MAX_ITEMS = 100
MAX_TILE = 1_000_000
LIMITS = {"name": 200, "contact": 400, "request": 10_000, "link": 2_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileComplaint:
    """`source` is a keyed hash of the sender's address: enough to count by, not to know by."""

    kind: str
    name: str
    contact: str
    request: str
    links: Sequence[str]
    asset: str | None
    items: Sequence[ComplaintItem]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    complaint: Complaint
    secret: str  # opens the status page; kept here as a digest only
    held: tuple[Notice, ...]


def file_complaint(tx: Transaction, command: FileComplaint, *, now: datetime, new_id: NewId) -> Filed:
    """Take the complaint in. Whatever it names is kept as it was written, found or not.

    Raises Invalid naming each field that lacks something.
    """
    kind = _check(command)
    secret = secrets.token_hex(16)
    complaint = Complaint(
        case=f"C-{new_id(10)}",
        secret_sha256=digest(secret),
        kind=kind,
        state=ComplaintState.OPEN,
        name=command.name.strip(),
        contact=command.contact.strip(),
        request=command.request.strip(),
        links=tuple(link.strip() for link in command.links if link.strip()),
        asset=command.asset.strip() if command.asset and command.asset.strip() else None,
        items=_dated(tx, command),
        source=command.source,
        filed_at=now,
        due_at=clock.due(now),
        decided_at=None,
        decided_by=None,
        decision_reason=None,
    )
    tx.complaints.add(complaint)
    data: dict[str, object] = {"kind": kind.value}
    happened = Happened(kind=EventKind.COMPLAINT_FILED, subject=f"complaint:{complaint.case}", data=data)
    tx.append(happened, actor=PUBLIC, at=now)
    return Filed(complaint=complaint, secret=secret, held=_hold_at_once(tx, complaint, now, new_id))


def _check(command: FileComplaint) -> ComplaintKind:
    wrong: dict[str, Flaw] = {}
    for field, text in (("name", command.name), ("contact", command.contact), ("request", command.request)):
        if not text.strip():
            wrong[field] = Flaw(Wrong.MISSING)
        elif len(text) > LIMITS[field]:
            wrong[field] = Flaw(Wrong.CHARACTERS, least=1, most=LIMITS[field])
    if command.kind not in {kind.value for kind in ComplaintKind}:
        wrong["kind"] = Flaw(Wrong.ONE_OF, values=", ".join(ComplaintKind))
    if len(command.links) > MAX_LINKS or any(len(link) > LIMITS["link"] for link in command.links):
        wrong["links"] = Flaw(Wrong.LINKS, most=MAX_LINKS, length=LIMITS["link"])
    written = {
        "name": command.name,
        "contact": command.contact,
        "request": command.request,
        "links": "".join(command.links),
        "asset": command.asset or "",
        "items": "".join(f"{item.path}{item.version}" for item in command.items),
    }
    wrong |= {field: Flaw(Wrong.HALF_CHARACTER) for field, text in written.items() if not names.is_text(text)}
    if len(command.items) > MAX_ITEMS:
        wrong["items"] = Flaw(Wrong.AT_MOST, most=MAX_ITEMS)
    if command.items and not (command.asset and command.asset.strip()):
        wrong["asset"] = Flaw(Wrong.NEEDS_ASSET)
    if wrong:
        raise Invalid(wrong)
    return ComplaintKind(command.kind)


def _dated(tx: Transaction, command: FileComplaint) -> tuple[ComplaintItem, ...]:
    """What is found in `main` is named in the version that is `main` today: a later publish does not turn the
    complaint to another picture."""
    asset = _asset_named(tx, command.asset)
    main = None if asset is None else tx.assets.resolve(asset.id, names.MAIN)

    def dated(item: ComplaintItem) -> ComplaintItem:
        if main is None or item.version not in {None, names.MAIN} or _path_in(tx, main, item) is None:
            return item
        return replace(item, version=main.id)

    return tuple(dated(item) for item in command.items)


def _path_in(tx: Transaction, version: Version, named: ComplaintItem) -> str | None:
    """The path of the item in this version, None when it has no such item."""
    path = named.path
    if path is None and named.preview is not None and 0 < named.preview <= MAX_TILE:
        preview = tx.previews.get(version.id, named.preview)
        path = None if preview is None else preview.path
    return path if path is not None and tx.assets.item(version.id, path) is not None else None


def _asset_named(tx: Transaction, full_name: str | None) -> Asset | None:
    try:
        ns, name = names.asset_name((full_name or "").strip())
    except Invalid:
        return None
    return tx.assets.named(ns, name)


def subjects_named(tx: Transaction, complaint: Complaint) -> list[SubjectRef]:
    """The items that the complaint names and that are really there; what is still a draft is not."""
    asset = _asset_named(tx, complaint.asset)
    if asset is None:
        return []
    found: list[SubjectRef] = []
    for named in complaint.items:
        version = tx.assets.resolve(asset.id, named.version or names.MAIN)
        if version is None or version.state is VersionState.DRAFT:
            continue
        path = _path_in(tx, version, named)
        if path is not None:
            found.append(SubjectRef(ns=asset.ns, name=asset.name, version=version.id, path=path))
    return found


def _hold_at_once(tx: Transaction, complaint: Complaint, now: datetime, new_id: NewId) -> tuple[Notice, ...]:
    left = clock.holds_at_once(complaint.kind, tx.complaints.child_holds_since(complaint.source, now - DAY))
    held: list[Notice] = []
    for subject in subjects_named(tx, complaint):
        if len(held) >= left:
            break
        found = stops.find(tx, subject)
        stopped = tx.stops.stopped(found.asset.id)
        if found.item is None or found.item.sha256 in stopped:
            continue
        held.append(
            stops.place(tx, found, Stop.HOLD, StopReason.CHILD, case=complaint.case, actor=RULE, now=now, new_id=new_id)
        )
    return tuple(held)


def status(tx: Transaction, case: str, secret: str) -> tuple[Complaint, Sequence[Notice]]:
    """The complainant's view. An unknown case and a wrong secret look the same: NotFound."""
    complaint = tx.complaints.get(case)
    expected = digest("") if complaint is None else complaint.secret_sha256
    if not compare_digest(digest(secret), expected) or complaint is None:
        raise NotFound()
    return complaint, tx.complaints.notices(case)


def dismiss(tx: Transaction, actor: Actor, case: str, reason: ReleaseReason, *, now: datetime) -> Complaint:
    """Answer "no", with a reason. Holds stand until they are released. Raises NotFound, Conflict."""
    operator = authorise(tx, actor, Act.DISMISS)
    complaint = tx.complaints.get(case)
    if complaint is None:
        raise NotFound("no-such-case", case=case)
    if complaint.state is not ComplaintState.OPEN:
        raise Conflict("case-closed", case=case)
    tx.complaints.decide(case, ComplaintState.DISMISSED, now, operator.id, reason)
    data: dict[str, object] = {"reason": reason.value}
    happened = Happened(kind=EventKind.COMPLAINT_DISMISSED, subject=f"complaint:{case}", data=data)
    tx.append(happened, actor=operator.id, at=now)
    return replace(
        complaint,
        state=ComplaintState.DISMISSED,
        decided_at=now,
        decided_by=operator.id,
        decision_reason=reason.value,
    )
