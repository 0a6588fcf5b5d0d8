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

_BEGINNING = re.compile(r"-([0-9a-f]{8,64})(?=\.)")
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


def found(
    versions: Collection[tuple[str, str]], contents: Mapping[str, str], environ: Mapping[str, str]
) -> list[Cached]:
    """What the caches hold of these versions' assets (``ns/name``, id), unfinished files included.

    `contents` are digests with the asset of each: some caches name a file by its digest and not by its asset.
    """
    wanted = frozenset(asset for asset, _ in versions)
    found = [one for one in _huggingface(environ) if one.asset in wanted]
    for tool, asset, folder in (*_arrow(wanted, environ), *_unpacked(versions, environ)):
        for file in _files(folder):
            found.append(Cached(tool=tool, asset=asset, version=None, place=file, size=file.lstat().st_size))
    for tool, digest, file in _weights(contents, environ):
        size = file.lstat().st_size
        found.append(Cached(tool=tool, asset=contents[digest], version=None, place=file, size=size, sha256=digest))
    return found


def of_notice(notice: Notice, digests: Sequence[str], environ: Mapping[str, str]) -> list[Cached]:
    """The files in caches that the notice calls back: of its versions, and with one of its digests.

    After them, without a digest, the folders of what was made from its asset and so may hold it in another form.
    """
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
    for tool, digest, file in _weights(wanted, environ):
        size = file.lstat().st_size
        called.append(Cached(tool=tool, asset=notice.asset, version=None, place=file, size=size, sha256=digest))
    versions = [(notice.asset, version) for version in notice.versions]
    for tool, asset, folder in (*_arrow({notice.asset}, environ), *_unpacked(versions, environ)):
        called.append(Cached(tool=tool, asset=asset, version=None, place=folder, size=0))
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


def _arrow(assets: Collection[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Tables that the library `datasets` made out of files, other bytes of the same persons: tool, asset, folder."""
    root = Path(environ.get("HF_DATASETS_CACHE") or _hf_home(environ) / "datasets")
    for asset in sorted(assets):
        folder = root / asset.replace("/", "___")
        if folder.is_dir():
            yield "datasets", asset, folder


def _unpacked(versions: Collection[tuple[str, str]], environ: Mapping[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Unpacked archives of ``torch.hub`` and ``megengine.hub``: tool, asset, folder.

    torch calls a folder ``ns_name_ref``; MegEngine by its own version and the beginning of that name's SHA-1.
    """
    refs: dict[str, set[str]] = {}
    for asset, version in versions:
        refs.setdefault(asset, {"main", "master"}).add(version)
    named = {asset.replace("/", "_"): asset for asset in refs}
    hashed = {
        hashlib.sha1(f"{asset.replace('/', '_')}_{ref}".encode(), usedforsecurity=False).hexdigest()[:16]: asset
        for asset in refs
        for ref in refs[asset]
    }
    for folder in _folders(_torch(environ) / "hub"):
        for name, asset in named.items():
            if folder.name.startswith(f"{name}_"):
                yield "torch", asset, folder
    for folder in _folders(_megengine(environ) / "hub"):
        asset_of = hashed.get(folder.name.rpartition("_")[2])
        if asset_of is not None:
            yield "megengine", asset_of, folder


def _weights(digests: Collection[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Single files of both hubs, which published weights name by the beginning of their digest: tool, digest, file."""
    beginnings: dict[str, list[str]] = {}
    for digest in digests:
        beginnings.setdefault(digest[:8], []).append(digest)
    for tool, folder in (
        ("torch", _torch(environ) / "hub" / "checkpoints"),
        ("megengine", _megengine(environ) / "serialized"),
    ):
        for file in _files(folder):
            for part in _BEGINNING.findall(file.name):
                if part[:8] in beginnings and (digest := _sha256(file)) in beginnings[part[:8]]:
                    yield tool, digest, file


def _torch(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("TORCH_HOME") or _cache_home(environ) / "torch")


def _megengine(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("MGE_HOME") or _cache_home(environ) / "megengine")


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
