"""The catalogue and its assets, as people see them. Nothing here can reach an original."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import previews
from catalog.actions.previews import Tile
from catalog.policy.access import data_class
from catalog.ports import Transaction
from catalog.vocabulary import Account, Actor, Asset, DataClass, Kind, Version
from gateway.web.api.assets import Assets, AssetView, search
from gateway.web.context import Catalogue
from gateway.web.render import Renderer

# What the page carries for machines: JSON-LD, in words that another dialect owns.
Describe = Callable[[Actor, AssetView], Awaitable[Mapping[str, object]]]

SHELF = 12  # assets on a page
STRIP = 5  # tiles on a card
SHOWN_CLASSES = tuple(kept for kept in DataClass if kept is not DataClass.MINOR)


@dataclass(frozen=True, slots=True)
class Card:
    """One asset on the shelf, with a few of the pictures that may be shown."""

    asset: Asset
    version: Version
    data_class: DataClass
    tiles: list[Tile]


def shelf(tx: Transaction, *, kind: str, text: str, data_class_: str, after: str) -> list[Card]:
    """One card more than fit, when there are more. Raises Invalid."""
    found = search(tx, kind=kind, text=text, data_class=data_class_, after=after, limit=SHELF + 1)
    cards = []
    for asset, version in found:
        shown = [tile for tile in previews.tiles(tx, asset, version) if tile.blob is not None]
        cards.append(Card(asset, version, data_class(asset, version), shown[:STRIP]))
    return cards


@dataclass(frozen=True, slots=True)
class Extras:
    """What an asset's page shows beside the view that the API shares."""

    tiles: list[Tile]
    accepted_at: datetime | None
    stopped: tuple[int, int]  # files of the main version, and their bytes


def extras(tx: Transaction, view: AssetView, account: Account | None) -> Extras:
    accepted_at = None
    if account is not None and view.terms is not None:
        acceptance = tx.terms.acceptance(account.id, view.asset.id, view.terms)
        accepted_at = None if acceptance is None else acceptance.accepted_at
    return Extras(previews.tiles(tx, view.asset, view.main), accepted_at, tx.stops.sum_stopped(view.main.id))


class CataloguePages:
    def __init__(self, catalogue: Catalogue, assets: Assets, describe: Describe, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._assets = assets
        self._describe = describe
        self._renderer = renderer

    async def index(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        asked = {"q": query.get("q", ""), "kind": query.get("kind", ""), "class": query.get("class", "")}
        find = partial(shelf, kind=asked["kind"], text=asked["q"], data_class_=asked["class"])
        cards = await self._catalogue.read(partial(find, after=query.get("cursor", "")))

        def address(**changes: str) -> str:
            chosen = {name: value for name, value in {**asked, **changes}.items() if value}
            return f"/?{urlencode(chosen)}" if chosen else "/"

        return self._renderer.render(
            request,
            "catalogue.html",
            actor,
            cards=cards[:SHELF],
            asked=asked,
            address=address,
            later=address(cursor=cards[SHELF - 1].asset.full_name) if len(cards) > SHELF else None,
            first=address() if query.get("cursor") else None,
            kinds=tuple(Kind),
            classes=SHOWN_CLASSES,
        )

    async def show(self, request: Request, actor: Actor) -> Response:
        view = await self._assets.find(request, actor)
        extra = await self._catalogue.read(extras, view, actor.account)
        return self._renderer.render(
            request,
            "asset.html",
            actor,
            view=view,
            asset=view.asset,
            version=view.main,
            data_class=data_class(view.asset, view.main),
            tiles=extra.tiles,
            accepted_at=extra.accepted_at,
            stopped_files=extra.stopped[0],
            stopped_size=extra.stopped[1],
            record=await self._describe(actor, view),
            just_accepted=view.accepted and "accepted" in request.query_params,
        )
