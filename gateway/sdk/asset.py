"""One dataset or model: look at it, accept its terms, fetch it."""

import io
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from gateway.sdk import wire
from gateway.sdk.errors import Misused, NotFound, StoppedFilesWarning
from gateway.sdk.records import Item, Manifest, Terms, item_of, manifest_version, member, terms_of
from gateway.sdk.words import Language, files, say

if TYPE_CHECKING:
    from gateway.sdk.client import Hub
    from gateway.sdk.download import Fetched


class Asset:
    """A handle; every call asks the gateway anew, so it tells the state of this moment.

    Any call may raise Refused (its members say what to do), Unreachable and NotAGateway. ``version`` is a version's id,
    a tag, or ``main`` for the newest released one.
    """

    def __init__(self, hub: "Hub", name: str, *, kind: str | None) -> None:
        ns, slash, short = name.partition("/")
        if not slash or not wire.PART.fullmatch(ns) or not wire.PART.fullmatch(short):
            raise Misused("bad-name", name=name)
        self._hub = hub
        self._kind = kind
        self.ns, self.short_name = ns, short

    @property
    def name(self) -> str:
        """``ns/name``."""
        return f"{self.ns}/{self.short_name}"

    def info(self) -> wire.AssetInfo:
        """Title, class, licence, card, terms and versions. Raises Misused when it is of the other kind."""
        info = self._hub.transport.get(wire.asset_path(self.ns, self.short_name), what=self.name)
        kind = member(info, "kind", str, self._hub.url)
        if self._kind not in (None, kind):
            raise Misused("other-kind", asset=self.name, kind=kind)
        return cast("wire.AssetInfo", info)

    def versions(self) -> list[wire.VersionInfo]:
        """The released versions, newest first."""
        return self.info()["versions"]

    def terms(self) -> Terms:
        """The terms in force, in both languages; their digest has been checked."""
        state = member(self.info(), "terms", dict, self._hub.url)
        terms_id = member(state, "id", str, self._hub.url)
        return terms_of(self._hub.transport.get(wire.terms_path(terms_id), what=terms_id), self._hub.url)

    def accepted(self) -> bool:
        """Whether the token's account has accepted the terms in force."""
        return member(member(self.info(), "terms", dict, self._hub.url), "accepted", bool, self._hub.url)

    @property
    def lang(self) -> Language:
        """The language of the Hub that it is from."""
        return self._hub.lang

    def accept(self, *, purpose: str, lang: Language | None = None, terms: Terms | None = None) -> wire.Acceptance:
        """Accept the terms for a purpose, in the name of the token's account. Accepting twice is accepting once.

        ``terms`` are those that were shown, by default those in force now; ``lang`` the language they were read in.
        Raises TermsChanged when others came into force meanwhile.
        """
        shown = terms or self.terms()
        body = wire.AcceptanceRequest(
            terms_id=shown.id,
            terms_version=shown.version,
            terms_sha256=shown.sha256,
            language=lang or self._hub.lang,
            purpose=purpose,
        )
        path = wire.acceptances_path(self.ns, self.short_name)
        return cast("wire.Acceptance", self._hub.transport.post(path, body, what=self.name))

    def manifest(self, version: str = wire.MAIN) -> Manifest:
        """What the version consists of; its id is resolved, so what follows cannot mix two versions."""
        origin, transport = self._hub.url, self._hub.transport
        params: dict[str, str] = {}
        items: list[Item] = []
        stopped: list[str] = []
        shards: set[str] = set()
        while True:
            page = transport.get(
                wire.manifest_path(self.ns, self.short_name, version), params=params, what=f"{self.name}@{version}"
            )
            version = manifest_version(page, origin)
            for record in member(page, "items", list, origin):
                item = item_of(record, origin)
                if isinstance(item, Item):
                    items.append(item)
                else:
                    stopped.append(item)
                if record.get("shard") is True:
                    shards.add(member(record, "path", str, origin))
            if page.get("next") is None:
                break
            params = {"cursor": member(page, "next", str, origin)}
        return Manifest(
            asset=self.name, version=version, items=tuple(items), stopped=tuple(stopped), shards=frozenset(shards)
        )

    def fetch(
        self,
        to: str | os.PathLike[str] | None = None,
        *,
        version: str = wire.MAIN,
        include: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        progress: bool = True,
    ) -> Path:
        """Bring the files into the folder ``to`` (default: one named like the asset, here) and return it.

        Every file is checked against its SHA-256 before it takes its name; what is there and equal stays, what is there
        and differs is replaced. Run again after an interruption, it goes on where it was. Files are read-only and share
        their room with the store of this machine where the file system can. ``include`` and ``exclude`` are one glob or
        several over whole paths (``*`` also matches ``/``). Stopped files are left out with a StoppedFilesWarning.
        Shards, which hold the same files once more, come only where ``include`` matches them.
        Raises Stopped when the asset is stopped meanwhile, and NotStored.
        """
        fetched = self.download(to, version=version, include=include, exclude=exclude, progress=progress)
        if fetched.stopped:
            lang, paths = self._hub.lang, ", ".join(fetched.stopped[:10])
            message = say("left-out", lang, files=files(len(fetched.stopped), lang), asset=self.name, paths=paths)
            warnings.warn(StoppedFilesWarning(message), stacklevel=2)
        return fetched.folder

    def download(
        self,
        to: str | os.PathLike[str] | None = None,
        *,
        version: str = wire.MAIN,
        include: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        progress: bool = True,
    ) -> "Fetched":
        """As `fetch`, and tell what was done: version, counts, and the files left out."""
        from gateway.sdk.choice import Globs
        from gateway.sdk.destination import Destination  # file locks load slowly, and not everyone fetches
        from gateway.sdk.download import download

        folder = Destination(Path(to if to is not None else self.short_name)).folder  # before anything is asked
        self._hub.be_known()
        return download(
            self._hub.transport,
            self._hub.machine,
            self.name,
            lambda: self.manifest(version),
            folder,
            globs=Globs(include=_several(include), exclude=_several(exclude)),
            progress=progress,
        )

    def open(self, path: str, *, version: str = wire.MAIN) -> io.BufferedReader:
        """One file to read from the gateway, piece by piece: seekable, read ahead, nothing kept on disk.

        Its bytes are not checked against the digest, as they are never all here; `fetch` does that. A stop ends the
        reading with Stopped.
        """
        from gateway.sdk.remote import open_remote

        listed = self.manifest(version)
        return open_remote(self._hub.transport, self.ns, self.short_name, listed.version, self.find(listed, path))

    def load_torch(self, path: str, *, version: str = wire.MAIN, map_location: object = "cpu") -> Any:
        """What a PyTorch file holds, such as a state dict: .safetensors, or .pth, .pt, .bin and the like.

        The file is kept in this machine's store and its digest checked before it is read; pickles are read with
        ``weights_only=True``, so nothing in them runs. Raises NotLoaded, and Misused when torch is missing.
        """
        from gateway.sdk.loaders import load_torch

        return load_torch(*self._kept(path, version), map_location)

    def load_megengine(self, path: str, *, version: str = wire.MAIN) -> Any:
        """What a MegEngine file holds, such as a state dict: numpy arrays for ``Module.load_state_dict``.

        As `load_torch`; a pickle is read by a reader that knows numbers, texts, containers and arrays, and no code.
        Raises NotLoaded, and Misused when numpy is missing.
        """
        from gateway.sdk.loaders import load_megengine

        return load_megengine(*self._kept(path, version))

    def find(self, listed: Manifest, path: str) -> Item:
        """The item at a path of a manifest. Raises Stopped for one that is stopped, NotFound when there is none."""
        for item in listed.items:
            if item.path == path:
                return item
        what = f"{self.name}:{path}"
        if path in listed.stopped:  # the gateway itself says why
            address = wire.file_path(self.ns, self.short_name, listed.version, path)
            with self._hub.transport.stream(address, what=what, headers={"range": "bytes=0-0"}):
                pass  # it is served again: it was held when the list was made
        raise NotFound("not-found", status=404, detail="", url=self._hub.url, what=what)

    def _kept(self, path: str, version: str) -> tuple[BinaryIO, Path]:
        from gateway.sdk.content import open_kept

        self._hub.be_known()
        listed = self.manifest(version)
        item = self.find(listed, path)
        file = open_kept(self._hub.transport, self._hub.machine, listed, item, progress=True)
        return file, Path(item.path)

    def __repr__(self) -> str:
        return f"<{self._kind or 'asset'} {self.name} at {self._hub.url}>"


def _several(globs: str | Iterable[str]) -> tuple[str, ...]:
    return (globs,) if isinstance(globs, str) else tuple(globs)
