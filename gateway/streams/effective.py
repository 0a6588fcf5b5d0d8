"""From a committed stop to the moment when it holds everywhere, measured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from catalog.ports import ChangeFeed
from gateway.streams.lease import boottime, wait_effective


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
        """Call right after the commit. Raises CatalogUnavailable: the stop stands, but nobody can tell since when."""
        committed_at = boottime()
        if self._apply_now is not None:
            await self._apply_now()
        seconds = await wait_effective(self._feed, position, committed_at=committed_at, sleep=asyncio.sleep)
        return Effect(effective_ms=round(seconds * 1000, 1), streams_cut=max(0, self.streams_cut() - cut_before))
