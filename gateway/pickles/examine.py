"""A draft of a model, looked through before it is released; and the safetensors twins that can be made of its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from catalog.actions import publish
from catalog.ports import Clock, Store
from catalog.vocabulary import Actor, Item, Scan, Twin
from gateway.blobs.base import Blob, BlobMissing, Originals
from gateway.pickles.messages import Scanned
from gateway.pickles.safetensors import Safetensors
from gateway.pickles.scanner import SCANNER, Scanner

TWIN = ".safetensors"
TWIN_TYPE = "application/octet-stream"
Told = Callable[[Item, Scanned], None]


def examine(
    store: Store,
    originals: Originals,
    actor: Actor,
    version_id: str,
    *,
    clock: Clock,
    told: Told = lambda item, scanned: None,
    only: Collection[str] | None = None,
) -> None:
    """Look through every content of the draft, add the twins as items, and write down what was found.

    The release of a model asks for this. Safe to run again. Raises CatalogError, BlobError, OSError.
    only: these paths, where the others have been looked through.
    told: called with each item as it has been looked through.
    """
    with store.read() as tx:
        items = {item.path: item for item in tx.assets.items(version_id)}
    scans: dict[str, Scan] = {}
    added: list[Item] = []
    twins: list[Twin] = []
    with Scanner() as scanner:

        def look(item: Item) -> Scanned:
            with closing(originals.open(item.sha256)) as blob:
                found = scanner.scan(blob)
            scans[item.sha256] = scan_of(item, found, clock())
            told(item, found)
            return found

        for item in tuple(items.values()):
            if item.sha256 in scans or not (only is None or item.path in only):
                continue
            found = look(item)
            path = twin_path(item.path, items)
            if found.tensors and path is not None:
                with closing(originals.open(item.sha256)) as blob:
                    twin = store_twin(originals, blob, found, path)
                items[path] = twin
                added.append(twin)
                twins.append(Twin(source_sha256=item.sha256, sha256=twin.sha256))
                look(twin)
    with store.begin() as tx:
        publish.add_items(tx, actor, version_id, added)
        for twin in added:
            if not originals.exists(twin.sha256):  # whoever gave up a draft with the same twin may have deleted it
                raise BlobMissing(f"{twin.path} was deleted while it was made. Run the same again to go on.")
        publish.record_scans(tx, actor, version_id, list(scans.values()), twins)


def twin_path(path: str, taken: Mapping[str, Item]) -> str | None:
    """What the twin is called; None when there is something of that name, on some system."""
    made = str(PurePosixPath(path).with_suffix(TWIN))
    folded = {each.casefold() for each in taken}
    return None if made.casefold() in folded else made


def store_twin(originals: Originals, source: Blob, found: Scanned, path: str) -> Item:
    """Write the twin down as a content of its own."""
    file = Safetensors(source, found.tensors)
    stored = originals.put(cast("BinaryIO", file), file.size)
    return Item(path=path, size=stored.size, sha256=stored.sha256, git_sha1=stored.git_sha1, media_type=TWIN_TYPE)


def scan_of(item: Item, found: Scanned, now: datetime) -> Scan:
    return Scan(
        sha256=item.sha256,
        scanner=SCANNER,
        verdict=found.verdict,
        why=found.why,
        names=found.names,
        scanned_at=now,
    )
