"""Letting a program sign in: a person types the code that it shows, sees what it asks for, and allows or refuses."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import logins
from catalog.errors import Invalid, NotFound
from catalog.vocabulary import Actor, Login, Scope
from gateway.web.api.accounts import signed_in
from gateway.web.attempts import Attempts
from gateway.web.context import Catalogue
from gateway.web.pages.forms import Form, query_form, read_form
from gateway.web.render import Renderer


class DevicePages:
    def __init__(self, catalogue: Catalogue, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._renderer = renderer
        self._misses = Attempts(20, timedelta(minutes=15))  # codes of one account that nothing waits under

    async def show(self, request: Request, actor: Actor) -> Response:
        """Asks for the code, or with it shows who asks for what."""
        form = query_form(request, ["code"])
        if not form.text("code").strip():
            return self._ask(request, actor, form)
        login = await self._waiting(actor, form.text("code"))
        if login is None:
            form.blame(["code"])
            return self._ask(request, actor, form, HTTPStatus.NOT_FOUND)
        return self._confirm(request, actor, form, login)

    async def answer(self, request: Request, actor: Actor) -> Response:
        form = await read_form(request)
        code, allow = form.text("code"), form.text("answer") == "allow"
        login = await self._waiting(actor, code)
        chosen = {scope for scope in actor.scopes if scope.value in form.texts("scopes")}
        act = partial(logins.answer, allow=allow, scopes=chosen, now=self._catalogue.now())
        try:
            await self._catalogue.write(act, actor, code)
        except NotFound:  # it was answered already, or took too long
            form.blame(["code"])
            return self._ask(request, actor, form, HTTPStatus.NOT_FOUND)
        except Invalid as error:
            form.blame(error.fields)
            if login is None:
                raise
            return self._confirm(request, actor, form, login, HTTPStatus.UNPROCESSABLE_ENTITY)
        return self._renderer.render(request, "device_done.html", actor, allowed=allow)

    async def _waiting(self, actor: Actor, code: str) -> Login | None:
        """Raises TooMany after too many wrong ones."""
        account, now = signed_in(actor), self._catalogue.now()
        self._misses.check(account.id, now)
        login = await self._catalogue.read(partial(logins.waiting, now=now), code)
        if login is None:
            self._misses.count(account.id, now)
        return login

    def _ask(self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._renderer.render(request, "device.html", actor, status=status, form=form, login=None)

    def _confirm(
        self, request: Request, actor: Actor, form: Form, login: Login, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return self._renderer.render(
            request,
            "device.html",
            actor,
            status=status,
            form=form,
            login=login,
            code=logins.shown(login.user_code),
            scopes=[scope for scope in Scope if scope in actor.scopes],
        )
