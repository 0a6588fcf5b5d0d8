"""What was made from what: named at publish, flagged when a source is stopped for good, answered by its publisher."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.actions import packing
from catalog.errors import Conflict, Flaw, Invalid, Wrong
from catalog.events import EventKind, Happened, flag_subject
from catalog.policy import access, complaints, names
from catalog.ports import NewId, Transaction
from catalog.recalls import Flag, Task, TaskKind
from catalog.vocabulary import Account, Asset, Item, Notice, Version, VersionState

STOPPED = frozenset({VersionState.HELD, VersionState.REVOKED, VersionState.DESTROYED})
SERVED = frozenset({VersionState.PUBLISHED, VersionState.HELD})


def parents(tx: Transaction, publisher: Account, refs: Sequence[str]) -> list[str]:
    """The versions that a warrant's `derived_from` names.

    Raises Invalid for a name that leads to nothing this publisher can see, Conflict("source-stopped") for a version
    that is stopped: nothing new is made of it.
    """
    found = []
    for text in refs:
        try:
            ref = names.subject(text)
        except Invalid:
            ref = None
        if ref is None or ref.version is None or ref.path is not None:
            raise Invalid({"derived_from": Flaw(Wrong.DERIVED_FROM)}, "warrant-incomplete")
        ground = tx.facts.ground(account_id=publisher.id, ns=ref.ns, name=ref.name, ref=ref.version)
        version = ground.version
        if version is None or version.state is VersionState.DRAFT or access.invisible(ground.facts):
            raise Invalid({"derived_from": Flaw(Wrong.NO_SUCH_VERSION, name=text)}, "warrant-incomplete")
        if version.state in STOPPED:
            raise Conflict("source-stopped", source=text, notice=version.notice_id or "")
        found.append(version.id)
    return found


def descendants(tx: Transaction, sources: Collection[str]) -> dict[str, str]:
    """Everything made from these versions, directly or not, each with the one of them it comes from."""
    found: dict[str, str] = {}
    origin = {source: source for source in sources}
    edge = set(sources)
    while edge:
        children = [(parent, child) for parent, child in tx.lineage.children(edge) if child not in origin]
        for parent, child in children:
            origin[child] = found[child] = origin[parent]
        edge = {child for _, child in children}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where a stop of one content applies.

    `contents`: asset id → what is stopped there, the content and every shard that holds it, by digest;
    `versions`: asset id → the versions that have one of them.
    """

    contents: Mapping[str, frozenset[str]]
    versions: Mapping[str, frozenset[str]]


def reach(tx: Transaction, asset: Asset, sha256: str) -> Reach:
    """The asset, and what was made from it and has the same content, by itself or in a shard."""
    places = [(digest, *place) for digest in packing.all_with(tx, sha256) for place in tx.assets.places(digest)]
    own = {version_id for _, asset_id, version_id, _ in places if asset_id == asset.id}
    within = own | descendants(tx, own).keys()
    contents: dict[str, frozenset[str]] = {asset.id: frozenset({sha256})}
    versions: dict[str, frozenset[str]] = {asset.id: frozenset()}
    for digest, asset_id, version_id, _ in places:
        if version_id in within:
            contents[asset_id] = contents.get(asset_id, frozenset()) | {digest}
            versions[asset_id] = versions.get(asset_id, frozenset()) | {version_id}
    return Reach(contents=contents, versions=versions)


def twins(tx: Transaction, asset: Asset, sha256: str) -> list[tuple[Version, Item]]:
    """The same tensors in another form, made from this content: each once, as an item of a version of the asset."""
    made = [twin.sha256 for twin in tx.scans.twins(sha256) if twin.source_sha256 == sha256]
    found = []
    for digest in made:
        for asset_id, version_id, path in tx.assets.places(digest):
            version, item = tx.assets.version(version_id), tx.assets.item(version_id, path)
            if asset_id == asset.id and version is not None and item is not None:
                found.append((version, item))
                break
    return found


def flag(
    tx: Transaction, notice: Notice, sources: Collection[str], *, actor: str, now: datetime, new_id: NewId
) -> None:
    """Flag what was made from versions that were stopped for good, and ask its publishers what becomes of it."""
    asked = {task.asset_id for task in tx.tasks.of_notice(notice.id) if task.kind is TaskKind.SOURCE_STOPPED}
    for version_id, source_id in sorted(descendants(tx, sources).items()):
        new = tx.lineage.flag(Flag(version_id=version_id, source_id=source_id, notice_id=notice.id, flagged_at=now))
        version = tx.assets.version(version_id)
        asset = None if version is None else tx.assets.get(version.asset_id)
        if not new or version is None or asset is None:
            continue
        data: dict[str, object] = {"source": source_id}
        happened = Happened(kind=EventKind.VERSION_FLAGGED, subject=flag_subject(version_id, notice.id), data=data)
        tx.append(happened, actor=actor, at=now)
        if version.state in SERVED and asset.id not in asked:
            asked.add(asset.id)
            open_task(
                tx, TaskKind.SOURCE_STOPPED, notice.id, asset.id,
                version_id=version_id, assignee_id=asset.publisher_id, actor=actor, now=now, new_id=new_id,
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """What a version's page says of a source that was stopped: which, when, and what its publisher answered."""

    source: str  # ns/name@version
    part: bool  # one item of it was withheld; else it was stopped as a whole
    notice_id: str
    flagged_at: datetime
    answer: str | None


def flagged(tx: Transaction, version: Version) -> list[Flagged]:
    """The flags of a version, oldest first."""
    found = []
    for one in tx.lineage.flags([version.id]):
        source = tx.assets.version(one.source_id)
        asset = None if source is None else tx.assets.get(source.asset_id)
        tasks = [task for task in tx.tasks.of_notice(one.notice_id) if task.asset_id == version.asset_id]
        answer = next((task.answer.value for task in tasks if task.answer is not None), None)
        notice = tx.stops.notice(one.notice_id)
        found.append(
            Flagged(
                source="" if asset is None else f"{asset.full_name}@{one.source_id}",
                part=notice is not None and notice.sha256 is not None,
                notice_id=one.notice_id,
                flagged_at=one.flagged_at,
                answer=answer,
            )
        )
    return found


def open_task(
    tx: Transaction,
    kind: TaskKind,
    notice_id: str,
    asset_id: str,
    *,
    version_id: str | None = None,
    assignee_id: str | None = None,
    note: str = "",
    actor: str,
    now: datetime,
    new_id: NewId,
) -> None:
    """Leave something to a person: to the operators, unless it is assigned to one account."""
    task = Task(
        id=f"T-{new_id(12)}",
        kind=kind,
        notice_id=notice_id,
        asset_id=asset_id,
        version_id=version_id,
        assignee_id=assignee_id,
        opened_at=now,
        due_at=complaints.due(now),
        closed_at=None,
        closed_by=None,
        answer=None,
        note=note,
    )
    tx.tasks.open(task)
    data: dict[str, object] = {"kind": task.kind.value, "notice": task.notice_id}
    tx.append(Happened(kind=EventKind.TASK_OPENED, subject=f"task:{task.id}", data=data), actor=actor, at=now)
