"""How a request's bytes reach those who store them: in a thread, a few at a time, and never more than it reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request

from gateway.streams.caps import WAIT_S, Busy
from gateway.uploads.inflow import Cut, Inflow
from gateway.uploads.intake import Uploads
from gateway.uploads.tickets import BadTicket, Ticket
from gateway.web.errors import BadRequest

P = ParamSpec("P")
T = TypeVar("T")

DRAINED_MOST = 16 * 1024 * 1024  # bytes
DRAIN_S = 5.0
AT_ONCE = 8  # bodies that are stored at a time; others wait, and their senders with them


class Receiver:
    """`idle_s` is how long a sender may send nothing."""

    def __init__(self, uploads: Uploads, idle_s: float) -> None:
        self.uploads = uploads
        self._idle_s = idle_s
        self._bodies = anyio.CapacityLimiter(AT_ONCE)
        self._acts = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """An act that needs no body."""
        return await anyio.to_thread.run_sync(lambda: act(*args, **kwargs), limiter=self._acts)

    async def ticket(self, request: Request) -> Ticket:
        """The one in the address. Raises BadRequest, Denied, NotFound, Conflict."""
        heard = False
        try:
            ticket = await self.run(self.uploads.ticket, request.path_params["ticket"])
            heard = True
        except BadTicket as error:
            raise BadRequest("bad-ticket", HTTPStatus.FORBIDDEN) from error
        finally:
            if not heard:
                await drain(pieces(request))
        return ticket

    async def receive(self, request: Request, store: Callable[[Inflow], T]) -> T:
        """Store the body. Raises Busy when no place becomes free in time, BadRequest when the sender goes away."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._bodies.acquire_on_behalf_of(request)
        except TimeoutError as error:
            raise Busy("too many bodies at once") from error
        body = pieces(request)
        try:
            inflow = Inflow(body, self._idle_s)
            return await anyio.to_thread.run_sync(store, inflow, limiter=anyio.CapacityLimiter(1))
        except Cut as error:
            raise BadRequest("body-cut") from error
        finally:
            self._bodies.release_on_behalf_of(request)
            await drain(body)


async def drain(body: AsyncIterator[bytes]) -> None:
    """Take the rest of a body that is being refused, within bounds: a client that still sends does not read why."""
    left = DRAINED_MOST
    with contextlib.suppress(Cut, TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for piece in body:
                left -= len(piece)
                if left < 0:
                    break


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Cut."""
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect as error:
        raise Cut("the sender went away") from error
