"""What a revision holds: its tree in pages, single paths, its refs and its commits."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Flaw, Invalid, Wrong
from catalog.policy.names import MAIN
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Asset, Item, Notice, Version, VersionState
from gateway.web.api.bodies import raw_body
from gateway.web.compat.hub.catalogue import recalls
from gateway.web.compat.hub.records import commit_record, file_record, folder_record
from gateway.web.compat.hub.replies import TRUE, count, flag, next_page, reply
from gateway.web.compat.hub.repositories import NoSuchEntry, Place, Repositories
from gateway.web.context import Catalogue
from gateway.web.errors import BadRequest
from gateway.web.words import words_for

PAGE = 5000  # entries; a copy of a whole repository asks for every page
MOST = 10_000
KEPT_LISTS = 8
MAX_BODY = 4 * 1024 * 1024  # bytes of a paths-info
MAX_PATHS = 20_000

Entry = tuple[str, Item | None]  # None: a folder


def entries(
    paths: Sequence[str],
    items: Mapping[str, Item],
    stopped: Mapping[str, object],
    folder: str,
    *,
    recursive: bool,
    after: str,
) -> Iterator[Entry]:
    """Files and folders below `folder` ("" or ending in a slash) that come later than `after`, in order of path.

    Stopped items are not there, nor folders that hold nothing else.
    """
    start = bisect_right(paths, after) if after else bisect_left(paths, folder)
    told = after  # folders of the last path before this page have been told
    while start < len(paths) and paths[start].startswith(folder):
        path = paths[start]
        start += 1
        if items[path].sha256 in stopped:
            continue
        inner = path[len(folder) :]
        slash = inner.find("/")
        while slash >= 0:
            parent = folder + inner[:slash]
            if not told.startswith(parent + "/"):
                yield parent, None
            if not recursive:
                break
            slash = inner.find("/", slash + 1)
        told = path
        if recursive or "/" not in inner:
            yield path, items[path]
        else:  # on to what follows the folder: "0" comes right after "/"
            start = bisect_left(paths, folder + inner[: inner.find("/")] + "0", start)


def history(tx: Transaction, asset: Asset) -> tuple[list[Version], list[Notice]]:
    versions = [version for version in tx.assets.versions(asset.id) if version.state is VersionState.PUBLISHED]
    return versions, list(tx.stops.notices(asset.id))


class Trees:
    def __init__(self, catalogue: Catalogue, repositories: Repositories, base_url: str) -> None:
        self._catalogue = catalogue
        self._repositories = repositories
        self._base = base_url
        self._lists: OrderedDict[tuple[str, int], list[str]] = OrderedDict()

    async def tree(self, request: Request, actor: Actor) -> Response:
        """?recursive=&expand=&limit=&cursor=. Raises NoSuchEntry for a folder that is not there."""
        place = await self._repositories.opened(actor, request.path_params)
        wanted = request.path_params.get("path", "").strip("/")
        folder = f"{wanted}/" if wanted else ""
        limit = count(request, PAGE, MOST)
        items = await self._repositories.items(place)
        found = entries(
            self._paths(place, items),
            items,
            place.ground.stopped,
            folder,
            recursive=flag(request, "recursive"),
            after=request.query_params.get("cursor", ""),
        )
        page: list[Entry] = []
        more = False
        for entry in found:
            # A page ends after a file, where the next one can tell which folders were named already.
            if len(page) >= limit and page[-1][1] is not None:
                more = True
                break
            page.append(entry)
        if folder and not page and not request.query_params.get("cursor"):
            raise NoSuchEntry(asset=place.full_name, path=wanted, commit=place.commit)
        commit = self._last_commit(place) if flag(request, "expand") else None
        records = [
            folder_record(place.version, path, commit) if item is None else file_record(item, commit)
            for path, item in page
        ]
        cursor = page[-1][0] if more else None
        return reply(records, *next_page(request, self._base, cursor), *recalls(place, self._base))

    async def paths_info(self, request: Request, actor: Actor) -> Response:
        """The named files and folders; what is not there is left out."""
        place = await self._repositories.opened(actor, request.path_params)
        wanted, expand = await _asked(request)
        items = await self._repositories.items(place)
        paths = self._paths(place, items)
        stopped = place.ground.stopped
        commit = self._last_commit(place) if expand else None
        records = []
        for path in dict.fromkeys(wanted):
            item = items.get(path)
            if item is not None:
                if item.sha256 not in stopped:
                    records.append(file_record(item, commit))
            elif path and next(entries(paths, items, stopped, f"{path}/", recursive=True, after=""), None) is not None:
                records.append(folder_record(place.version, path, commit))
        return reply(records, *recalls(place, self._base))

    async def refs(self, request: Request, actor: Actor) -> Response:
        place = await self._repositories.at(actor, request.path_params, MAIN)
        versions, _ = await self._catalogue.read(history, place.asset)
        tags = []
        for version in versions:
            if version.tag is not None:
                tagged = await self._repositories.at(actor, request.path_params, version.tag)
                tags.append({"name": version.tag, "ref": f"refs/tags/{version.tag}", "targetCommit": tagged.present})
        main = {"name": MAIN, "ref": f"refs/heads/{MAIN}", "targetCommit": place.present}
        return reply({"branches": [main], "converts": [], "tags": tags, "pullRequests": []})

    async def commits(self, request: Request, actor: Actor) -> Response:
        """The releases up to the revision, newest first; one that lost items has a later commit without them."""
        place = await self._repositories.at(actor, request.path_params)
        versions, notices = await self._catalogue.read(history, place.asset)
        words = words_for("en")
        records = []
        for version in versions:
            if _released(version) > _released(place.version):
                continue
            there = await self._repositories.at(actor, request.path_params, version.id)
            if there.missing:
                placed = [n.placed_at for n in notices if n.sha256 is not None and n.placed_at >= version.created_at]
                at = max(placed, default=version.published_at or version.created_at)
                title = words("hub.commit-missing", count=there.missing)
                records.append(commit_record(there.present, title, at, place.asset.ns))
            title = words("hub.commit-release") + (f" {version.tag}" if version.tag else "")
            at = version.published_at or version.created_at
            records.append(commit_record(version.id, title, at, place.asset.ns))
        start = _number(request.query_params.get("cursor"))
        limit = count(request, PAGE, MOST)
        cursor = str(start + limit) if start + limit < len(records) else None
        return reply(records[start : start + limit], *next_page(request, self._base, cursor))

    def _last_commit(self, place: Place) -> dict[str, object]:
        at = place.version.published_at or place.version.created_at
        return commit_record(place.version.id, words_for("en")("hub.commit-release"), at, place.asset.ns)

    def _paths(self, place: Place, items: Mapping[str, Item]) -> list[str]:
        kept = self._lists.get(place.version.contents)
        if kept is None:
            kept = list(items)
            if place.version.state is not VersionState.DRAFT:
                self._lists[place.version.contents] = kept
                if len(self._lists) > KEPT_LISTS:
                    self._lists.popitem(last=False)
        return kept


def _released(version: Version) -> str:
    return (version.published_at or version.created_at).isoformat()


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


async def _asked(request: Request) -> tuple[list[str], bool]:
    """Paths and whether to expand, from a form or from JSON. Raises BadRequest, Invalid."""
    body = await raw_body(request, MAX_BODY)
    if request.headers.get("content-type", "").startswith("application/json"):
        return _from_json(body)
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PATHS, errors="strict")
    except ValueError as error:
        raise BadRequest("not-a-form") from error
    return fields.get("paths", []), next(iter(fields.get("expand", [])), "").lower() in TRUE


def _from_json(body: bytes) -> tuple[list[str], bool]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("not-json") from error
    paths = asked.get("paths") if isinstance(asked, dict) else None
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths) or len(paths) > MAX_PATHS:
        raise Invalid({"paths": Flaw(Wrong.WRONG_KIND)})
    return paths, asked.get("expand") is True
