"""How many streams one account and one address may have at a time; those above wait their turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

WAIT_S = 30.0


class Busy(Exception):
    """No place became free in time; the reply is 503 with Retry-After."""


class Caps:
    """Counts running streams by account and by address. Waiters get places in the order in which they came.

    All methods belong to the event loop's thread.
    """

    def __init__(self, *, per_account: int, per_address: int, wait_s: float = WAIT_S) -> None:
        self._limits = {"account": per_account, "address": per_address}
        self._wait_s = wait_s
        self._running: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def admit(self, *, account: str, address: str) -> AsyncIterator[None]:
        """Hold a place of the account and of the address while the block runs. Raises Busy after the wait."""
        # Always in this order, so that two waiters never hold what the other wants.
        keys = (("account", account), ("address", address))
        held: list[tuple[str, str]] = []
        try:
            for key in keys:
                if not self._take(key):
                    await self._wait(key)
                held.append(key)
            yield
        finally:
            for key in held:
                self._give_back(key)

    def running(self, kind: str, name: str) -> int:
        """Streams that hold a place: kind is ``account`` or ``address``."""
        return self._running.get((kind, name), 0)

    def _take(self, key: tuple[str, str]) -> bool:
        running = self._running.get(key, 0)
        if running >= self._limits[key[0]] or self._waiting.get(key):
            return False
        self._running[key] = running + 1
        return True

    async def _wait(self, key: tuple[str, str]) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(key, deque())
        line.append(place)
        try:
            async with asyncio.timeout(self._wait_s):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._give_back(key)  # the place came in the same turn as the end of the waiting
            else:
                with suppress(ValueError):
                    line.remove(place)
            if isinstance(error, TimeoutError):
                raise Busy(f"too many streams of one {key[0]}") from error
            raise
        finally:
            if not line:
                self._waiting.pop(key, None)

    def _give_back(self, key: tuple[str, str]) -> None:
        line = self._waiting.get(key)
        while line:
            place = line.popleft()
            if not place.done():
                place.set_result(None)  # the place changes hands, the count stays
                return
        left = self._running[key] - 1
        if left:
            self._running[key] = left
        else:
            del self._running[key]
