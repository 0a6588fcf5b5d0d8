"""Makes shards: a draft's at its release, and one without the files that were stopped whenever that is due.

A shard goes straight from the files that are stored already into the store, which keeps one copy of it while it comes
in, as of any content. Its bytes depend on its files alone, so a run that was killed makes the same again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

from catalog.actions import publish
from catalog.policy import packing as rules
from catalog.ports import Store
from catalog.vocabulary import Actor, Item, Shard
from gateway.blobs.base import CHUNK, BlobMismatch, BlobMissing, Originals
from gateway.streams.archive import END, Member, archive_size, header, padding

MEDIA_TYPE = "application/x-tar"
MTIME = 0  # the same bytes at any time
READERS = 8  # a distant store takes its time for each file
AHEAD = 64  # files read before they are needed, at most
AHEAD_BYTES = 32 * CHUNK


class ShardSource(io.RawIOBase):
    """The tar of some stored files, to be read once from its beginning. Raises BlobMismatch, BlobMissing while read."""

    def __init__(self, originals: Originals, members: Sequence[Item], readers: ThreadPoolExecutor) -> None:
        self._originals = originals
        self._readers = readers
        self._pieces = self._tar(members)
        self._left = memoryview(b"")
        files = [Member(path=item.path, size=item.size, open=partial(originals.open, item.sha256)) for item in members]
        self.size = archive_size(files, None, MTIME)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # whatever is writable
        while not self._left:
            try:
                self._left = memoryview(next(self._pieces))
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _tar(self, members: Sequence[Item]) -> Iterator[bytes]:
        for batch in _batches(members):
            if len(batch) == 1:
                contents: Iterator[Iterator[bytes]] = iter([self._content(batch[0])])
            else:
                contents = map(iter, self._readers.map(lambda item: list(self._content(item)), batch))
            for item, content in zip(batch, contents, strict=True):
                yield header(item.path, item.size, MTIME)
                yield from content
                yield padding(item.size)
        yield END

    def _content(self, item: Item) -> Iterator[bytes]:
        """The file in pieces; that they were its own is known after the last."""
        digest = hashlib.sha256()
        with closing(self._originals.open(item.sha256)) as blob:
            if blob.size != item.size:
                raise BlobMismatch(f"{item.path} is stored with another size")
            for start in range(0, item.size, CHUNK):
                piece = blob.read(start, min(start + CHUNK, item.size))
                digest.update(piece)
                yield piece
        if digest.hexdigest() != item.sha256:
            raise BlobMismatch(f"{item.path} is stored with other bytes: run `hubgate verify`")


def make_shard(
    originals: Originals, path: str, shard: Shard, members: Sequence[Item], on_bytes: Callable[[int], None]
) -> Item:
    """Store the shard of these files, and give it as an item. Raises BlobError, OSError."""
    with ThreadPoolExecutor(READERS) as readers, ShardSource(originals, members, readers) as source:
        stored = originals.put(source, source.size, on_bytes)  # it is read, no more
    return Item(
        path=path,
        size=stored.size,
        sha256=stored.sha256,
        git_sha1=stored.git_sha1,
        media_type=MEDIA_TYPE,
        shard=shard,
    )


def pack_draft(
    store: Store,
    originals: Originals,
    actor: Actor,
    version_id: str,
    slots: Sequence[rules.Slot],
    on_bytes: Callable[[int], None],
) -> None:
    """On return the draft holds exactly these shards, durably; what a former run has made stays.

    `on_bytes` is told of as many bytes as the files have. Raises BlobError (also when somebody deleted a file or a
    shard meanwhile: run it again), CatalogError, OSError.
    """
    with store.read() as tx:
        items = {item.path: item for item in tx.assets.items(version_id)}
    paths: list[str] = []
    for slot in slots:
        members = [items[path] for path in slot.paths]
        path = rules.shard_path(slot.number, slot.split, members)
        paths.append(path)
        shard = Shard(slot=slot.number, without=(), listed=True)
        known = items.get(path)
        if known is not None and known.shard is not None and originals.exists(known.sha256):
            item = known
            on_bytes(known.size)
        else:
            item = make_shard(originals, path, shard, members, on_bytes)
        with store.begin() as tx:
            publish.add_shard(tx, actor, version_id, item, slot.paths)
            check_there(originals, item)
    with store.begin() as tx:
        publish.keep_shards(tx, actor, version_id, paths)


def check_there(originals: Originals, item: Item) -> None:
    """Inside the transaction that names it: whoever gave up a draft with the same shard may have deleted it since.

    Raises BlobMissing.
    """
    if not originals.exists(item.sha256):
        raise BlobMissing(f"{item.path} was deleted while it was packed. Run the same again to go on.")


def _batches(members: Sequence[Item]) -> Iterator[list[Item]]:
    """Small files that are read at the same time, large ones alone, all in order."""
    batch: list[Item] = []
    filled = 0
    for item in members:
        if batch and (len(batch) == AHEAD or filled + item.size > AHEAD_BYTES):
            yield batch
            batch, filled = [], 0
        batch.append(item)
        filled += item.size
    if batch:
        yield batch
