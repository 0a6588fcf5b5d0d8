"""What handlers reach of the catalogue: transactions run in threads, and facts kept while they hold.

A fact is kept only until the ledger moves; what a released version contains never changes and is kept
until there is no room.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import anyio.to_thread

from catalog.actions import deliver
from catalog.errors import Denied
from catalog.policy.access import Ground
from catalog.ports import Clock, NewId, Store, Transaction
from catalog.vocabulary import Actor, Door, Item, Scope, Version, VersionState

P = ParamSpec("P")
T = TypeVar("T")

READERS = 8
MAX_GROUNDS = 20_000
MAX_MANIFEST_ITEMS = 1_000_000  # about 400 MB at most, all versions together


class Contents(NamedTuple):
    """A version's items by path, in order of path: those that are listed, and every one that has an address."""

    listed: Mapping[str, Item]
    every: Mapping[str, Item]


GroundKey = tuple[str | None, str | None, str, str, str]


class Catalogue:
    """The catalogue as the web layer uses it. All methods belong to the event loop's thread."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self.new_id = new_id
        self._readers = anyio.CapacityLimiter(READERS)
        self._writer = anyio.CapacityLimiter(1)  # one transaction writes at a time: a second thread would only wait
        self._grounds: OrderedDict[GroundKey, Ground] = OrderedDict()
        self._contents: OrderedDict[tuple[str, int], Contents] = OrderedDict()
        self._reading: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
        self._kept_items = 0
        self._generation = 0

    def now(self) -> datetime:
        return self._clock()

    @property
    def generation(self) -> int:
        """Another number means that a decision made before may no longer hold."""
        return self._generation

    async def read(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(tx, …)` on a snapshot, in a thread. Raises CatalogError."""

        def run() -> T:
            with self._store.read() as tx:
                return query(tx, *args, **kwargs)

        return await anyio.to_thread.run_sync(run, limiter=self._readers)

    async def write(self, act: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `act(tx, …)` in a write transaction, in a thread; on return it is durable. Raises CatalogError.

        A visitor who leaves does not undo it: the thread runs to its end.
        """

        def run() -> T:
            with self._store.begin() as tx:
                return act(tx, *args, **kwargs)

        try:
            return await anyio.to_thread.run_sync(run, limiter=self._writer)
        finally:
            self._forget()  # whoever acted sees the effect in the next request, before the watcher tells of it

    async def ground(self, actor: Actor, ns: str, name: str, ref: str) -> Ground:
        """What decisions about this account and version stand on."""
        account_id = None if actor.account is None else actor.account.id
        key = (account_id, actor.token_id, ns, name, ref)
        kept = self._grounds.get(key)
        if kept is not None:
            return kept
        generation = self._generation
        ground = await self.read(partial(deliver.ground, ns=ns, name=name, ref=ref), actor)
        if generation == self._generation:  # else something changed while it was read: use it, do not keep it
            self._grounds[key] = ground
            if len(self._grounds) > MAX_GROUNDS:
                self._grounds.popitem(last=False)
        return ground

    async def manifest(self, ground: Ground) -> Mapping[str, Item]:
        """The items of the ground's version by path, in order of path; of each slot's shards the one that is listed."""
        return (await self._contents_of(ground)).listed

    async def _contents_of(self, ground: Ground) -> Contents:
        version = ground.version
        if version is None:
            return Contents({}, {})
        kept = self._contents.get(version.contents)
        if kept is not None:
            self._contents.move_to_end(version.contents)
            return kept
        # One reads for all who come meanwhile: at a start many ask for the same, and a list may have a million items.
        reading = self._reading.setdefault(version.contents, asyncio.Lock())
        async with reading:
            kept = self._contents.get(version.contents)
            return await self._read_contents(version) if kept is None else kept

    async def _read_contents(self, version: Version) -> Contents:
        every = {item.path: item for item in await self.read(lambda tx: tx.assets.items(version.id))}
        hidden = {path for path, item in every.items() if item.shard is not None and not item.shard.listed}
        listed = {path: item for path, item in every.items() if path not in hidden} if hidden else every
        contents = Contents(listed, every)
        if version.state is not VersionState.DRAFT:
            self._keep(version.contents, contents)
        return contents

    def _keep(self, key: tuple[str, int], contents: Contents) -> None:
        if key in self._contents:
            return
        self._contents[key] = contents
        self._kept_items += len(contents.every)
        while self._kept_items > MAX_MANIFEST_ITEMS and len(self._contents) > 1:
            _, dropped = self._contents.popitem(last=False)
            self._kept_items -= len(dropped.every)

    async def access(self, actor: Actor, door: Door, ns: str, name: str, ref: str) -> tuple[deliver.Access, Ground]:
        """The decision on a whole version. Raises Denied."""
        ground = await self.ground(actor, ns, name, ref)
        access = deliver.judge(ground, actor, door)
        if not access.decision.allowed:
            raise denied(access)
        return access, ground

    async def item(self, actor: Actor, ns: str, name: str, ref: str, path: str) -> deliver.Access:
        """The decision on one item's bytes. Raises Denied."""
        ground = await self.ground(actor, ns, name, ref)
        item = (await self._contents_of(ground)).every.get(path)
        access = deliver.judge(ground, actor, Door.BYTES, item=item, one=True)
        if not access.decision.allowed:
            raise denied(access)
        return access

    def moved(self, position: int) -> None:
        """The ledger moved: what was known of states is known no more."""
        self._forget()

    def _forget(self) -> None:
        self._generation += 1
        self._grounds.clear()


def denied(access: deliver.Access) -> Denied:
    """The refusal, with what its sentence and its links need."""
    params = {"scope": Scope.READ.value}
    if access.asset is not None:
        params["asset"] = access.asset.full_name
        params["terms_id"] = access.asset.terms_id
    if access.version is not None:
        params["version"] = access.version.id
    if access.notice_id is not None:
        params["notice"] = access.notice_id
    return Denied(access.decision, **params)
