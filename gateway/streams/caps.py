"""How many streams one account and one address may have at a time; those above wait their turn."""

import asyncio
from collections import deque
from contextlib import suppress

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

    def admit(self, *, account: str, address: str) -> "Place":
        """`async with` it: a place of the account and of the address is held meanwhile. Raises Busy after the wait."""
        # Always in this order, so that two waiters never hold what the other wants.
        return Place(self, (("account", account), ("address", address)))

    def running(self, kind: str, name: str) -> int:
        """Streams that hold a place: kind is ``account`` or ``address``."""
        return self._running.get((kind, name), 0)

    def take(self, key: tuple[str, str]) -> bool:
        """A place at once, or False when there is none or others wait."""
        running = self._running.get(key, 0)
        if running >= self._limits[key[0]] or self._waiting.get(key):
            return False
        self._running[key] = running + 1
        return True

    async def wait(self, key: tuple[str, str]) -> None:
        """A place in turn. Raises Busy."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(key, deque())
        line.append(place)
        try:
            async with asyncio.timeout(self._wait_s):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self.give_back(key)  # the place came in the same turn as the end of the waiting
            else:
                with suppress(ValueError):
                    line.remove(place)
            if isinstance(error, TimeoutError):
                raise Busy(f"too many streams of one {key[0]}") from error
            raise
        finally:
            if not line:
                self._waiting.pop(key, None)

    def give_back(self, key: tuple[str, str]) -> None:
        """To the first who waits, or to nobody."""
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


class Place:
    """A stream's place; a plain class, since this is on the path of every download and nearly always free."""

    __slots__ = ("_caps", "_held", "_keys")

    def __init__(self, caps: Caps, keys: tuple[tuple[str, str], ...]) -> None:
        self._caps = caps
        self._keys = keys
        self._held = 0

    async def __aenter__(self) -> None:
        try:
            for key in self._keys:
                if not self._caps.take(key):
                    await self._caps.wait(key)
                self._held += 1
        except BaseException:
            self._give_back()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        for key in self._keys[: self._held]:
            self._caps.give_back(key)
