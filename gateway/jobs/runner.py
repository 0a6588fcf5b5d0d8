"""Takes jobs from the outbox and does them, one at a time, in a thread of its own.

A job is leased for a while and the lease is renewed as it goes on; a worker that dies loses it, and
another takes the job from where it was left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

import anyio.to_thread

from catalog.errors import CatalogUnavailable
from catalog.ports import Clock, Store
from catalog.vocabulary import Job

log = logging.getLogger("hubgate.jobs")

LEASE = timedelta(seconds=60)
RETRY = timedelta(seconds=30)
LOOK_S = 0.5


class Worker(Protocol):
    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        """Do the job, calling `step` at least twice a minute: it renews the lease, and raises Stopping when the
        process ends. MUST be safe to run again from the start."""


class Stopping(Exception):
    """The process is ending: leave the job as it is, it will be taken again."""


class Runner:
    def __init__(self, store: Store, workers: Mapping[str, Worker], *, clock: Clock) -> None:
        self._store = store
        self._workers = workers
        self._clock = clock
        self._stop = threading.Event()

    async def run(self) -> None:
        """Work until cancelled; a job in the works ends at its next step."""
        try:
            await anyio.to_thread.run_sync(self._work, abandon_on_cancel=True)
        finally:
            self.stop()

    def stop(self) -> None:
        self._stop.set()

    def drain(self, until: Callable[[], bool]) -> None:
        """Work in this thread until the condition holds, for a command that waits for its own job."""
        while not until() and not self._stop.is_set():
            if not self.run_one():
                self._stop.wait(LOOK_S)

    def run_one(self) -> bool:
        """Do one job if there is one that is free; True when there was. Raises CatalogUnavailable."""
        now = self._clock()
        with self._store.begin() as tx:
            job = tx.outbox.take(self._workers, now, now + LEASE)
        if job is None:
            return False
        try:
            self._workers[job.kind].run(job.payload, lambda: self._step(job))
        except Stopping:
            with self._store.begin() as tx:
                tx.outbox.failed(job.id, "stopped with the process", self._clock())
        except Exception as error:
            log.exception("job %d (%s) failed, attempt %d", job.id, job.kind, job.attempts, exc_info=error)
            with self._store.begin() as tx:
                tx.outbox.failed(job.id, type(error).__name__, self._clock() + RETRY * job.attempts)
        else:
            with self._store.begin() as tx:
                tx.outbox.done(job.id, self._clock())
        return True

    def _step(self, job: Job) -> None:
        if self._stop.is_set():
            raise Stopping
        with self._store.begin() as tx:
            tx.outbox.renew(job.id, self._clock() + LEASE)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                worked = self.run_one()
            except CatalogUnavailable:
                log.warning("jobs wait: the catalogue cannot be reached")
                worked = False
            if not worked:
                self._stop.wait(LOOK_S)
