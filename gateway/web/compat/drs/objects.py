"""Objects by id. Each answer follows the one access decision; bytes are had from our own byte route alone."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import deliver
from catalog.errors import NotFound
from catalog.policy.access import Ground
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Asset, Door, Item, ItemState, Version
from gateway.web.compat.drs.bundles import EXPANDED, OBJECT_ID, Bundles, Folder, bundles, contents, portable, uri
from gateway.web.context import Catalogue, denied
from gateway.web.replies import moment, reply

ACCESS_ID = "https"
KEPT_NAMES = 4096
KEPT_BUNDLES = 8
TRUE = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A version that an id names, and the part of the id behind it: "" for the whole."""

    asset: Asset
    version: Version
    ground: Ground
    key: str

    @property
    def object_id(self) -> str:
        return f"{self.version.id}.{self.key}" if self.key else self.version.id


def name_of(tx: Transaction, version_id: str) -> tuple[str, str] | None:
    version = tx.assets.version(version_id)
    asset = None if version is None else tx.assets.get(version.asset_id)
    return None if asset is None else (asset.ns, asset.name)


class Objects:
    """All methods belong to the event loop's thread."""

    def __init__(self, catalogue: Catalogue, base_url: str) -> None:
        self._catalogue = catalogue
        self._base = base_url
        self._host = urlsplit(base_url).netloc
        self._names: OrderedDict[str, tuple[str, str]] = OrderedDict()  # version id → its asset's, which never change
        self._bundles: OrderedDict[str, Bundles] = OrderedDict()

    async def show(self, request: Request, actor: Actor) -> Response:
        """A blob, or a bundle: ?expand=true tells all that is below. Raises NotFound, Denied."""
        place = await self._opened(actor, request.path_params["id"])
        found = await self._arranged(place)
        folder = found.folders.get(place.key)
        if folder is not None:
            levels = EXPANDED if request.query_params.get("expand", "").lower() in TRUE else 0
            # In a thread: a folder may hold a million files.
            return await anyio.to_thread.run_sync(lambda: reply(self._bundle(place, folder, levels)))
        items = found.blobs.get(place.key)
        if items is None:
            raise NotFound()
        stop = place.ground.stopped.get(place.key)
        if stop is not None and stop.state is ItemState.WITHHELD:
            raise denied(deliver.judge(place.ground, actor, Door.BYTES, item=items[0], one=True))
        return reply(self._blob(place, items, available=stop is None))

    async def access(self, request: Request, actor: Actor) -> Response:
        """Where the bytes are. The credential of the request is what opens them there; no other is made.

        Raises NotFound, Denied.
        """
        place = await self._opened(actor, request.path_params["id"])
        items = (await self._arranged(place)).blobs.get(place.key)
        if items is None or request.path_params["access_id"] != ACCESS_ID:
            raise NotFound()
        asset, version, item = place.asset, place.version, items[0]
        await self._catalogue.item(actor, asset.ns, asset.name, version.id, item.path)
        url = f"{self._base}/v1/assets/{asset.full_name}/versions/{version.id}/files/{quote(item.path)}"
        credential = request.headers.get("authorization")
        return reply({"url": url} if credential is None else {"url": url, "headers": [f"Authorization: {credential}"]})

    async def authorizations(self, request: Request, actor: Actor) -> Response:
        """How one may authenticate; the same for all that is in a version, so that it tells nobody what is in it.

        Raises NotFound, Denied.
        """
        place = await self._at(actor, request.path_params["id"])
        return reply(self._authorizations(place))

    async def _at(self, actor: Actor, object_id: str) -> Place:
        """What anyone may know of the version. Raises NotFound, and Denied when it is stopped."""
        found = OBJECT_ID.fullmatch(object_id)
        if found is None:
            raise NotFound()
        version_id, key = found[1], found[2] or ""
        name = self._names.get(version_id)
        if name is None:
            name = await self._catalogue.read(name_of, version_id)
            if name is None:
                raise NotFound()
            self._names[version_id] = name
            if len(self._names) > KEPT_NAMES:
                self._names.popitem(last=False)
        access, ground = await self._catalogue.access(actor, Door.CARD, *name, version_id)
        if access.asset is None or access.version is None:
            raise NotFound()
        return Place(asset=access.asset, version=access.version, ground=ground, key=key)

    async def _opened(self, actor: Actor, object_id: str) -> Place:
        """The same for those who may see the list of files. Raises Denied too."""
        place = await self._at(actor, object_id)
        access = deliver.judge(place.ground, actor, Door.MANIFEST)
        if not access.decision.allowed:
            raise denied(access)
        return place

    async def _arranged(self, place: Place) -> Bundles:
        kept = self._bundles.get(place.version.id)
        if kept is None:
            items = await self._catalogue.manifest(place.ground)
            files = {path: item for path, item in items.items() if item.shard is None}  # each once
            kept = self._bundles[place.version.id] = await anyio.to_thread.run_sync(bundles, files)
            if len(self._bundles) > KEPT_BUNDLES:
                self._bundles.popitem(last=False)
        return kept

    def _bundle(self, place: Place, folder: Folder, levels: int) -> dict[str, object]:
        name = folder.path.rpartition("/")[2] or place.asset.name
        return {
            **self._common(place, name, folder.size, folder.checksum),
            "contents": list(contents(folder, place.version.id, self._host, levels)),
            "description": place.asset.title.en,
            "aliases": [_alias(place, folder.path)],
        }

    def _blob(self, place: Place, items: list[Item], *, available: bool) -> dict[str, object]:
        item = items[0]
        method: dict[str, object] = {
            "type": ACCESS_ID,
            "access_id": ACCESS_ID,
            "available": available,
            "authorizations": self._authorizations(place),
        }
        warrant = place.version.warrant
        if warrant is not None and warrant.residency != "any":
            method["region"] = warrant.residency
        return {
            **self._common(place, item.path.rpartition("/")[2], item.size, item.sha256),
            "mime_type": item.media_type,
            "access_methods": [method],
            "aliases": [_alias(place, each.path) for each in items],
        }

    def _common(self, place: Place, name: str, size: int, checksum: str) -> dict[str, object]:
        at = moment(place.version.published_at or place.version.created_at)
        return {
            "id": place.object_id,
            "name": portable(name),
            "self_uri": uri(self._host, place.object_id),
            "size": size,
            "created_time": at,
            "updated_time": at,
            "version": place.version.id,
            "checksums": [{"type": "sha-256", "checksum": checksum}],
        }

    def _authorizations(self, place: Place) -> dict[str, object]:
        return {
            "drs_object_id": place.object_id,
            "supported_types": ["BearerAuth", "BasicAuth"],
            "bearer_auth_issuers": [self._base],
        }


def _alias(place: Place, path: str) -> str:
    """As a stop's subject is written."""
    whole = f"{place.asset.full_name}@{place.version.id}"
    return f"{whole}:{path}" if path else whole
