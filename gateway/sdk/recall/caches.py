"""Finds copies that other tools keep of this gateway's assets, in the places that those tools are known to use.

Only found and told: such a cache is its tool's to delete from. Nothing is searched for anywhere else.
"""

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.sdk.recall.feed import Notice

SHARED = 24
"""Hex digits that the Hub's commit of a version has in common with the version's id."""

_REPOSITORY = re.compile(r"(datasets|models)--(.+?)--(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A file in another tool's cache. `version` is the commit that it was fetched as, where the tool keeps it.

    `tool` is huggingface, datasets, megengine or torch; `sha256` is empty where the bytes were not looked at.
    """

    tool: str
    asset: str
    version: str | None
    place: Path
    size: int
    sha256: str = ""


def found(assets: Collection[str], environ: Mapping[str, str]) -> list[Cached]:
    """What the caches hold under the names of these assets (``ns/name``), unfinished files included."""
    wanted = frozenset(assets)
    return [
        *(one for one in _huggingface(environ) if one.asset in wanted),
        *_arrow(wanted, environ),
        *_hubs(wanted, environ),
    ]


def of_notice(notice: Notice, digests: Sequence[str], environ: Mapping[str, str]) -> list[Cached]:
    """The files of the Hub's cache that the notice calls back: of its versions, and with one of its digests."""
    commits = {version[:SHARED] for version in notice.versions}
    wanted = frozenset(digests)
    called: list[Cached] = []
    seen: set[Path] = set()
    for one in _huggingface(environ):
        # A file whose commit is not known counts where single items are called back.
        if one.version is None and (notice.scope != "items" or one.asset != notice.asset):
            continue
        if one.version is not None and one.version[:SHARED] not in commits:
            continue
        if one.place in seen:
            continue
        seen.add(one.place)
        digest = _sha256(one.place)
        if digest in wanted:
            called.append(
                Cached(
                    tool=one.tool, asset=one.asset, version=one.version, place=one.place, size=one.size, sha256=digest
                )
            )
    return called


def _huggingface(environ: Mapping[str, str]) -> Iterator[Cached]:
    """Blobs by the snapshots that name them, then blobs that none names, such as unfinished ones."""
    root = _hub_cache(environ)
    for repository in _folders(root):
        named = _REPOSITORY.fullmatch(repository.name)
        if named is None:
            continue
        asset = f"{named[2]}/{named[3]}"
        known: set[Path] = set()
        for snapshot in _folders(repository / "snapshots"):
            for file in _files(snapshot):
                target = Path(os.path.realpath(file))
                known.add(target)
                if target.is_file():
                    yield Cached(
                        tool="huggingface", asset=asset, version=snapshot.name, place=target, size=target.stat().st_size
                    )
        for blob in _files(Path(os.path.realpath(repository / "blobs"))):
            if blob not in known:
                yield Cached(tool="huggingface", asset=asset, version=None, place=blob, size=blob.lstat().st_size)


def _arrow(assets: Collection[str], environ: Mapping[str, str]) -> Iterator[Cached]:
    """Tables that the library `datasets` made out of files: other bytes, the same persons."""
    root = Path(environ.get("HF_DATASETS_CACHE") or _hf_home(environ) / "datasets")
    for asset in sorted(assets):
        for file in _files(root / asset.replace("/", "___")):
            yield Cached(tool="datasets", asset=asset, version=None, place=file, size=file.lstat().st_size)


def _hubs(assets: Collection[str], environ: Mapping[str, str]) -> Iterator[Cached]:
    """Unpacked archives of ``torch.hub`` and ``megengine.hub``: a folder ``ns_name_version`` each."""
    cache = _cache_home(environ)
    roots = {
        "torch": Path(environ.get("TORCH_HOME") or cache / "torch") / "hub",
        "megengine": Path(environ.get("MGE_HOME") or cache / "megengine") / "hub",
    }
    for tool, root in roots.items():
        for folder in _folders(root):
            for asset in sorted(assets):
                if folder.name.startswith(asset.replace("/", "_") + "_"):
                    for file in _files(folder):
                        yield Cached(tool=tool, asset=asset, version=None, place=file, size=file.lstat().st_size)


def _cache_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def _hf_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HF_HOME") or _cache_home(environ) / "huggingface")


def _hub_cache(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE") or _hf_home(environ) / "hub")


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(place) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _files(place: Path) -> Iterator[Path]:
    """Files and links below, in order; no link to a folder is entered."""
    for folder, folders, names in os.walk(place, followlinks=False):
        folders.sort()
        for name in sorted(names):
            if not name.endswith(".lock"):
                yield Path(folder, name)


def _sha256(place: Path) -> str:
    digest = hashlib.sha256()
    try:
        with open(place, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()
