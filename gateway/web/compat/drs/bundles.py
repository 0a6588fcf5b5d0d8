"""A version as DRS sees it: blobs, and folders of them as bundles, each with an id of its own. Pure.

A blob's id is its version and its content's SHA-256: one id is the same bytes for ever, tells nobody a file's name, and
two files with the same content are one object. A bundle's id is its version and a digest of the folder's path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.vocabulary import Item

OBJECT_ID = re.compile(r"([0-9a-f]{40})(?:\.(d?[0-9a-f]{64}))?")
EXPANDED = 64  # levels of folders that one answer holds at most; what lies deeper is asked for by its id
UNPORTABLE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(slots=True)
class Folder:
    """`size` and `checksum` are those of everything below, stopped items too: the set that was released."""

    path: str
    key: str  # the part of its id behind the version, "" for the version itself
    folders: dict[str, Folder] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    size: int = 0
    checksum: str = ""

    def seal(self) -> None:
        """Add up what is below. The checksum is over the sorted checksums of what lies directly in it."""
        for folder in self.folders.values():
            folder.seal()
        self.size = sum(item.size for item in self.items.values()) + sum(f.size for f in self.folders.values())
        below = sorted([*(i.sha256 for i in self.items.values()), *(f.checksum for f in self.folders.values())])
        self.checksum = hashlib.sha256("".join(below).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundles:
    """All objects of one version by the part of their id behind the version."""

    root: Folder
    folders: Mapping[str, Folder]
    blobs: Mapping[str, list[Item]]  # the files with this content, in order of path


def bundles(items: Mapping[str, Item]) -> Bundles:
    """Arrange the items, which come in order of path, as folders."""
    root = Folder("", "")
    folders: dict[str, Folder] = {"": root}
    by_path: dict[str, Folder] = {"": root}
    blobs: dict[str, list[Item]] = {}
    for path, item in items.items():
        parent, _, name = path.rpartition("/")
        folder = by_path.get(parent) or _folder(parent, by_path, folders)
        folder.items[name] = item
        blobs.setdefault(item.sha256, []).append(item)
    root.seal()
    return Bundles(root, folders, blobs)


def _folder(path: str, by_path: dict[str, Folder], folders: dict[str, Folder]) -> Folder:
    """The folder of this path, made with those above it."""
    above, made = by_path[""], ""
    for name in path.split("/"):
        made = f"{made}/{name}" if made else name
        found = by_path.get(made)
        if found is None:
            found = by_path[made] = Folder(made, f"d{hashlib.sha256(made.encode()).hexdigest()}")
            folders[found.key] = above.folders[name] = found
        above = found
    return above


def contents(folder: Folder, version_id: str, host: str, levels: int) -> Iterator[dict[str, object]]:
    """What lies in the folder, and in so many levels of folders below it."""
    for name, inner in folder.folders.items():
        record = _entry(name, f"{version_id}.{inner.key}", host)
        if levels:
            record["contents"] = list(contents(inner, version_id, host, levels - 1))
        yield record
    for name, item in folder.items.items():
        yield _entry(name, f"{version_id}.{item.sha256}", host)


def portable(name: str) -> str:
    """The name in the letters that DRS allows in the name of an object."""
    return UNPORTABLE.sub("_", name)


def uri(host: str, object_id: str) -> str:
    return f"drs://{host}/{object_id}"


def _entry(name: str, object_id: str, host: str) -> dict[str, object]:
    """The true name, although DRS asks for portable letters: files that differ there would become one."""
    return {"name": name, "id": object_id, "drs_uri": [uri(host, object_id)]}
