"""Brings the files of a version into a folder: checked, resumable, and stopped when the gateway stops."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, TypeVar

from gateway.sdk import wire
from gateway.sdk.destination import WINDOWS, Destination
from gateway.sdk.errors import Misused, NoSpace, Stopped, Unreachable, WrongBytes
from gateway.sdk.paths import check_all
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.progress import Bar, bar
from gateway.sdk.records import Item, Manifest
from gateway.sdk.transport import CONNECTIONS, Reply, Transport
from gateway.sdk.words import size

T = TypeVar("T")
R = TypeVar("R")
BLOCK = 1 << 20
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
    transport: Transport, manifest: Callable[[], Manifest], to: Path, *, include: Sequence[str], progress: bool
) -> Fetched:
    """Bring what `manifest` lists and `include` matches into `to`. See `Asset.fetch` for the promises."""
    destination = Destination(to)
    with destination.locked():
        try:
            listed = manifest()
            chosen = _choose(listed, include)
            check_all(
                [item.path for item in chosen.items],
                folder=str(destination.folder),
                windows=WINDOWS,
                folds=WINDOWS or sys.platform == "darwin",
            )
            shown = bar(chosen.size, chosen.asset, wanted=progress)
            try:
                kept = _Fetch(transport, chosen, destination, shown).run()
            finally:
                shown.close()
        except Stopped as stop:
            if stop.code not in _ONE_ITEM:
                destination.drop_parts()
            raise
    return Fetched(
        asset=chosen.asset,
        version=chosen.version,
        folder=destination.folder,
        files=len(chosen.items),
        size=chosen.size,
        kept=kept,
        stopped=chosen.stopped,
    )


def _choose(manifest: Manifest, include: Sequence[str]) -> Manifest:
    """The part of the manifest that the globs ask for, all of it without any."""
    if not include:
        return manifest

    def asked(path: str) -> bool:
        return any(fnmatchcase(path, glob) for glob in include)

    items = tuple(item for item in manifest.items if asked(item.path))
    stopped = tuple(path for path in manifest.stopped if asked(path))
    if not items and not stopped:
        raise Misused("nothing-matches", asset=manifest.asset, include=" ".join(include))
    return Manifest(asset=manifest.asset, version=manifest.version, items=items, stopped=stopped)


class _Abandoned(Exception):
    """Another file's failure ends this one; what is there of it stays for the next run."""


