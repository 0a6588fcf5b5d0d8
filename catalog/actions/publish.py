"""From a draft to a released version.

A draft is opened, filled with items in as many transactions as it takes (a crash loses none that was
acknowledged), and released in one: only then does anyone else see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import rfc8785

from catalog.actions import lineage, packing
from catalog.actions.authority import authorise
from catalog.errors import Conflict, Denied, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened, asset_subject, version_subject
from catalog.policy import card as cards
from catalog.policy import names, previews, warrant
from catalog.policy import packing as rules
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import (
    Account,
    Actor,
    Asset,
    DataClass,
    Decision,
    Item,
    Kind,
    Persons,
    Preview,
    PreviewState,
    Reason,
    Role,
    Scan,
    Stop,
    Title,
    Twin,
    Version,
    VersionState,
    Warrant,
)

PREVIEW_JOB = "previews"
NAMES_SHOWN = 5
BARRED_SHOWN = 1000  # as many as are looked at; one is enough to refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a publisher hands over besides the items."""

    kind: Kind
    full_name: str
    terms_id: str
    warrant: Mapping[str, object]
    class_override: str | None
    tag: str | None
    card: str


def open_draft(tx: Transaction, actor: Actor, kind: Kind, full_name: str, *, now: datetime, new_id: NewId) -> Version:
    """The asset's draft, new or the one a former run left. Raises Invalid, Denied, Conflict."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    ns, name = names.asset_name(full_name)
    asset = tx.assets.named(ns, name)
    if asset is None:
        asset = Asset(
            id=f"s{new_id(16)}",
            ns=ns,
            name=name,
            kind=kind,
            data_class=DataClass.MINOR,  # the gravest, until a warrant says otherwise
            title=Title(en=full_name, zh=full_name),
            terms_id="",
            publisher_id=publisher.id,
            created_at=now,
        )
        tx.assets.add(asset)
        happened = Happened(kind=EventKind.ASSET_CREATED, subject=asset_subject(asset.id), data={"name": full_name})
        tx.append(happened, actor=publisher.id, at=now)
    check_owner(tx, publisher, asset)
    if asset.kind is not kind:
        raise Conflict("other-kind", asset=full_name, kind=asset.kind.value)
    draft = tx.assets.draft(asset.id)
    if draft is not None:
        return draft
    draft = Version(
        id=new_id(40),
        asset_id=asset.id,
        state=VersionState.DRAFT,
        tag=None,
        card="",
        warrant=None,
        manifest_sha256=None,
        item_count=0,
        total_size=0,
        created_at=now,
        published_at=None,
        notice_id=None,
    )
    tx.assets.add_version(draft)
    tx.append(Happened(kind=EventKind.VERSION_OPENED, subject=version_subject(draft.id)), actor=publisher.id, at=now)
    return draft


def folders_draft(
    tx: Transaction, actor: Actor, kind: Kind, full_name: str, *, now: datetime, new_id: NewId
) -> Version:
    """The draft for a whole folder, which takes the place of all that is in it.

    Raises what `open_draft` raises; Conflict where clients have sent files for it, which would be lost.
    """
    draft = open_draft(tx, actor, kind, full_name, now=now, new_id=new_id)
    if tx.uploads.sent(draft.id):
        raise Conflict("draft-begun", asset=full_name)
    return draft


def add_items(tx: Transaction, actor: Actor, version_id: str, items: Sequence[Item]) -> None:
    """Add items to a draft; a path given again is replaced. Raises Invalid, Denied, Conflict."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft_of(tx, publisher, version_id)
    for item in items:
        names.file_path(item.path)
    tx.assets.add_items(version_id, items)


def keep_only(tx: Transaction, actor: Actor, version_id: str, items: Sequence[Item]) -> None:
    """Make the draft hold exactly these items."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft_of(tx, publisher, version_id)
    tx.assets.clear_items(version_id)
    for item in items:
        names.file_path(item.path)
    tx.assets.add_items(version_id, items)


def add_shard(tx: Transaction, actor: Actor, version_id: str, item: Item, members: Sequence[str]) -> None:
    """Add a shard that holds these files of the draft. Raises Denied, Conflict."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft_of(tx, publisher, version_id)
    tx.shards.put(version_id, item, members)


