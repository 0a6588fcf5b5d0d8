"""Repositories: one, and lists of them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import drafts
from catalog.errors import Denied, NotFound
from catalog.policy.names import MAIN
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Asset, Item, Kind, Version, VersionState
from gateway.web.api.assets import without_stopped_card
from gateway.web.compat.hub.errors import Header, warning
from gateway.web.compat.hub.records import card_data, instant, only, repository, tags
from gateway.web.compat.hub.replies import count, flag, next_page, reply
from gateway.web.compat.hub.repositories import BRANCHES, KINDS, NoSuchRepository, Place, Repositories
from gateway.web.context import Catalogue
from gateway.web.errors import STATUS_OF_REASON
from gateway.web.sentences import ascii_line
from gateway.web.words import words_for

PAGE = 100
MOST = 1000
BATCH = 200
SORTS = {"lastModified": "lastModified", "last_modified": "lastModified", "createdAt": "createdAt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a list is asked for; the filters must all hold."""

    kind: Kind
    text: str
    author: str | None
    filters: tuple[str, ...]
    sort: str | None
    after: str
    limit: int

    def fits(self, asset: Asset, version: Version) -> bool:
        if self.author is not None and asset.ns.casefold() != self.author.casefold():
            return False
        return not self.filters or set(self.filters) <= set(tags(asset, card_data(version)))


def matching(tx: Transaction, wish: Wish) -> tuple[list[tuple[Asset, Version]], str | None]:
    """One page, and where the next one starts. By name; another order needs them all at once."""
    found: list[tuple[Asset, Version]] = []
    after = "" if wish.sort else wish.after
    while True:
        batch = tx.assets.search(
            kind=wish.kind, text=wish.text, data_class=None, after=after, limit=BATCH, minors=False
        )
        shown = [(asset, without_stopped_card(tx, main, tx.stops.stopped(asset.id))) for asset, main in batch]
        found += [pair for pair in shown if wish.fits(*pair)]
        full = not wish.sort and len(found) > wish.limit
        if full or len(batch) < BATCH:
            break
        after = batch[-1][0].full_name
    if not wish.sort:
        page = found[: wish.limit]
        return page, page[-1][0].full_name if len(found) > wish.limit else None
    found.sort(key=lambda pair: _moment(wish.sort, *pair), reverse=True)
    start = int(wish.after) if wish.after.isascii() and wish.after.isdigit() and len(wish.after) < 10 else 0
    stop = start + wish.limit
    return found[start:stop], str(stop) if stop < len(found) else None


def _moment(sort: str | None, asset: Asset, version: Version) -> str:
    return instant(asset.created_at if sort == "createdAt" else version.published_at or version.created_at)


class HubCatalogue:
    def __init__(self, catalogue: Catalogue, repositories: Repositories, base_url: str) -> None:
        self._catalogue = catalogue
        self._repositories = repositories
        self._base = base_url

    async def list(self, request: Request, actor: Actor) -> Response:
        """What anyone may see and is served, filtered and in pages."""
        kind = KINDS.get(request.path_params["kind"])
        if kind is None:
            return reply([])
        query = request.query_params
        wish = Wish(
            kind=kind,
            text=query.get("search", "")[:200],
            author=query.get("author"),
            filters=tuple(word for word in query.getlist("filter") if word),
            sort=SORTS.get(query.get("sort", "")),
            after=query.get("cursor", ""),
            limit=count(request, PAGE, MOST),
        )
        if query.get("gated", "").lower() == "false":
            return reply([])  # everything here has terms
        found, after = await self._catalogue.read(matching, wish)
        expand = query.getlist("expand")
        records = [repository(asset, version, version.id, None) for asset, version in found]
        for record in records:
            del record["cardData"], record["sha"]  # the one is long; the other depends on what is stopped
        shown = [only(record, expand) for record in records] if expand else records
        return reply(shown, *next_page(request, self._base, after))

    async def show(self, request: Request, actor: Actor) -> Response:
        """The card is for anyone; the names of the files are for those who may fetch them."""
        try:
            place = await self._repositories.at(actor, request.path_params, MAIN)
        except NoSuchRepository:
            if (told := await self._to_its_publisher(request, actor)) is None:
                raise
            return told
        return await self._record(request, actor, place, open_=self._repositories.is_open(actor, place))

    async def revision(self, request: Request, actor: Actor) -> Response:
        """A copy of a whole repository begins here, so it opens to those who may have the files."""
        try:
            place = await self._repositories.opened(actor, request.path_params)
        except (NoSuchRepository, Denied) as error:
            stopped = isinstance(error, Denied) and STATUS_OF_REASON[error.decision.reason] is not HTTPStatus.FORBIDDEN
            if stopped or (told := await self._to_its_publisher(request, actor)) is None:
                raise
            return told
        return await self._record(request, actor, place, open_=True)

    async def _to_its_publisher(self, request: Request, actor: Actor) -> Response | None:
        """Whoever may change a repository learns that it is there, never released or not accepted; not of its files.

        A client that finds nothing to send asks this last. None to everybody else.
        """
        where = request.path_params

        def look(tx: Transaction) -> tuple[Asset, Version] | None:
            kind = KINDS.get(where["kind"])
            if kind is None or where.get("rev", MAIN).removeprefix(BRANCHES) != MAIN:
                return None
            try:
                asset = drafts.writable(tx, actor, kind, where["ns"], where["name"])
            except (Denied, NotFound):
                return None
            version = drafts.base(tx, asset)
            return None if version is None else (asset, version)

        found = await self._catalogue.read(look)
        if found is None:
            return None
        asset, version = found
        record = repository(asset, version, version.id, None)
        return reply({**record, "private": version.state is VersionState.DRAFT})

    async def may_fetch(self, request: Request, actor: Actor) -> Response:
        await self._repositories.opened(actor, request.path_params, MAIN)
        return reply({})

    async def _record(self, request: Request, actor: Actor, place: Place, *, open_: bool) -> Response:
        siblings: list[Item] | None = None
        if open_:
            items = await self._repositories.items(place)
            siblings = [item for item in items.values() if item.sha256 not in place.ground.stopped]
        version = await self._catalogue.read(without_stopped_card, place.version, place.ground.stopped)
        record = repository(place.asset, version, place.present, siblings, blobs=flag(request, "blobs"))
        expand = request.query_params.getlist("expand")
        return reply(only(record, expand) if expand else record, *recalls(place, self._base))


def recalls(place: Place, base_url: str) -> list[Header]:
    """Items were taken out: tell those who may hold a copy, also when they ask for something else."""
    if not place.missing:
        return []
    url = f"{base_url}/assets/{place.full_name}"
    text = words_for("en")("hub.missing", count=place.missing, asset=place.full_name, url=url)
    return [warning(f"recall {place.full_name}", ascii_line(text))]
