"""Shards of a version: stopped together with any file in them, made anew without it by a job, listed again with it.

A shard is an item like any other, and a stop of it is an entry of the same overlay, placed in the same transaction as
the stop of the file: there is no moment in which the one is refused and the other is served.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.events import EventKind, Happened, item_subject, slot_subject
from catalog.policy import packing
from catalog.ports import Transaction
from catalog.vocabulary import Asset, Item, ItemState, Shard, StoppedItem, Version, VersionState

REPACK_JOB = "repack"
PACKER = "job:packing"
KEPT_UP = frozenset({VersionState.PUBLISHED, VersionState.HELD})
EVENT_OF = {ItemState.HELD: EventKind.ITEM_HELD, ItemState.WITHHELD: EventKind.ITEM_WITHHELD}
NONE_LISTED = "none"


def all_with(tx: Transaction, sha256: str) -> frozenset[str]:
    """A content and every shard that has it inside, by digest."""
    return frozenset({sha256, *(item.sha256 for _, _, item in tx.shards.holding(sha256))})


def stop_with_files(tx: Transaction, asset: Asset, version: Version, *, now: datetime) -> None:
    """For a version that is being released: what holds a file that is stopped already is stopped with it."""
    stopped = tx.stops.stopped(asset.id)
    for item in tx.shards.of(version.id) if stopped else ():
        stop = _gravest(tx, asset.id, item.sha256, stopped.values())
        if stop is not None:
            ask(tx, [version.id], now=now)
            if item.sha256 not in stopped:
                tx.stops.stop_item(asset.id, stop)
                happened = Happened(kind=EVENT_OF[stop.state], subject=item_subject(asset.id, item.sha256))
                tx.append(happened, actor=PACKER, at=now)


def still_stopped(tx: Transaction, asset_id: str, sha256: str, lifted: str) -> StoppedItem | None:
    """The stop that a shard stays under when the notice `lifted` is: that of another file in it."""
    others = [stop for stop in tx.stops.stopped(asset_id).values() if stop.notice_id != lifted]
    return _gravest(tx, asset_id, sha256, others)


def _gravest(tx: Transaction, asset_id: str, sha256: str, stops: Collection[StoppedItem]) -> StoppedItem | None:
    inside = tx.shards.inside(asset_id, sha256)
    found = [stop for stop in stops if stop.sha256 in inside]
    if not found:
        return None
    worst = max(found, key=lambda stop: stop.state is ItemState.WITHHELD)
    return StoppedItem(sha256=sha256, state=worst.state, notice_id=worst.notice_id)


def ask(tx: Transaction, versions: Collection[str], *, now: datetime) -> None:
    """Have the shards of these versions made anew where that is due, soon after the commit."""
    for version_id in sorted(versions):
        if tx.shards.of(version_id):
            tx.outbox.enqueue(REPACK_JOB, {"version": version_id}, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remake:
    """What a slot should list at present: a shard at `path` of these files in this order, or with no `path` nothing.

    `made`: the shard is there already, and needs only to be listed.
    """

    path: str | None
    shard: Shard
    members: tuple[Item, ...]
    made: bool


def due(tx: Transaction, version_id: str) -> list[Remake]:
    """What does not list as it should; nothing for a version that will not be served again."""
    version = tx.assets.version(version_id)
    if version is None or version.state not in KEPT_UP:
        return []
    return list(_due(tx, version, tx.stops.stopped(version.asset_id).keys()))


def _due(tx: Transaction, version: Version, stopped: Collection[str]) -> Iterator[Remake]:
    slots: dict[int, list[Item]] = {}
    for item in tx.shards.of(version.id):
        if item.shard is not None:
            slots.setdefault(item.shard.slot, []).append(item)
    for slot, shards in sorted(slots.items()):
        files = {file.path: file for file in tx.shards.members(version.id, slot)}
        without = packing.left_out(files, [path for path, file in files.items() if file.sha256 in stopped])
        members = tuple(files[path] for path in packing.in_order(files.keys() - without))
        path = packing.shard_path_beside(shards[0].path, members) if members else None
        if path != next((item.path for item in shards if item.shard is not None and item.shard.listed), None):
            yield Remake(
                path=path,
                shard=Shard(slot=slot, without=tuple(sorted(without)), listed=False),
                members=members,
                made=any(item.path == path for item in shards),
            )


def put_in_place(tx: Transaction, version_id: str, remake: Remake, item: Item | None, *, now: datetime) -> bool:
    """List the shard that was made (None: that was there), and no other of its slot.

    False, and nothing changed, when it is not what is due any more: something was stopped or released meanwhile.
    """
    if remake not in due(tx, version_id):
        return False
    slot = remake.shard.slot
    if item is not None:
        tx.shards.put(version_id, item, ())
    tx.shards.list_only(version_id, slot, remake.path)
    # As released is how it is when nothing is said.
    listed = remake.path if remake.shard.without and remake.path is not None else None
    data: dict[str, object] = {"listed": NONE_LISTED if remake.path is None else listed}
    tx.append(
        Happened(kind=EventKind.SLOT_PACKED, subject=slot_subject(version_id, slot), data=data), actor=PACKER, at=now
    )
    return True
