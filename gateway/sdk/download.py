"""Brings the files of a version into a folder: checked, resumable, and stopped when the gateway stops."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.sdk import wire
from gateway.sdk.choice import Globs, choose, queries
from gateway.sdk.content import bring_content
from gateway.sdk.destination import WINDOWS, Destination
from gateway.sdk.errors import NoSpace, Stopped
from gateway.sdk.holdings import NewCopy
from gateway.sdk.kept import Kept, by_archive
from gateway.sdk.large import Abandoned, Slow
from gateway.sdk.machine import Machine
from gateway.sdk.paths import check_all
from gateway.sdk.progress import Bar, bar
from gateway.sdk.records import Item, Manifest
from gateway.sdk.small import SMALL, Small, bring_small
from gateway.sdk.store import digest_of
from gateway.sdk.transport import Transport
from gateway.sdk.words import size

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 4
FEW = 8
"""Fewer small files than this are asked for one by one: it costs no more."""

_ONE_ITEM = frozenset({wire.Code.ITEM_HELD, wire.Code.ITEM_WITHHELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a fetch did: `files` and `size` (bytes) in all, `kept` files of them were there; `stopped` were left out."""

    asset: str
    version: str
    folder: Path
    files: int
    size: int
    kept: int
    stopped: tuple[str, ...]


def download(
    transport: Transport,
    machine: Machine,
    asset: str,
    manifest: Callable[[], Manifest],
    to: Path,
    *,
    globs: Globs,
    progress: bool,
    slow: Slow | None = None,
) -> Fetched:
    """Bring what `manifest` lists and `globs` match into `to`. See `Asset.fetch` for the promises."""
    destination = Destination(to)
    machine.store.make()
    with destination.locked():
        try:
            listed = choose(manifest(), globs)
        except Stopped:
            machine.drop_parts(transport.origin, asset)
            raise
        check_all(
            [item.path for item in listed.items],
            folder=str(destination.folder),
            windows=WINDOWS,
            folds=WINDOWS or sys.platform == "darwin",
        )
        shown = bar(listed.size, listed.asset, wanted=progress)
        try:
            kept = _Fetch(transport, machine, listed, globs, destination, shown, slow or Slow()).run()
        finally:
            shown.close()
    return Fetched(
        asset=listed.asset,
        version=listed.version,
        folder=destination.folder,
        files=len(listed.items),
        size=listed.size,
        kept=kept,
        stopped=listed.stopped,
    )


