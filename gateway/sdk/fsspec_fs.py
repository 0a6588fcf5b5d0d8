"""``hubgate://ns/name@version/path`` for whatever reads through fsspec: pandas, pyarrow, dask and others.

Registered by an entry point, so importing fsspec is enough. Read-only. A copy that is made here, by `get`, is one that
recalls reach; those of fsspec's own caches (``simplecache::``, ``filecache::``) are not.
"""

import hashlib
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fsspec.spec import AbstractFileSystem

from gateway.sdk import wire
from gateway.sdk.client import Hub, resolve
from gateway.sdk.content import open_kept
from gateway.sdk.destination import Destination
from gateway.sdk.errors import Misused, NotFound, WrongBytes
from gateway.sdk.holdings import NewCopy
from gateway.sdk.paths import check_utf8
from gateway.sdk.records import Item, Manifest
from gateway.sdk.remote import Ranges, open_remote

FRESH_S = 60.0

Entry = dict[str, Any]


class HubgateFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Assets as folders. ``gateway`` and ``token`` as for `Hub`; without ``@version`` it is the newest released one.

    What an asset consists of is asked once a minute (``listings_expiry_time``), or anew after ``invalidate_cache``;
    its bytes always, so terms that are not accepted and stops are felt with every read: TermsNotAccepted, Stopped.
    """

    protocol = "hubgate"
    root_marker = ""

    def __init__(
        self,
        gateway: str | None = None,
        token: str | None = None,
        listings_expiry_time: float = FRESH_S,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._named = gateway, token
        self._fresh_s = listings_expiry_time
        self._hub: Hub | None = None
        self._known: tuple[str, str | None] | None = None
        self._heard: dict[str, tuple[float, _Tree]] = {}

    @property
    def hub(self) -> Hub:
        """The gateway as it is signed in to now: fsspec keeps this object, and somebody may sign in meanwhile."""
        known = resolve(*self._named, os.environ)
        if self._hub is None or known != self._known:
            self._hub, self._known = Hub(*known), known
            self._heard.clear()
        return self._hub

    def invalidate_cache(self, path: str | None = None) -> None:
        self._heard.clear()
        super().invalidate_cache(path)

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Entry] | list[str]:
        """The folder's entries, or the file itself. Stopped files are left out. Raises FileNotFoundError."""
        place = self._strip_protocol(path)
        asset, inner = _split(place)
        entries = list(self._entries(asset, inner)) if "/" in asset else [_folder(one) for one in self._assets(asset)]
        return entries if detail else [entry["name"] for entry in entries]

    def info(self, path: str, **options: Any) -> Entry:
        """Name, size, type; of files also sha256, media_type and the version's id. Raises FileNotFoundError."""
        place = self._strip_protocol(path)
        asset, inner = _split(place)
        if "/" not in asset:
            self._assets(asset)
            return _folder(place)
        tree = self._tree(asset)
        return _folder(place) if inner in tree.folders else _file(asset, tree.listed, self._item(tree, inner))

    def exists(self, path: str, **options: Any) -> bool:
        """Whether it is there. Not being allowed to know is an error, and not False."""
        try:
            self.info(path, **options)
        except FileNotFoundError:
            return False
        return True

    def checksum(self, path: str) -> str:
        return str(self.info(path)["sha256"])

    def ukey(self, path: str) -> str:
        return self.checksum(path)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The bytes from start to end, by one exact range. All of them are checked against the digest."""
        listed, item = self._find(path)
        first, last, _ = slice(start, end).indices(item.size)
        piece = bytearray(max(0, last - first))
        ns, _, name = listed.asset.partition("/")
        Ranges(self.hub.transport, ns, name, listed.version, item).fill(memoryview(piece), first)
        if len(piece) == item.size and hashlib.sha256(piece).hexdigest() != item.sha256:
            raise WrongBytes("wrong-bytes", path=item.path)
        return bytes(piece)

    def get_file(self, rpath: str, lpath: Any, **options: Any) -> None:
        """Bring one file to a place on this machine, checked, read-only, and where recalls reach it."""
        if self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)
            return
        if not isinstance(lpath, str | os.PathLike):
            raise Misused("read-only", path=rpath)
        to = Path(os.path.abspath(lpath))
        check_utf8(str(to), "folder-not-utf8")
        listed, item = self._find(rpath)
        self.hub.be_known()
        machine = self.hub.machine
        destination = Destination(to.parent)
        with destination.locked():
            copy = NewCopy(path=to.name, sha256=item.sha256, size=item.size, content=item.sha256)
            folder = Path(os.path.realpath(destination.folder))
            machine.holdings.expect(self.hub.url, listed.asset, listed.version, folder, [copy])
            open_kept(self.hub.transport, machine, listed, item, progress=False).close()
            destination.place(machine.store, item.sha256, to.name)
            machine.holdings.settle(self.hub.url, listed.asset, listed.version, folder, [copy])

    def _open(self, path: str, mode: str = "rb", **options: Any) -> io.BufferedReader:
        if mode != "rb":
            raise Misused("read-only", path=path)
        listed, item = self._find(path)
        ns, _, name = listed.asset.partition("/")
        return open_remote(self.hub.transport, ns, name, listed.version, item)

    def _find(self, path: str) -> tuple[Manifest, Item]:
        """The file at the path. Raises FileNotFoundError, IsADirectoryError, and Stopped."""
        place = self._strip_protocol(path)
        asset, inner = _split(place)
        if "/" not in asset or not inner:
            raise IsADirectoryError(place)
        tree = self._tree(asset)
        if inner in tree.folders:
            raise IsADirectoryError(place)
        return tree.listed, self._item(tree, inner)

    def _item(self, tree: "_Tree", inner: str) -> Item:
        with _absent(f"{tree.listed.asset}/{inner}"):
            return tree.files.get(inner) or self.hub.asset(tree.listed.asset).find(tree.listed, inner)

    def _tree(self, named: str) -> "_Tree":
        """What ``ns/name[@version]`` consists of, as heard lately."""
        hub, heard = self.hub, self._heard.get(named)
        if heard is None or time.monotonic() - heard[0] >= self._fresh_s:
            asset, _, version = named.partition("@")
            with _absent(named):
                heard = time.monotonic(), _Tree(hub.asset(asset).manifest(version or wire.MAIN))
            self._heard[named] = heard
        return heard[1]

    def _entries(self, asset: str, inner: str) -> Iterator[Entry]:
        tree = self._tree(asset)
        names = tree.folders.get(inner)
        if names is None:
            yield _file(asset, tree.listed, self._item(tree, inner))
            return
        for name in names:
            path = f"{inner}/{name}" if inner else name
            item = tree.files.get(path)
            yield _folder(f"{asset}/{path}") if item is None else _file(asset, tree.listed, item)

    def _assets(self, ns: str) -> list[str]:
        """The namespaces, or the assets of one. Raises FileNotFoundError."""
        found = [(one["ns"], one["name"]) for one in self.hub.search()]
        if not ns:
            return sorted({ns for ns, _ in found})
        ours = sorted(f"{ns}/{name}" for each, name in found if each == ns)
        if not ours:
            raise FileNotFoundError(ns)
        return ours


class _Tree:
    """A manifest as files by path and names by folder."""

    def __init__(self, listed: Manifest) -> None:
        self.listed = listed
        self.files = {item.path: item for item in listed.items}
        self.folders: dict[str, list[str]] = {"": []}
        for path in self.files:
            while path:
                folder, _, name = path.rpartition("/")
                known = folder in self.folders
                self.folders.setdefault(folder, []).append(name)
                if known:
                    break
                path = folder


def _split(place: str) -> tuple[str, str]:
    """``ns/name[@version]`` (or less), and the path inside it."""
    ns, _, rest = place.partition("/")
    name, _, inner = rest.partition("/")
    return f"{ns}/{name}".rstrip("/"), inner


def _folder(place: str) -> Entry:
    return {"name": place, "size": 0, "type": "directory"}


def _file(asset: str, listed: Manifest, item: Item) -> Entry:
    return {
        "name": f"{asset}/{item.path}",
        "size": item.size,
        "type": "file",
        "sha256": item.sha256,
        "media_type": item.media_type,
        "version": listed.version,
    }


@contextmanager
def _absent(place: str) -> Iterator[None]:
    """What is not found is a FileNotFoundError, as users of file systems expect."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(f"{place}: {error}") from error
