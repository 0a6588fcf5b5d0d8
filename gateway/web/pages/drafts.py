"""What a publisher sent and has not released yet: a page for each draft, with the button that releases it."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import drafts
from catalog.errors import Invalid, NotFound
from catalog.vocabulary import Actor
from gateway.uploads.intake import Choice
from gateway.web.api.drafts import DraftsApi
from gateway.web.context import Catalogue
from gateway.web.receiving import Receiver
from gateway.web.render import Renderer

FILES_SHOWN = 200


class DraftPages:
    def __init__(self, catalogue: Catalogue, receiver: Receiver, api: DraftsApi, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._receiver = receiver
        self._api = api
        self._renderer = renderer

    async def list(self, request: Request, actor: Actor) -> Response:
        found = await self._catalogue.read(drafts.drafts, actor)
        return self._renderer.render(request, "drafts.html", actor, drafts=found)

    async def show(self, request: Request, actor: Actor) -> Response:
        """Once it is released, the asset's page."""
        try:
            return await self._page(request, actor)
        except NotFound:
            name = await self._catalogue.read(drafts.released_as, actor, request.path_params["id"])
            return RedirectResponse(f"/assets/{name}", HTTPStatus.SEE_OTHER)

    async def release(self, request: Request, actor: Actor) -> Response:
        try:
            await self._api.released(actor, request.path_params["id"], Choice())
        except Invalid:
            return await self._page(request, actor, HTTPStatus.UNPROCESSABLE_ENTITY)
        return RedirectResponse(f"/drafts/{request.path_params['id']}", HTTPStatus.SEE_OTHER)

    async def discard(self, request: Request, actor: Actor) -> Response:
        await self._receiver.run(self._receiver.uploads.discard, actor, request.path_params["id"])
        return RedirectResponse("/drafts", HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, actor: Actor, status: HTTPStatus = HTTPStatus.OK) -> Response:
        seen = await self._receiver.run(self._receiver.uploads.look, actor, request.path_params["id"], Choice())
        return self._renderer.render(
            request, "draft.html", actor, status=status, seen=seen, draft=seen.draft, files=seen.items[:FILES_SHOWN],
            publication=seen.publication,
        )  # fmt: skip