def keep_shards(tx: Transaction, actor: Actor, version_id: str, paths: Sequence[str]) -> None:
    """Make the draft hold exactly these of its shards."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft_of(tx, publisher, version_id)
    tx.shards.keep(version_id, paths)


def record_scans(
    tx: Transaction, actor: Actor, version_id: str, scans: Sequence[Scan], twins: Sequence[Twin] = ()
) -> None:
    """Write down what was found in the draft's contents, and which of them are others' twins."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft_of(tx, publisher, version_id)
    for scan in scans:
        tx.scans.put(scan)
    for twin in twins:
        tx.scans.pair(twin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    version: Version
    new: bool  # False: an equal manifest was there already
    warnings: tuple[str, ...]
    preview_job: int | None


def release(
    tx: Transaction,
    actor: Actor,
    version_id: str,
    publication: Publication,
    *,
    previews_per_version: int,
    now: datetime,
) -> Released:
    """Release the draft: from the commit on it is `main`.

    Raises Invalid naming what the warrant lacks, or which files of a model were not looked through or may not be loaded
    (the version stays a draft), Conflict when the asset is held.
    A manifest equal to that of a released, unstopped version gives that version, and the draft is no more.
    """
    publisher = authorise(tx, actor, Act.PUBLISH)
    draft, asset = draft_of(tx, publisher, version_id)
    items = tx.assets.items(version_id)
    checked, wrong = vouched_for(tx, publication)
    if not items:
        wrong["items"] = Flaw(Wrong.NO_ITEMS)
    if checked is None or wrong:
        raise Invalid(wrong, "warrant-incomplete")
    names.no_collisions(item.path for item in items)
    if publication.tag is not None:
        names.tag(publication.tag)
    if _held(tx, asset):
        raise Conflict("asset-held", asset=asset.full_name)
    refuse_what_was_stopped(tx, asset, version_id)
    if asset.kind is Kind.MODEL:
        _refuse_what_loading_would_run(tx, version_id, items)
    parents = lineage.parents(tx, publisher, checked.derived_from)
    digest = manifest_digest(items)
    files = [item for item in items if item.shard is None]  # shards hold nothing that is not there already
    same = tx.assets.published_with(asset.id, digest)
    if same is not None:
        kept = () if same.warrant == checked else ("warrant-not-taken",)
        end_draft(tx, publisher, version_id, now=now)
        return Released(version=same, new=False, warnings=kept, preview_job=None)
    released = replace(
        draft,
        state=VersionState.PUBLISHED,
        tag=publication.tag,
        card=publication.card,
        warrant=checked,
        manifest_sha256=digest,
        item_count=len(files),
        total_size=sum(item.size for item in files),
        published_at=now,
    )
    moved = publication.tag is not None and tx.assets.resolve(asset.id, publication.tag) is not None
    tx.assets.update(replace(asset, title=checked.title, data_class=checked.data_class, terms_id=publication.terms_id))
    tx.assets.release(released)
    tx.uploads.forget(version_id)
    packing.stop_with_files(tx, asset, released, now=now)
    tx.lineage.derive(version_id, parents)
    data: dict[str, object] = {"asset": asset.id, "manifest": digest, "class": checked.data_class.value}
    happened = Happened(kind=EventKind.VERSION_PUBLISHED, subject=version_subject(version_id), data=data)
    tx.append(happened, actor=publisher.id, at=now)
    job = None
    if previews.may_have_previews(checked.data_class):
        job = _plan_previews(tx, released, files, previews_per_version, now)
    unknown = checked.persons is Persons.UNKNOWN and checked.data_class in {DataClass.FACE, DataClass.BODY}
    warnings = (
        *(["persons-unknown"] if unknown else []),
        *(["tag-moved"] if moved else []),
        *cards.doubts(publication.card, checked, [item.path for item in items]),
    )
    return Released(version=released, new=True, warnings=warnings, preview_job=job)


def vouched_for(tx: Transaction, publication: Publication) -> tuple[Warrant | None, dict[str, Flaw]]:
    """The warrant, and what it, the terms or the card lack, by key."""
    checked, wrong = warrant.read(publication.warrant, publication.class_override)
    if not publication.terms_id:
        wrong["terms"] = Flaw(Wrong.MISSING)
    elif tx.terms.in_force(publication.terms_id) is None:
        wrong["terms"] = Flaw(Wrong.NO_SUCH_TERMS, id=publication.terms_id)
    try:
        cards.read(publication.card)
    except Invalid as error:
        wrong |= error.fields
    return checked, wrong


def whole_card(publication: Publication) -> str:
    """The card with what its head lacks. Raises Invalid.

    A warrant that cannot be read adds nothing: the release will name what is wrong with it.
    """
    checked, _ = warrant.read(publication.warrant, publication.class_override)
    return publication.card if checked is None else cards.complete(publication.card, checked, publication.terms_id)


def manifest_digest(items: Sequence[Item]) -> str:
    """SHA-256 over the canonical JSON of [path, sha256] pairs in order of path."""
    pairs = [[item.path, item.sha256] for item in sorted(items, key=lambda item: item.path)]
    return hashlib.sha256(rfc8785.dumps(pairs)).hexdigest()


def _plan_previews(tx: Transaction, version: Version, items: Sequence[Item], limit: int, now: datetime) -> int | None:
    planned = [
        Preview(
            version_id=version.id,
            n=n,
            path=place.item.path,
            item_sha256=place.item.sha256,
            part=place.part,
            state=PreviewState.PENDING,
            blob=None,
            why=None,
            width=None,
            height=None,
        )
        for n, place in enumerate(previews.choose(items, limit), start=1)
    ]
    if not planned:
        return None
    tx.previews.plan(planned)
    return tx.outbox.enqueue(PREVIEW_JOB, {"version": version.id}, now)


def end_draft(tx: Transaction, publisher: Account, version_id: str, *, now: datetime) -> None:
    """The draft goes, with the list of what was sent for it; its contents are nobody's until they are swept."""
    tx.uploads.forget(version_id)
    tx.assets.discard(version_id)
    happened = Happened(kind=EventKind.VERSION_DISCARDED, subject=version_subject(version_id))
    tx.append(happened, actor=publisher.id, at=now)


def stopped_in(tx: Transaction, asset: Asset, version_id: str) -> Mapping[str, str]:
    """Files of a draft whose content was stopped and may not come back, path to notice; at most BARRED_SHOWN."""
    found = tx.recalls.barred(asset.id, version_id, BARRED_SHOWN)
    card = tx.assets.item(version_id, names.CARD) if names.CARD in found else None
    if card is None or not _made_here(tx, card, found[names.CARD]):
        return found
    return {path: notice for path, notice in found.items() if path != names.CARD}


def _made_here(tx: Transaction, card: Item, notice_id: str) -> bool:
    """The card was revoked only with versions to which hubgate gave it, of no words of a publisher's."""
    notice = tx.stops.notice(notice_id)
    if notice is None or notice.act is not Stop.REVOKE:
        return False
    for _, version_id, path in tx.assets.places(card.sha256):
        version = tx.assets.version(version_id)
        if version is None or version.state not in {VersionState.REVOKED, VersionState.DESTROYED}:
            continue
        its_card = path == names.CARD and hashlib.sha256(version.card.encode()).hexdigest() == card.sha256
        terms_id = cards.terms_asked(version.card)
        if not its_card or version.warrant is None or tx.terms.in_force(terms_id) is None:
            return False
        if version.card != rules.card_of_nothing(version.card, version.warrant, terms_id):
            return False
    return True


def refuse_what_was_stopped(
    tx: Transaction, asset: Asset, version_id: str, paths: Collection[str] | None = None
) -> None:
    """Content that was stopped does not come back under another name. Raises Conflict with its notice.

    `paths`: of these files alone.
    """
    found = stopped_in(tx, asset, version_id)
    refused = {path: notice for path, notice in found.items() if paths is None or path in paths}
    if refused:
        path, notice_id = next(iter(refused.items()))
        raise Conflict("content-stopped", path=path, count=str(len(refused)), notice=notice_id)


def _refuse_what_loading_would_run(tx: Transaction, version_id: str, items: Sequence[Item]) -> None:
    """Each file of a model was looked through, and may be loaded. Raises Invalid naming those that may not."""
    scans = tx.scans.of_version(version_id)
    wrong = {}
    for item in items:
        scan = scans.get(item.sha256)
        if scan is None:
            wrong[item.path] = Flaw(Wrong.NOT_SCANNED)
        elif scan.why is not None:
            wrong[item.path] = Flaw(Wrong(f"pickle-{scan.why}"), names=", ".join(scan.names[:NAMES_SHOWN]))
    if wrong:
        raise Invalid(wrong, "model-refused")


def _held(tx: Transaction, asset: Asset) -> bool:
    """A hold on the whole asset stands."""
    return any(
        notice.asset_id == asset.id and notice.version_id is None and notice.sha256 is None
        for notice in tx.stops.open_notices()
    )


def check_owner(tx: Transaction, publisher: Account, asset: Asset) -> None:
    """Raises Denied for another publisher's asset."""
    if asset.publisher_id != publisher.id and publisher.role is not Role.OPERATOR:
        decision = Decision(allowed=False, reason=Reason.OTHER_PUBLISHER, as_of=tx.ledger.position())
        raise Denied(decision, asset=asset.full_name)


def draft_of(tx: Transaction, publisher: Account, version_id: str) -> tuple[Version, Asset]:
    """The publisher's own draft. Raises NotFound, Denied, Conflict when it is released."""
    version = tx.assets.version(version_id)
    asset = None if version is None else tx.assets.get(version.asset_id)
    if version is None or asset is None:
        raise NotFound()
    check_owner(tx, publisher, asset)
    if version.state is not VersionState.DRAFT:
        raise Conflict("not-a-draft", version=version_id)
    return version, asset
