"""Short pages for everyone: the language, what a problem means, what is kept."""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions.credentials import SESSION_LIFE
from catalog.errors import NotFound
from catalog.vocabulary import Actor
from gateway.web.auth import Authenticator
from gateway.web.pages.forms import local_path, read_form
from gateway.web.render import Renderer
from gateway.web.words import COOKIE, LANGUAGES, language_of, words_for

YEAR_S = 365 * 24 * 3600
BLANK = re.compile(r"{\w+}")


class PublicPages:
    def __init__(self, auth: Authenticator, renderer: Renderer, *, contact: str) -> None:
        self._auth = auth
        self._renderer = renderer
        self._contact = contact

    async def language(self, request: Request, actor: Actor) -> Response:
        form = await read_form(request)
        response = RedirectResponse(local_path(form.text("next")), HTTPStatus.SEE_OTHER)
        if form.text("lang") in LANGUAGES:
            response.set_cookie(
                COOKIE, form.text("lang"), max_age=YEAR_S, path="/", secure=self._auth.secure,
                httponly=True, samesite="lax",
            )  # fmt: skip
        return response

    async def problem(self, request: Request, actor: Actor) -> Response:
        """What the `type` of a problem points to. Raises NotFound."""
        code = request.path_params["code"]
        words = words_for(language_of(request))
        if f"error.{code}.title" not in words:
            raise NotFound
        detail = BLANK.sub("…", words(f"error.{code}.detail"))
        return self._renderer.render(request, "problem.html", actor, code=code, detail=detail)

    async def privacy(self, request: Request, actor: Actor) -> Response:
        hours = int(SESSION_LIFE.total_seconds() // 3600)
        return self._renderer.render(
            request, "privacy.html", actor, session_cookie=self._auth.cookie, hours=hours, contact=self._contact
        )