class _Fetch:
    """One run: a pool of threads, each bringing one content at a time."""

    def __init__(self, transport: Transport, manifest: Manifest, destination: Destination, shown: Bar) -> None:
        self._transport = transport
        self._manifest = manifest
        self._destination = destination
        self._bar = shown
        self._ending = threading.Event()
        self._stopped: Stopped | None = None
        self._ns, _, self._name = manifest.asset.partition("/")

    def run(self) -> int:
        """Bring everything; returns how many files were there already."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            there = self._all(pool, self._is_there, self._manifest.items)
            missing = [item for item, kept in zip(self._manifest.items, there, strict=True) if not kept]
            # Equal contents come once; two threads must not write to one partial file.
            contents: dict[str, list[Item]] = {}
            for item in missing:
                contents.setdefault(item.sha256, []).append(item)
            self._check_space(contents)
            self._all(pool, self._bring, list(contents.values()))
        return len(self._manifest.items) - len(missing)

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
            if self._stopped is not None:
                raise self._stopped from error
            raise
        return [future.result() for future in futures]

    def _is_there(self, item: Item) -> bool:
        existing = self._destination.open_existing(item.path)
        if existing is None:
            return False
        with existing:
            if os.fstat(existing.fileno()).st_size != item.size or self._digest(existing).hexdigest() != item.sha256:
                return False
        self._bar.advance(item.size)
        return True

    def _check_space(self, contents: Mapping[str, Sequence[Item]]) -> None:
        needed = sum(item.size for items in contents.values() for item in items)
        needed -= sum(self._destination.part_size(sha256) for sha256 in contents)
        free = self._destination.free()
        if needed > free:
            raise NoSpace("no-space", folder=self._destination.folder, free=size(free), needed=size(needed))

    def _bring(self, items: Sequence[Item]) -> None:
        """Bring one content to all its places. Raises WrongBytes, Stopped, and what may pass when it did not."""
        first, *others = items
        try:
            if not self._pull(first) and not self._pull(first):
                raise WrongBytes("wrong-bytes", path=first.path)
        except Stopped as stop:
            self._destination.drop_part(first.sha256)
            self._stopped = stop
            raise
        self._destination.place(first.sha256, first.path)
        for other in others:
            self._destination.copy(first.path, first.sha256, other.path)
            self._bar.advance(other.size)

    def _pull(self, item: Item) -> bool:
        """Fill the partial file and put it on disk; False when its bytes are wrong, then it is gone."""
        with self._destination.open_part(item.sha256) as file:
            part = _Part(file, self._digest(file), item.size, self._bar)
            attempts = Attempts(FETCHING, self._ending.wait)
            while not part.complete:
                before = part.have
                try:
                    self._receive(item, part)
                    if not part.complete:  # an answer that ended early, and in good order
                        raise Unreachable("cut", url=self._transport.origin)
                except Passing as error:
                    if part.have > before:
                        attempts.progressed()
                    attempts.failed(error)
            right = part.digest.hexdigest() == item.sha256
            if right:
                file.flush()
                os.fsync(file.fileno())
        if not right:
            self._bar.advance(-part.have)
            self._destination.drop_part(item.sha256)
        return right

    def _receive(self, item: Item, part: "_Part") -> None:
        """One request for what is missing; what arrives is in the partial file, also when it breaks off."""
        if self._ending.is_set():
            raise _Abandoned
        headers = {"range": f"bytes={part.have}-", "if-range": wire.etag(item.sha256)} if part.have else {}
        address = wire.file_path(self._ns, self._name, self._manifest.version, item.path)
        with self._transport.stream(address, what=f"{self._manifest.asset}:{item.path}", headers=headers) as reply:
            if part.have and not _continues(reply, part.have):
                part.restart()
                if reply.status != 200:
                    return
            for chunk in reply.chunks():
                if self._ending.is_set():
                    raise _Abandoned
                if not part.add(chunk):
                    return

    def _digest(self, file: BinaryIO) -> "hashlib._Hash":
        """The running SHA-256 of the file from its start; the file is left at its end."""
        digest = hashlib.sha256()
        file.seek(0)
        while block := file.read(BLOCK):
            if self._ending.is_set():
                raise _Abandoned
            digest.update(block)
        return digest


class _Part:
    """A partial file at its end, with the digest of what it holds."""

    def __init__(self, file: BinaryIO, digest: "hashlib._Hash", size: int, shown: Bar) -> None:
        self._file = file
        self._size = size
        self._bar = shown
        self._overran = False
        self.digest = digest
        self.have = file.tell()
        shown.advance(self.have)
        if self.have > size:
            self.restart()

    @property
    def complete(self) -> bool:
        """Whether all bytes are there; right or wrong. An empty content is: nobody needs to be asked for it."""
        return self.have == self._size or self._overran

    def add(self, chunk: bytes) -> bool:
        """Append; False when that is more than the content has, which makes it wrong."""
        self._file.write(chunk)
        self.digest.update(chunk)
        self.have += len(chunk)
        self._bar.advance(len(chunk))
        self._overran = self.have > self._size
        return not self._overran

    def restart(self) -> None:
        """Forget what is there."""
        self._file.seek(0)
        self._file.truncate()
        self.digest = hashlib.sha256()
        self._bar.advance(-self.have)
        self.have = 0


def _continues(reply: Reply, have: int) -> bool:
    """Whether the answer is the rest that was asked for. RFC 9110 §14.4."""
    return reply.status == 206 and reply.headers.get("content-range", "").startswith(f"bytes {have}-")
