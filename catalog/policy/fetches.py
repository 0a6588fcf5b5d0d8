"""Which deliveries are parts of one fetch: a client may ask for a file in many ranges, in turn or at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
"""After a silence as long as this a range begins a fetch of its own."""

Span = tuple[int, int]  # half-open


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What is known of a fetch that goes on, or has gone on lately.

    first: the delivery that began it. size: of the item, bytes. got: what has arrived, in order, apart from each other.
    running: deliveries of it under way. touched: when one last began or ended. cut: the last that ended was stopped.
    """

    first: str
    size: int
    got: Sequence[Span] = ()
    running: int = 0
    touched: datetime
    cut: bool = False

    @property
    def whole(self) -> bool:
        return list(self.got) == [(0, self.size)]


def takes_in(fetch: Fetch, start: int, now: datetime) -> bool:
    """Whether a delivery from byte ``start`` is a part of the fetch.

    Whoever begins at the first byte of what has already arrived whole, or was stopped, fetches it once more. A first
    request that the client broke off, as some do to learn the length, is a part of the fetch that follows.
    """
    if not fetch.running and now - fetch.touched > WINDOW:
        return False
    return start > 0 or not (fetch.whole or fetch.cut)


def begun(fetch: Fetch, now: datetime) -> Fetch:
    return replace(fetch, running=fetch.running + 1, touched=now)


def ended(fetch: Fetch, start: int, acknowledged: int, now: datetime, *, cut: bool = False) -> Fetch:
    """``acknowledged``: bytes that arrived, from ``start``."""
    got = joined([*fetch.got, (start, start + acknowledged)])
    return replace(fetch, running=fetch.running - 1, touched=now, got=got, cut=cut)


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The same bytes in order, in as few spans as can be; empty ones are dropped."""
    found: list[Span] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return tuple(found)
