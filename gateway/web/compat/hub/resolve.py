"""The bytes of one file at a revision, under the names and headers of the dialect."""

from __future__ import annotations

from functools import partial

from starlette.types import Receive, Scope, Send

from catalog.errors import Denied
from catalog.vocabulary import Actor, Item, Reason
from gateway.streams.ranges import Header
from gateway.web.api.downloads import Downloads, Wanted
from gateway.web.compat.hub.errors import request_id
from gateway.web.compat.hub.records import etag, is_lfs
from gateway.web.compat.hub.repositories import NoSuchEntry, Place, Repositories


class Resolve:
    def __init__(self, repositories: Repositories, downloads: Downloads) -> None:
        self._repositories = repositories
        self._downloads = downloads

    async def file(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """GET and HEAD. Raises NoSuchRepository, NoSuchRevision, NoSuchEntry, Denied."""
        where = {"kind": "models", **scope["path_params"]}
        place = await self._repositories.opened(actor, where)
        wanted = Wanted(
            ns=place.asset.ns,
            name=place.asset.name,
            version=place.version.id,
            path=where["path"],
            etag=etag,
            headers=partial(headers, place),
        )
        try:
            await self._downloads.item(scope, send, actor, wanted)
        except Denied as error:
            if error.decision.reason is Reason.NOT_FOUND:
                raise NoSuchEntry(asset=place.full_name, path=where["path"], commit=place.commit) from error
            raise


def headers(place: Place, item: Item) -> list[Header]:
    """What a client must have before it asks for bytes: the commit, and the digest and size of what it will get."""
    made = [(b"x-repo-commit", place.commit.encode()), request_id()]
    if is_lfs(item):
        made += [(b"x-linked-etag", etag(item).encode()), (b"x-linked-size", b"%d" % item.size)]
    return made
