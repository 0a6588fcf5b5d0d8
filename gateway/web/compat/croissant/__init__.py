"""Croissant 1.1 and schema.org: an asset as JSON-LD, for data set search and for loaders.

Anyone gets what an asset's page tells: kinds of files, not their names. Who may have the files is also told the names
and digests of those that stand alone: cards, tables, shards; not of thousands of pictures.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import deliver
from catalog.errors import NotFound
from catalog.policy.access import Ground
from catalog.policy.names import MAIN
from catalog.vocabulary import Actor, Door, Item, VersionState
from gateway.web.api.assets import AssetView, is_insider, view
from gateway.web.compat.croissant.document import Record, document
from gateway.web.compat.croissant.kinds import FileKind, file_kinds
from gateway.web.compat.croissant.vocabulary import MEDIA_TYPE
from gateway.web.compat.hub.repositories import KINDS
from gateway.web.context import Catalogue
from gateway.web.replies import reply

LISTED = 100  # files of a kind that are told one by one at most
KEPT_KINDS = 256


class Croissant:
    """All methods belong to the event loop's thread."""

    def __init__(self, catalogue: Catalogue, base_url: str) -> None:
        self._catalogue = catalogue
        self._base = base_url
        self._kinds: OrderedDict[str, list[FileKind]] = OrderedDict()

    async def show(self, request: Request, actor: Actor) -> Response:
        """?version= is an id, a tag or `main`. Raises NotFound, Denied."""
        where = request.path_params
        ref = request.query_params.get("version", MAIN)
        _, ground = await self._catalogue.access(actor, Door.CARD, where["ns"], where["name"], ref)
        account_id = None if actor.account is None else actor.account.id
        seen = await self._catalogue.read(partial(view, insider=is_insider(actor, ground)), ground, account_id)
        if "kind" in where and seen.asset.kind is not KINDS.get(where["kind"]):
            raise NotFound()
        kinds = await self._kinds_of(ground)
        listed: list[Item] = []
        if deliver.judge(ground, actor, Door.MANIFEST).decision.allowed:
            few = {kind.media_type for kind in kinds if kind.count <= LISTED}
            items = await self._catalogue.manifest(ground)
            files = [item for item in items.values() if item.shard is None]
            listed = [file for file in files if file.media_type in few and file.sha256 not in ground.stopped]
        answer = reply(document(seen, base_url=self._base, kinds=kinds, listed=listed))
        answer.headers["content-type"] = MEDIA_TYPE
        answer.headers["vary"] = "authorization, cookie"
        return answer

    async def for_page(self, actor: Actor, seen: AssetView) -> Record:
        """What the page of an asset carries for search engines: the same for everyone."""
        ground = await self._catalogue.ground(actor, seen.asset.ns, seen.asset.name, MAIN)
        return document(seen, base_url=self._base, kinds=await self._kinds_of(ground), listed=())

    async def _kinds_of(self, ground: Ground) -> list[FileKind]:
        version = ground.version
        if version is None:
            return []
        kept = self._kinds.get(version.id)
        if kept is None:
            items = await self._catalogue.manifest(ground)
            files = [item for item in items.values() if item.shard is None]
            kept = await anyio.to_thread.run_sync(file_kinds, files)
            if version.state is not VersionState.DRAFT:
                self._kinds[version.id] = kept
                if len(self._kinds) > KEPT_KINDS:
                    self._kinds.popitem(last=False)
        return kept
