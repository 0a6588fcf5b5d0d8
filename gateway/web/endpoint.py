"""What happens around every handler: who asks is found out first, what goes wrong is answered last."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from catalog.actions.authority import ANYONE
from catalog.errors import Denied
from catalog.vocabulary import Actor, Decision, Reason
from gateway.web.auth import SAFE_METHODS, Authenticator
from gateway.web.errors import Errors
from gateway.web.routes import Entry, Who


class Endpoint:
    """One entry of the routes as an ASGI application."""

    def __init__(self, entry: Entry, auth: Authenticator, errors: Errors) -> None:
        self._entry = entry
        self._auth = auth
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            actor = await self._actor(request)
            if self._entry.sends is not None:
                await self._entry.sends(scope, receive, watched, actor)
                return
            if self._entry.handler is None:
                raise LookupError(f"{self._entry.path} has no handler")
            response = await self._entry.handler(request, actor)
        except Exception as error:
            if started:
                raise  # half an answer is out: the server resets the connection
            response = self._refuse(request, error)
        await response(scope, receive, send)

    async def _actor(self, request: Request) -> Actor:
        if self._entry.who is Who.OWN_KEY:
            return ANYONE
        if self._entry.page and request.method not in SAFE_METHODS:
            self._auth.check_origin(request)  # signing in is such a change too, and has no session yet
        actor = await self._auth.actor(request)
        if self._entry.who is Who.SIGNED_IN and actor.account is None:
            raise Denied(Decision(allowed=False, reason=Reason.UNAUTHENTICATED, as_of=0))
        return actor

    def _refuse(self, request: Request, error: Exception) -> Response:
        if self._entry.refuse is not None:
            return self._entry.refuse(request, error)
        if not self._entry.page:
            return self._errors.problem(request, error)
        if isinstance(error, Denied) and error.decision.reason is Reason.UNAUTHENTICATED:
            query = f"?{request.url.query}" if request.url.query else ""
            back = request.url.path + query if request.method == "GET" else "/"
            return RedirectResponse(f"/sign-in?next={quote(back, safe='/')}", 303)
        return self._errors.page(request, error)
