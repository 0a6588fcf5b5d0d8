"""The terms of an asset: the text that is shown is the text that is accepted."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import terms
from catalog.errors import Conflict, Invalid, NotFound
from catalog.vocabulary import Actor
from gateway.web.api.accounts import signed_in
from gateway.web.api.assets import Assets
from gateway.web.context import Catalogue
from gateway.web.pages.catalogue import extras
from gateway.web.pages.forms import Form, read_form
from gateway.web.render import Renderer
from gateway.web.words import LANGUAGES, language_of


class TermsPages:
    def __init__(self, catalogue: Catalogue, assets: Assets, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._assets = assets
        self._renderer = renderer

    async def show(self, request: Request, actor: Actor) -> Response:
        language = request.query_params.get("text", "")
        return await self._page(request, actor, Form(), language)

    async def accept(self, request: Request, actor: Actor) -> Response:
        signed_in(actor)
        form = await read_form(request)
        language = form.text("language")
        if not form.text("agree"):
            form.blame(["agree"])
            if not form.text("purpose").strip():
                form.blame(["purpose"])
            return await self._page(request, actor, form, language, HTTPStatus.UNPROCESSABLE_ENTITY)
        where = request.path_params
        command = terms.Accept(
            ns=where["ns"],
            name=where["name"],
            terms_id=form.text("terms_id"),
            terms_version=form.text("terms_version"),
            terms_sha256=form.text("terms_sha256"),
            language=language,
            purpose=form.text("purpose"),
        )
        act = partial(terms.accept, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        try:
            await self._catalogue.write(act, actor, command)
        except Invalid as error:
            form.blame(error.fields)
            return await self._page(request, actor, form, language, HTTPStatus.UNPROCESSABLE_ENTITY)
        except Conflict:  # a new version came into force while this one was read: show that
            return await self._page(request, actor, form, language, HTTPStatus.CONFLICT)
        return RedirectResponse(f"/assets/{where['ns']}/{where['name']}?accepted=1", HTTPStatus.SEE_OTHER)

    async def _page(
        self, request: Request, actor: Actor, form: Form, language: str, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        view = await self._assets.find(request, actor)
        if view.terms is None:
            raise NotFound("no-such-terms")
        accepted_at: datetime | None = (await self._catalogue.read(extras, view, actor.account)).accepted_at
        chosen = language if language in LANGUAGES else language_of(request)
        return self._renderer.render(
            request,
            "terms.html",
            actor,
            status=status,
            asset=view.asset,
            terms=view.terms,
            language=chosen,
            text=view.terms.zh if chosen == "zh" else view.terms.en,
            accepted_at=accepted_at,
            changed=status is HTTPStatus.CONFLICT,
            form=form,
        )
