"""A limit on guessing: so many failures of one kind from one place within a while."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from catalog.errors import TooMany

MAX_KEYS = 50_000


class Attempts:
    """Counts in memory: a restart forgets, and each process counts for itself. `limit` in any `window`."""

    def __init__(self, limit: int, window: timedelta) -> None:
        self._limit = limit
        self._window = window
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    def check(self, key: str, now: datetime) -> None:
        """Raises TooMany."""
        seen = self._seen.get(key)
        while seen and seen[0] <= now - self._window:
            seen.popleft()
        if seen and len(seen) >= self._limit:
            raise TooMany

    def count(self, key: str, now: datetime) -> None:
        self._seen.setdefault(key, deque(maxlen=self._limit)).append(now)
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_KEYS:
            self._seen.popitem(last=False)

    def forget(self, key: str) -> None:
        self._seen.pop(key, None)


def address(request: Request) -> str:
    """The visitor's network address; of IPv6 the half that a provider gives to one customer."""
    host = request.client.host if request.client else ""
    try:
        known = ip_address(host)
    except ValueError:
        return host
    return str(IPv6Address(int(known) >> 64 << 64)) if isinstance(known, IPv6Address) else host
