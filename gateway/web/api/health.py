"""Is the process alive, may it serve, and what does it offer?"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from catalog.vocabulary import Actor
from gateway.streams.watcher import Watcher
from gateway.web.context import Catalogue
from gateway.web.replies import reply


class Health:
    def __init__(self, catalogue: Catalogue, watcher: Watcher, describe: Callable[[], dict[str, Any]]) -> None:
        self._catalogue = catalogue
        self._watcher = watcher
        self._describe = describe

    async def openapi(self, request: Request, actor: Actor) -> Response:
        return reply(self._describe())

    async def alive(self, request: Request, actor: Actor) -> Response:
        return reply({"status": "ok"})

    async def ready(self, request: Request, actor: Actor) -> Response:
        """503 while the catalogue cannot be read or this replica's lease is lost."""
        position = await self._catalogue.read(lambda tx: tx.ledger.position())
        serving = self._watcher.may_send()
        status = HTTPStatus.OK if serving else HTTPStatus.SERVICE_UNAVAILABLE
        return reply({"status": "ready" if serving else "no lease", "position": position}, status)
