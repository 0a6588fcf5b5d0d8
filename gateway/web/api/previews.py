"""One blurred picture. These handlers are built without the originals: they cannot show one."""

from __future__ import annotations

from functools import partial
from html import escape
from http import HTTPStatus

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import previews
from catalog.errors import Denied, NotFound
from catalog.vocabulary import Actor, Decision, Door, Reason
from gateway.blobs.base import Previews
from gateway.web.context import Catalogue
from gateway.web.words import Words, language_of, words_for

HEADERS = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
STOPPED = {"item-held": Reason.ITEM_HELD, "item-withheld": Reason.ITEM_WITHHELD}
PLACEHOLDER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" role="img" aria-label="{text}">'
    '<rect width="320" height="240" fill="#eceef1"/><g fill="none" stroke="#9aa3ad" stroke-width="3">'
    '<circle cx="160" cy="92" r="24"/><path d="M118 152c6-26 24-36 42-36s36 10 42 36"/></g>'
    '<text x="160" y="196" font-family="system-ui,sans-serif" font-size="14" fill="#5a6570" '
    'text-anchor="middle">{text}</text></svg>'
)


def placeholder(words: Words, why: str) -> str:
    """A neutral picture that says why there is no other."""
    key = f"preview.{why}"
    return PLACEHOLDER.format(text=escape(words(key if key in words else "preview.refused")))


class PreviewPictures:
    def __init__(self, catalogue: Catalogue, pictures: Previews) -> None:
        self._catalogue = catalogue
        self._pictures = pictures

    async def show(self, request: Request, actor: Actor) -> Response:
        where = request.path_params
        access, _ = await self._catalogue.access(actor, Door.PREVIEWS, where["ns"], where["name"], where["version"])
        asset, version = access.asset, access.version
        if asset is None or version is None:
            raise Denied(access.decision)
        found = await self._catalogue.read(partial(previews.tiles, asset=asset, version=version))
        tile = next((tile for tile in found if tile.n == where["n"]), None)
        if tile is None:
            raise NotFound()
        if tile.blob is not None:
            picture = await anyio.to_thread.run_sync(self._pictures.get, tile.blob)
            return Response(picture, headers=HEADERS, media_type="image/jpeg")
        why = tile.why or "refused"
        if why in STOPPED:
            raise Denied(Decision(allowed=False, reason=STOPPED[why], as_of=access.decision.as_of))
        svg = placeholder(words_for(language_of(request)), why)
        headers = {**HEADERS, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(svg, HTTPStatus.OK, headers=headers, media_type="image/svg+xml")
