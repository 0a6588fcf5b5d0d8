"""The delivery ledger's writer: one durable commit for all the downloads that start in the same moment.

A download waits until its row is on disk; the rows of those that came meanwhile share the next commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from queue import SimpleQueue
from typing import NamedTuple

from catalog.actions import recall
from catalog.errors import CatalogUnavailable
from catalog.ports import Store
from catalog.vocabulary import Delivery, Settlement

log = logging.getLogger("hubgate.deliveries")

RETRY_S = 1.0
# Nobody waits for a settlement, so it waits for the next start, or for this long: each commit costs a disk's flush.
SETTLE_S = 0.1
# Whoever has just been served is likely to ask again at once: a commit waits for as many as that, but not longer.
GATHER_S = 0.002


class Batch(NamedTuple):
    """What one commit writes."""

    starting: list[tuple[Delivery, asyncio.Future[None]]]
    ended: list[Settlement]


class DeliveryWriter:
    """All methods belong to the event loop's thread, but for the one that commits; `run` is a task of the
    application's lifespan.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = Batch([], [])
        self._expected = 0  # so many downloads are likely to start together
        self._writing = False
        self._gathering: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()

    async def started(self, delivery: Delivery) -> None:
        """Return when the row is durable: before that no byte may leave. Raises CatalogUnavailable."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._next.starting.append((delivery, done))
        self._gather(loop)
        await done

    def ended(self, settlement: Settlement) -> None:
        """Write down what became of a delivery, soon; nobody waits for it."""
        self._next.ended.append(settlement)
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settle)

    async def run(self) -> None:
        """Write until cancelled, then write what is left."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        threading.Thread(target=self._commit_all, args=(loop, over), name="deliveries", daemon=True).start()
        try:
            await over.wait()
            raise RuntimeError("the thread that writes deliveries ended")
        finally:
            self._hand_over()
            self._batches.put(None)
            await over.wait()

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the next batch over as soon as all are there who are expected, or have not come in time."""
        if self._writing or not self._next.starting:
            return
        if len(self._next.starting) >= self._expected:
            self._hand_over()
        elif self._gathering is None:
            self._gathering = loop.call_later(GATHER_S, self._hand_over)

    def _settle(self) -> None:
        self._settling = None
        if self._next.ended and not self._writing:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._writing = True
        batch, self._next = self._next, Batch([], [])
        self._batches.put(batch)

    def _commit_all(self, loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
        """The thread: commit one batch after another."""
        try:
            while (batch := self._batches.get()) is not None:
                try:
                    with self._store.begin() as tx:
                        recall.write_down(tx, [delivery for delivery, _ in batch.starting], batch.ended)
                except CatalogUnavailable as error:
                    loop.call_soon_threadsafe(self._failed, loop, batch, error)
                else:
                    loop.call_soon_threadsafe(self._written, loop, batch)
        finally:
            loop.call_soon_threadsafe(over.set)

    def _written(self, loop: asyncio.AbstractEventLoop, batch: Batch) -> None:
        for _, done in batch.starting:
            if not done.done():
                done.set_result(None)
        self._go_on(loop, len(batch.starting))

    def _failed(self, loop: asyncio.AbstractEventLoop, batch: Batch, error: CatalogUnavailable) -> None:
        log.warning("the delivery ledger cannot be written: %d downloads refused", len(batch.starting))
        for _, done in batch.starting:
            with contextlib.suppress(asyncio.InvalidStateError):
                done.set_exception(CatalogUnavailable(**error.params))
        self._next.ended[:0] = batch.ended  # what already happened is told again later
        loop.call_later(RETRY_S, self._go_on, loop, 0)

    def _go_on(self, loop: asyncio.AbstractEventLoop, served: int) -> None:
        self._writing = False
        self._expected = served + len(self._next.starting)
        self._gather(loop)
        if not self._writing and self._next.ended and self._settling is None:
            self._settling = loop.call_later(SETTLE_S, self._settle)
