"""The catalogue as data: lists, one asset, its manifest and its previews."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import previews
from catalog.actions.lineage import Flagged, flagged
from catalog.actions.loading import Loading, loading
from catalog.errors import Denied, Flaw, Invalid, Wrong
from catalog.policy import terms as terms_policy
from catalog.policy.access import Ground
from catalog.policy.names import CARD, MAIN
from catalog.ports import Transaction
from catalog.vocabulary import (
    AcceptanceStatus,
    Actor,
    Approval,
    Asset,
    DataClass,
    Decision,
    Door,
    Item,
    Kind,
    Reason,
    Role,
    StoppedItem,
    Terms,
    Version,
    VersionState,
)
from gateway.web.context import Catalogue
from gateway.web.replies import NO_STORE, moment, page, reply

PAGE = 50
MAX_PAGE = 200
KEPT_MANIFESTS = 32


def summary(asset: Asset, main: Version | None) -> dict[str, object]:
    warrant = None if main is None else main.warrant
    return {
        "ns": asset.ns,
        "name": asset.name,
        "kind": asset.kind.value,
        "class": asset.data_class.value,
        "title": {"en": asset.title.en, "zh": asset.title.zh},
        "licence": None if warrant is None else warrant.licence,
        "main": None if main is None else {"version": main.id, "state": main.state.value},
    }


def version_record(version: Version) -> dict[str, object]:
    return {
        "version": version.id,
        "tag": version.tag,
        "state": version.state.value,
        "published_at": moment(version.published_at),
        "items": version.item_count,
        "size": version.total_size,
    }


@dataclass(frozen=True, slots=True)
class AssetView:
    """One asset with what its page and its record show; `flags` are of its main version."""

    asset: Asset
    main: Version
    versions: list[Version]
    terms: Terms | None
    accepted: bool
    approval: Approval  # an operator's word, where one is asked for
    flags: list[Flagged]
    loading: Loading | None  # None for a dataset, and for files that nobody has looked through

    def record(self) -> dict[str, object]:
        terms = self.terms
        return {
            **summary(self.asset, self.main),
            "terms": None
            if terms is None
            else {"id": terms.id, "version": terms.version, "sha256": terms.sha256, "accepted": self.accepted},
            "versions": [version_record(version) for version in self.versions],
            "card": self.main.card,
            "loading": None if self.loading is None else loading_record(self.loading),
            "derived_from": [] if self.main.warrant is None else list(self.main.warrant.derived_from),
            "flags": [
                {
                    "source": flag.source,
                    "part": flag.part,
                    "notice": flag.notice_id,
                    "since": moment(flag.flagged_at),
                    "answer": flag.answer,
                }
                for flag in self.flags
            ],
        }


def loading_record(told: Loading) -> dict[str, object]:
    """For anyone: it names no file."""
    return {
        "counts": {verdict.value: count for verdict, count in told.counts.items()},
        "names": list(told.names),
        "scanner": told.scanner,
        "scanned_at": moment(told.scanned_at),
    }


def search(
    tx: Transaction, *, kind: str | None, text: str, data_class: str | None, after: str, limit: int
) -> list[tuple[Asset, Version]]:
    """Raises Invalid for a kind or class that does not exist."""
    wrong = {}
    if kind and kind not in {k.value for k in Kind}:
        wrong["kind"] = Flaw(Wrong.ONE_OF, values=", ".join(Kind))
    if data_class and data_class not in {c.value for c in DataClass}:
        wrong["class"] = Flaw(Wrong.ONE_OF, values=", ".join(DataClass))
    if wrong:
        raise Invalid(wrong)
    found = tx.assets.search(
        kind=Kind(kind) if kind else None,
        text=text[:200],
        data_class=DataClass(data_class) if data_class else None,
        after=after,
        limit=limit,
        minors=False,
    )
    return list(found)


def view(tx: Transaction, ground: Ground, account_id: str | None, *, insider: bool) -> AssetView:
    """The asset behind a ground that the CARD door has let through."""
    asset, main = ground.asset, ground.version
    if asset is None or main is None:
        raise Denied(Decision(allowed=False, reason=Reason.NOT_FOUND, as_of=ground.facts.as_of))
    terms = tx.terms.in_force(asset.terms_id)
    accepted = (
        terms is not None
        and account_id is not None
        and terms_policy.status(tx.terms.accepted_majors(account_id, asset), terms) is AcceptanceStatus.IN_FORCE
    )
    main = without_stopped_card(tx, main, ground.stopped)
    versions = [v for v in tx.assets.versions(asset.id) if insider or v.state is not VersionState.DRAFT]
    told = loading(tx, main, asset.kind)
    return AssetView(asset, main, versions, terms, accepted, ground.facts.approval, flagged(tx, main), told)


def without_stopped_card(tx: Transaction, version: Version, stopped: Mapping[str, StoppedItem]) -> Version:
    """The version as it may be shown: a card that was taken out is not read aloud either."""
    card = tx.assets.item(version.id, CARD) if stopped else None
    return replace(version, card="") if card is not None and card.sha256 in stopped else version


def manifest_record(item: Item, stopped: str | None) -> dict[str, object]:
    """One file; of a stopped one the path and its state alone. A shard says that it is one: its files are there too."""
    record: dict[str, object] = {"path": item.path, "state": stopped or "served"}
    if stopped is None:
        record |= {"size": item.size, "sha256": item.sha256, "media_type": item.media_type}
    return record if item.shard is None else {**record, "shard": True}


def is_insider(actor: Actor, ground: Ground) -> bool:
    return ground.facts.own or (actor.account is not None and actor.account.role is Role.OPERATOR)


class Assets:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._manifests: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    async def list(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        limit = page_size(query.get("limit"))
        found = await self._catalogue.read(
            partial(
                search,
                kind=query.get("kind"),
                text=query.get("q", ""),
                data_class=query.get("class"),
                after=query.get("cursor", ""),
                limit=limit + 1,
            )
        )
        more = found[limit - 1][0].full_name if len(found) > limit else None
        return page([summary(asset, main) for asset, main in found[:limit]], more)

    async def show(self, request: Request, actor: Actor) -> Response:
        return reply((await self.find(request, actor)).record())

    async def find(self, request: Request, actor: Actor) -> AssetView:
        """The asset that the address names. Raises Denied; an asset is stopped when its `main` is."""
        where = request.path_params
        _, ground = await self._catalogue.access(actor, Door.CARD, where["ns"], where["name"], MAIN)
        account_id = None if actor.account is None else actor.account.id
        return await self._catalogue.read(partial(view, insider=is_insider(actor, ground)), ground, account_id)

    async def manifest(self, request: Request, actor: Actor) -> Response:
        where = request.path_params
        access, ground = await self._catalogue.access(
            actor, Door.MANIFEST, where["ns"], where["name"], where["version"]
        )
        asset, version = access.asset, access.version
        if asset is None or version is None:
            raise Denied(access.decision)
        key = (version.id, ground.facts.as_of)
        body = self._manifests.get(key)
        if body is None:
            items = await self._catalogue.manifest(ground)
            states = {sha256: stop.state.value for sha256, stop in ground.stopped.items()}
            records = [manifest_record(item, states.get(item.sha256)) for item in items.values()]
            whole = {"asset": asset.full_name, "version": version.id, "items": records, "next": None}
            body = bytes(reply(whole).body)
            self._manifests[key] = body
            if len(self._manifests) > KEPT_MANIFESTS:
                self._manifests.popitem(last=False)
        return Response(body, headers=NO_STORE, media_type="application/json")

    async def previews(self, request: Request, actor: Actor) -> Response:
        where = request.path_params
        access, _ = await self._catalogue.access(actor, Door.PREVIEWS, where["ns"], where["name"], where["version"])
        asset, version = access.asset, access.version
        if asset is None or version is None:
            raise Denied(access.decision)
        tiles = await self._catalogue.read(previews.tiles, asset, version)
        base = f"/v1/assets/{asset.full_name}/versions/{version.id}/previews"
        return page(
            [
                {
                    "n": tile.n,
                    "state": "blurred" if tile.blob is not None else tile.why,
                    "url": f"{base}/{tile.n}",
                    "width": tile.width,
                    "height": tile.height,
                }
                for tile in tiles
            ]
        )


def page_size(text: str | None) -> int:
    """Raises Invalid."""
    if text is None:
        return PAGE
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= MAX_PAGE:
        raise Invalid({"limit": Flaw(Wrong.BETWEEN, least=1, most=MAX_PAGE)})
    return int(text)
