"""The delivery ledger's writer: one durable commit for all the downloads that start in the same moment.

A download waits until its row is on disk; the rows of those that came meanwhile share the next commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor

from catalog.actions import recall
from catalog.errors import CatalogUnavailable
from catalog.ports import Store
from catalog.vocabulary import Delivery, Settlement

log = logging.getLogger("hubgate.deliveries")

RETRY_S = 1.0
# Nobody waits for a settlement, so it waits for the next start, or for this long: each commit costs a disk's flush.
SETTLE_S = 0.1


class DeliveryWriter:
    """All methods belong to the event loop's thread; `run` is a task of the application's lifespan."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._starting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._ended: list[Settlement] = []
        self._work = asyncio.Event()  # something is to be written
        self._someone_waits = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deliveries")

    async def started(self, delivery: Delivery) -> None:
        """Return when the row is durable: before that no byte may leave. Raises CatalogUnavailable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._starting.append((delivery, done))
        self._someone_waits.set()
        self._work.set()
        await done

    def ended(self, settlement: Settlement) -> None:
        """Write down what became of a delivery, soon; nobody waits for it."""
        self._ended.append(settlement)
        self._work.set()

    async def run(self) -> None:
        """Write until cancelled, then write what is left."""
        try:
            while True:
                await self._work.wait()
                if not self._starting:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(SETTLE_S):
                            await self._someone_waits.wait()
                await self._gather()
                self._work.clear()
                self._someone_waits.clear()
                if not await self._write():
                    await asyncio.sleep(RETRY_S)
                    self._work.set()
        finally:
            while self._starting or self._ended:
                if not await asyncio.shield(self._write()):
                    break
            self._thread.shutdown(wait=False)

    async def _gather(self) -> None:
        """Let those that arrive in this very moment share the commit: a turn of the loop for as long as more come."""
        count = 0
        while len(self._starting) > count:
            count = len(self._starting)
            await asyncio.sleep(0)

    async def _write(self) -> bool:
        starting, self._starting = self._starting, []
        ended, self._ended = self._ended, []
        if not starting and not ended:
            return True

        def commit() -> None:
            with self._store.begin() as tx:
                recall.write_down(tx, [delivery for delivery, _ in starting], ended)

        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, commit)
        except CatalogUnavailable as error:
            log.warning("the delivery ledger cannot be written: %d downloads refused", len(starting))
            for _, done in starting:
                with contextlib.suppress(asyncio.InvalidStateError):
                    done.set_exception(CatalogUnavailable(**error.params))
            self._ended = ended + self._ended  # what already happened is told again later
            return False
        for _, done in starting:
            if not done.done():
                done.set_result(None)
        return True
