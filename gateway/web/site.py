"""The web application: every address with what stands around it, and the tasks that live beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.errors import NotFound
from gateway.web.auth import Authenticator
from gateway.web.endpoint import Endpoint
from gateway.web.errors import BadRequest, Errors
from gateway.web.rawroute import RawRoute
from gateway.web.render import HERE
from gateway.web.routes import Entry

Task = Callable[[], Awaitable[None]]


def build(
    entries: Sequence[Entry],
    auth: Authenticator,
    errors: Errors,
    *,
    tasks: Sequence[Task],
    on_close: Callable[[], None],
) -> ASGIApp:
    """`tasks` run while the application does; one that ends takes the application down: better none than half."""
    routes: list[BaseRoute] = [_route(entry, auth, errors) for entry in entries]
    routes.append(Mount("/static", StaticFiles(directory=HERE / "static"), name="static"))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_run(task)) for task in tasks]
            yield
            for task in running:
                task.cancel()
        on_close()

    async def absent(request: Request, error: Exception) -> Response:
        page = not request.url.path.startswith(("/v1/", "/api/"))
        return errors.page(request, NotFound()) if page else errors.problem(request, NotFound())

    async def wrong_method(request: Request, error: Exception) -> Response:
        refused = errors.problem(request, BadRequest("wrong-method", HTTPStatus.METHOD_NOT_ALLOWED))
        if isinstance(error, HTTPException) and error.headers is not None:
            refused.headers.update(error.headers)  # Allow: RFC 9110 asks for it
        return refused

    site = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: absent, 405: wrong_method})
    site.router.redirect_slashes = False  # such a redirect believes the Host header
    return ByteRoutesFirst([_route(entry, auth, errors) for entry in entries if entry.sends is not None], site)


class ByteRoutesFirst:
    """The byte routes are asked most and answer every failure themselves: they go around the site's middleware."""

    def __init__(self, byte_routes: Sequence[BaseRoute], site: ASGIApp) -> None:
        self._byte_routes = byte_routes
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._byte_routes:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
        await self._site(scope, receive, send)


def _route(entry: Entry, auth: Authenticator, errors: Errors) -> BaseRoute:
    if entry.refuse is not None:
        return RawRoute(entry.path, Endpoint(entry, auth, errors), entry.methods)
    return Route(entry.path, Endpoint(entry, auth, errors), methods=list(entry.methods))


async def _run(task: Task) -> None:
    await task()
