"""The addresses that torch.hub and megengine.hub ask: a file under a name with its digest, and a repository as a zip.

torch.hub checks what it has got by eight or more digits of the SHA-256 in the file's name, so every file of a model can
be had under such a name. megengine.hub builds its address from a host, an owner, a name and a branch.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from catalog.errors import NotFound
from catalog.policy import names
from catalog.policy.access import Ground
from catalog.vocabulary import Actor, Kind
from gateway.web.api.downloads import ZIP, Downloads, Pack, Wanted
from gateway.web.context import Catalogue

BRANCHES = frozenset({"master", "HEAD"})  # what a client says that was told of no branch


class ModelHubs:
    def __init__(self, catalogue: Catalogue, downloads: Downloads) -> None:
        self._catalogue = catalogue
        self._downloads = downloads

    async def weights(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """GET and HEAD of one file, by its path or by its path with its digest in the name. Raises NotFound, Denied."""
        where: Mapping[str, str] = scope["path_params"]
        ground, ref = await self._model(actor, where)
        path = where["path"]
        items = await self._catalogue.manifest(ground)
        if path not in items and (found := names.without_digest(path)) is not None:
            plain, digest = found
            if plain in items and items[plain].sha256.startswith(digest):
                path = plain
        await self._downloads.item(
            scope, send, actor, Wanted(ns=where["ns"], name=where["name"], version=ref, path=path)
        )

    async def archive(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """GET and HEAD of the whole version as a zip below one folder. Raises NotFound, Denied."""
        where: Mapping[str, str] = scope["path_params"]
        _, ref = await self._model(actor, where)
        await self._downloads.pack(scope, send, actor, Pack(where["ns"], where["name"], ref, (), ZIP))

    async def _model(self, actor: Actor, where: Mapping[str, str]) -> tuple[Ground, str]:
        """The model at a version, and what the catalogue calls that. Raises NotFound for anything else than a model."""
        ref = where["rev"]
        ground = await self._catalogue.ground(actor, where["ns"], where["name"], ref)
        if ground.version is None and ref in BRANCHES:
            ref = names.MAIN
            ground = await self._catalogue.ground(actor, where["ns"], where["name"], ref)
        if ground.asset is not None and ground.asset.kind is not Kind.MODEL:
            raise NotFound()
        return ground, ref
