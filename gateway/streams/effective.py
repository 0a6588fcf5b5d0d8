"""From a committed stop to the moment when it holds everywhere, measured."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio.to_thread

from catalog.errors import CatalogUnavailable
from catalog.ports import ChangeFeed
from gateway.streams.lease import EFFECTIVE_S, boottime, wait_effective

ANSWER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`effective_ms` from the commit until no serving process can send a byte of it; streams ended meanwhile."""

    effective_ms: float
    streams_cut: int


class Enforcer:
    """Waits for a stop to be effective, in the server's own process or beside it.

    `apply_now` is the serving process's own watcher; None for a command.
    """

    def __init__(self, feed: ChangeFeed, apply_now: Callable[[], Awaitable[None]] | None = None) -> None:
        self._feed = feed
        self._apply_now = apply_now

    def streams_cut(self) -> int:
        """Streams ended so far in all serving processes."""
        return sum(replica.streams_cut for replica in self._feed.replicas())

    async def until_effective(self, position: int, *, cut_before: int) -> Effect:
        """Call right after the commit. Raises CatalogUnavailable when nobody can tell within 2 s: the stop stands."""
        committed_at = boottime()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._apply_here()
                seconds = await wait_effective(self._feed, position, committed_at=committed_at, sleep=asyncio.sleep)
                cut = await anyio.to_thread.run_sync(self.streams_cut, abandon_on_cancel=True)
        except TimeoutError as error:
            raise CatalogUnavailable(cause="hangs") from error
        return Effect(effective_ms=round(seconds * 1000, 1), streams_cut=max(0, cut - cut_before))

    async def is_effective(self, position: int) -> bool:
        """Whether a stop that was committed before the call holds everywhere; False when nobody can tell within 2 s."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await wait_effective(self._feed, position, committed_at=boottime(), sleep=asyncio.sleep)
        except TimeoutError:
            return False
        return True

    async def _apply_here(self) -> None:
        """Our own lease ends as any other's does: a look that fails or hangs is waited for no longer than that."""
        if self._apply_now is not None:
            with contextlib.suppress(CatalogUnavailable, TimeoutError):
                async with asyncio.timeout(EFFECTIVE_S):
                    await self._apply_now()