class _Fetch:
    """One run: looks what is there, then brings the rest in a pool of threads."""

    def __init__(
        self, transport: Transport, machine: Machine, listed: Manifest, globs: Globs, destination: Destination,
        shown: Bar, slow: Slow,
    ) -> None:  # fmt: skip
        self._transport = transport
        self._machine = machine
        self._store = machine.store
        self._holdings = machine.holdings
        self._listed = listed
        self._globs = globs
        self._destination = destination
        self._bar = shown
        self._slow = slow
        self._ending = threading.Event()
        self._stopped: Stopped | None = None
        self._ns, _, self._name = listed.asset.partition("/")
        self._contents: dict[str, list[Item]] = {}
        self._placed: set[str] = set()

    def run(self) -> int:
        """Bring everything; returns how many files were there already."""
        listed, folder = self._listed, Path(os.path.realpath(self._destination.folder))
        copies = [NewCopy(path=i.path, sha256=i.sha256, size=i.size, content=i.sha256) for i in listed.items]
        # Before the first byte: whatever happens now, what comes of it is on the list.
        self._holdings.expect(self._transport.origin, listed.asset, listed.version, folder, copies)
        with ThreadPoolExecutor(WORKERS) as pool:
            there = self._which(pool, self._is_there, [i for i in self._listed.items if self._named(i)])
            missing = [item for item in self._listed.items if item.path not in there]
            # Equal contents come once; two threads must not write to one partial file.
            for item in missing:
                self._contents.setdefault(item.sha256, []).append(item)
            self._check_folder(missing)
            firsts = [items[0] for items in self._contents.values()]
            stored = self._which(pool, self._is_stored, [i for i in firsts if self._store.names(i.sha256)])
            kept = Kept(self._transport, self._holdings, listed, listed.items)
            if there or stored:
                kept.tell(by_archive(listed, self._globs), self._ending.wait)
            self._all(pool, self._place, [[item.sha256] for item in firsts if item.path in stored])
            coming = [item for item in firsts if item.path not in stored]
            self._check_space(coming)
            self._store.drop_stale([item.sha256 for item in coming])
            small = [item for item in coming if item.size <= SMALL]
            large = [item for item in coming if item.size > SMALL]
            if len(small) < FEW:
                small, large = [], coming
            work: list[Callable[[], None]] = [lambda item=item: self._bring(item) for item in large]  # type: ignore[misc]
            if small:
                work.insert(0, lambda: self._bring_small(small))
            self._all(pool, lambda act: act(), work)
            # What an archive left out is asked for by itself: then it is told why.
            self._all(pool, self._bring, [item for item in small if item.sha256 not in self._placed])
        self._holdings.settle(self._transport.origin, listed.asset, listed.version, folder, copies)
        kept.are_known()
        return len(self._listed.items) - len(missing)

    def _which(self, pool: ThreadPoolExecutor, holds: Callable[[Item], bool], items: Sequence[Item]) -> set[str]:
        """The paths of those for which it holds."""
        return {item.path for item, held in zip(items, self._all(pool, holds, items), strict=True) if held}

    def _all(self, pool: ThreadPoolExecutor, work: Callable[[T], R], parts: Sequence[T]) -> list[R]:
        """Do all parts in the pool. The first failure ends the others; that something was stopped outweighs it."""
        futures = [pool.submit(work, part) for part in parts]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException as error:
            self._ending.set()
            for future in futures:
                future.cancel()
            wait(futures)
            if self._stopped is None:
                raise
            if self._stopped.code not in _ONE_ITEM:
                self._machine.drop_parts(self._transport.origin, self._listed.asset)
            raise self._stopped from error
        return [future.result() for future in futures]

    def _check(self) -> None:
        if self._ending.is_set():
            raise Abandoned

    def _named(self, item: Item) -> bool:
        """Whether anything stands in its place: quickly told, and mostly not."""
        return os.path.lexists(f"{self._destination.folder}{os.sep}{item.path}")

    def _is_there(self, item: Item) -> bool:
        existing = self._destination.open_existing(item.path)
        if existing is None:
            return False
        with existing:
            if os.fstat(existing.fileno()).st_size != item.size:
                return False
            if digest_of(existing, self._check).hexdigest() != item.sha256:
                return False
        self._bar.advance(item.size)
        return True

    def _is_stored(self, item: Item) -> bool:
        """Whether the store has it."""
        if not self._store.has(item.sha256, item.size, self._check):
            return False
        self._bar.advance(item.size)
        return True

    def _check_folder(self, missing: Sequence[Item]) -> None:
        """Room for copies, where no link to the store can be: before the first of them is made."""
        needed, free = sum(item.size for item in missing), self._destination.free()
        if needed > free and not self._store.shares_with(self._destination.folder):
            raise NoSpace(folder=self._destination.folder, free=size(free), needed=size(needed))

    def _check_space(self, coming: Sequence[Item]) -> None:
        needed = sum(item.size for item in coming)
        begun_size = self._store.begun({item.sha256 for item in coming})
        self._store.check_free(needed - begun_size)

    def _bring_small(self, small: Sequence[Item]) -> None:
        """By archives, as far as they bring it."""
        address = wire.archive_path(self._ns, self._name, self._listed.version)
        streams = Small(self._transport, self._store, self._listed.asset, self._bar, self._ending, self._place)
        everything = {item.sha256 for item in self._listed.items}

        def asked(missing: Sequence[Item]) -> Iterator[tuple[str, Sequence[Item]]]:
            whole = not self._globs.exclude and {item.sha256 for item in missing} == everything
            return queries(missing, self._globs if whole else None)

        try:
            bring_small(streams, address, small, asked, self._placed.__contains__, self._ending.wait)
        except Stopped as stop:
            self._stopped = stop
            raise

    def _bring(self, item: Item) -> None:
        """Bring one content to all its places. Raises as `bring_content`."""
        try:
            bring_content(
                self._transport, self._store, self._listed, item, self._bar, self._ending, self._slow, self._check
            )
        except Stopped as stop:
            self._stopped = stop
            raise
        self._place([item.sha256])

    def _place(self, sha256s: Sequence[str]) -> None:
        """Give contents that are in the store all their names."""
        for sha256 in sha256s:
            first, *others = self._contents[sha256]
            self._destination.place(self._store, sha256, first.path)
            for other in others:
                self._destination.place(self._store, sha256, other.path)
                self._bar.advance(other.size)
            self._placed.add(sha256)
