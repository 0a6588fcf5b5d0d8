"""Keeps the shards of released versions up: each slot lists the one without the files that are stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from catalog.actions import packing
from catalog.ports import Clock, Store
from gateway.blobs.base import Originals
from gateway.jobs.beat import now_and_then
from gateway.shards import check_there, make_shard


class Repacker:
    """Lists, for each slot of a version, the shard that should be listed at present; makes it where it is not there."""

    kind = packing.REPACK_JOB

    def __init__(self, store: Store, originals: Originals, *, clock: Clock) -> None:
        self._store = store
        self._originals = originals
        self._clock = clock

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        """Until nothing is due; safe to run again."""
        version_id = str(payload["version"])
        beat = now_and_then(step)
        while True:
            step()
            with self._store.read() as tx:
                remake = next(iter(packing.due(tx, version_id)), None)
            if remake is None:
                return
            item = None
            if remake.path is not None and not remake.made:
                item = make_shard(self._originals, remake.path, remake.shard, remake.members, lambda _: beat())
            with self._store.begin() as tx:
                packing.put_in_place(tx, version_id, remake, item, now=self._clock())
                if item is not None:
                    check_there(self._originals, item)
