"""From a folder to a draft's items: walk, hash and store in parallel, write down in small commits.

What was stored and written down survives a crash: the next run hashes it again and stores nothing twice.
"""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalog.actions import publish
from catalog.errors import Flaw, Invalid, Wrong
from catalog.policy import names
from catalog.policy.media import media_type
from catalog.ports import Store
from catalog.vocabulary import Actor, Item, Provenance
from gateway.blobs.base import BlobMissing, Originals
from gateway.blobs.digests import DigestingReader

THREADS = 4  # hashing leaves the interpreter free; more than the cores, since half the time is the disk's
BATCH = 500  # items in one commit
AHEAD = 64  # files under way at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file to publish."""

    path: str  # as it will be called, with slashes
    file: Path
    size: int
    content: bytes | None = None  # stored instead of the file's

    def opened(self) -> BinaryIO:
        return self.file.open("rb", buffering=0) if self.content is None else io.BytesIO(self.content)


def with_card(files: list[Found], root: Path, card: str) -> list[Found]:
    """The files of the folder `root` with this card in the place of its own, or beside them."""
    content = card.encode()
    made = Found(path=names.CARD, file=root / names.CARD, size=len(content), content=content)
    return sorted([made, *(file for file in files if file.path != names.CARD)], key=lambda file: file.path)


def walk(root: Path) -> list[Found]:
    """Every file below the folder, or the one file, in order of path. Raises Invalid for a link or a device."""
    if not root.exists():
        raise Invalid({"path": Flaw(Wrong.NO_SUCH_PATH, path=root)})
    if root.is_file() and not root.is_symlink():
        return [Found(path=names.item_path(root.name), file=root, size=root.stat().st_size)]
    found = sorted(_below(root, ""), key=lambda f: f.path)
    names.no_collisions(f.path for f in found)
    return found


def _below(folder: Path, prefix: str) -> Iterator[Found]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in names.LEFT_OUT:
                continue
            path = names.file_path(prefix + entry.name)
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _below(Path(entry.path), path + "/")
            elif stat.S_ISREG(mode):
                yield Found(path=path, file=Path(entry.path), size=entry.stat(follow_symlinks=False).st_size)
            else:
                raise Invalid({"path": Flaw(Wrong.LINK_OR_DEVICE, path=path)})


def provenance(root: Path) -> dict[str, Provenance]:
    """The sidecar's rows by path: path, source_url, source_sha256, source_author. Raises Invalid."""
    sidecar = root / names.SIDECAR
    if not root.is_dir() or not sidecar.exists():
        return {}
    try:
        rows = csv.DictReader(io.StringIO(sidecar.read_text(encoding="utf-8"), newline=""))
    except UnicodeDecodeError as error:
        raise Invalid({names.SIDECAR: Flaw(Wrong.NOT_UTF8)}) from error
    else:
        if "path" not in (rows.fieldnames or ()):
            raise Invalid(
                {names.SIDECAR: Flaw(Wrong.COLUMNS, columns="path, source_url, source_sha256, source_author")}
            )
        return {
            row["path"]: Provenance(
                source_url=row.get("source_url") or None,
                source_sha256=row.get("source_sha256") or None,
                source_author=row.get("source_author") or None,
            )
            for row in rows
        }


def card_of(root: Path) -> str:
    """The text of README.md, "" when there is none. Raises Invalid."""
    card = root / names.CARD
    if not root.is_dir() or not card.is_file():
        return ""
    try:
        return card.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise Invalid({names.CARD: Flaw(Wrong.NOT_UTF8)}) from error


class Intake:
    """Stores the files and writes the items into the draft. `on_bytes` is told of each piece that was read."""

    def __init__(
        self, store: Store, originals: Originals, actor: Actor, version_id: str, on_bytes: Callable[[int], None]
    ) -> None:
        self._store = store
        self._originals = originals
        self._actor = actor
        self._version_id = version_id
        self._on_bytes = on_bytes

    def run(self, files: list[Found], told: Mapping[str, Provenance]) -> None:
        """On return the draft holds exactly these files, durably. Raises Invalid, BlobError, CatalogError, OSError."""
        with self._store.read() as tx:
            # Shards are made of the files, and are no files of the folder.
            known = {item.path: item for item in tx.assets.items(self._version_id) if item.shard is None}
        written: list[Item] = []
        waiting: set[Future[Item]] = set()
        with ThreadPoolExecutor(THREADS) as pool:
            for found in files:
                waiting.add(pool.submit(self._take, found, told.get(found.path), known.get(found.path)))
                if len(waiting) >= AHEAD:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    written += [future.result() for future in done]
                    if len(written) >= BATCH:
                        self._write(written)
                        written = []
            written += [future.result() for future in waiting]
        self._write(written)
        gone = known.keys() - {found.path for found in files}
        if gone:
            with self._store.begin() as tx:
                items = tx.assets.items(self._version_id)
                keep = [item for item in items if item.path not in gone and item.shard is None]
                publish.keep_only(tx, self._actor, self._version_id, keep)

    def _write(self, items: list[Item]) -> None:
        with self._store.begin() as tx:
            publish.add_items(tx, self._actor, self._version_id, items)
        # From here on nothing deletes them. Until now somebody could who gave up a draft with the same new contents.
        with ThreadPoolExecutor(THREADS) as pool:
            there = pool.map(self._originals.exists, (item.sha256 for item in items))
            for item, found in zip(items, there, strict=True):
                if not found:
                    raise BlobMissing(f"{item.path} was deleted while it was taken in. Run the same again to go on.")

    def _take(self, found: Found, told: Provenance | None, known: Item | None) -> Item:
        if known is not None and known.size == found.size and self._unchanged(found, known):
            sha256, git_sha1 = known.sha256, known.git_sha1
        else:
            with found.opened() as source:
                stored = self._originals.put(source, found.size, self._on_bytes)
            sha256, git_sha1 = stored.sha256, stored.git_sha1
        return Item(
            path=found.path,
            size=found.size,
            sha256=sha256,
            git_sha1=git_sha1,
            media_type=media_type(found.path),
            provenance=told,
        )

    def _unchanged(self, found: Found, known: Item) -> bool:
        """What a former run stored is there, and the file is still the same."""
        if not self._originals.exists(known.sha256):
            return False
        with found.opened() as source:
            reader = DigestingReader(source, found.size, self._on_bytes)
            for _ in reader:
                pass
            return reader.stored().sha256 == known.sha256
