"""The right to send, which a replica loses by itself when it can no longer hear of stops."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import anyio.to_thread

from catalog.errors import CatalogUnavailable
from catalog.vocabulary import Replica

LEASE_S = 0.3
# After this time since the commit every replica has applied the stop or has lost its lease.
EFFECTIVE_S = 0.35
POLL_S = 0.002

Monotonic = Callable[[], float]


def boottime() -> float:
    """Seconds that go on while the machine sleeps, so that a lease does not outlive a suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Valid from the start of the last successful look for 300 ms.

    Written by the watcher's thread, read by the event loop: one float, so no lock is needed.
    """

    def __init__(self, clock: Monotonic = boottime) -> None:
        self._clock = clock
        self._until = float("-inf")

    def extend(self, look_began: float) -> None:
        """A look that began at `look_began` (by this lease's clock) was read and applied to its end."""
        self._until = look_began + LEASE_S

    def lose(self) -> None:
        """Nothing may be sent from here on, until the next good look."""
        self._until = float("-inf")

    def valid(self) -> bool:
        """Whether anything may be sent now."""
        return self._clock() < self._until


class KnowsReplicas(Protocol):
    def replicas(self) -> Sequence[Replica]: ...


async def wait_effective(
    feed: KnowsReplicas,
    position: int,
    *,
    committed_at: float,
    clock: Monotonic = boottime,
    sleep: Callable[[float], Awaitable[None]],
) -> float:
    """Return when no replica can send anything that the cut of `position` stopped; gives the seconds since the commit.

    That is so when every enrolled replica has applied the position, or 350 ms after the commit, whether the replicas
    can be read or not. `committed_at` is the time on `clock` right after the commit, or any later one.
    """
    while (waited := clock() - committed_at) < EFFECTIVE_S:
        with contextlib.suppress(CatalogUnavailable):
            # In a thread: a catalogue that hangs must not hold up the loop, on which cuts are applied.
            found = await anyio.to_thread.run_sync(feed.replicas, abandon_on_cancel=True)
            if all(replica.applied >= position for replica in found):
                return clock() - committed_at
        await sleep(POLL_S)
    return waited
