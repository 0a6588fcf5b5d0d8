"""How a serving replica learns of stops within milliseconds, and stops serving when it cannot.

A thread of its own looks at the change feed every 10 ms, because a feed may block and the event loop must not. What
it finds is applied on the loop, where the streams live; only then is the lease extended and "applied" written. So a
hanging feed, a hanging loop and a frozen process all end the same way: the lease runs out and nothing is sent.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from catalog.errors import CatalogUnavailable
from catalog.ports import ChangeFeed
from catalog.vocabulary import Cut
from gateway.streams.lease import Lease, Monotonic, boottime
from gateway.streams.registry import Registry
from gateway.streams.stalls import StallWatch

LOOK_S = 0.01
READ_AT_LEAST_S = 0.1
GUARD_S = 0.05
STALLS_S = 1.0

OnLoop = Callable[[Callable[[], None]], None]


class Look:
    """One replica's view of the feed: each `look` reads it once and applies what is new. Used from one thread.

    `on_loop` runs a function on the event loop's thread and returns when it is done.
    """

    def __init__(
        self,
        feed: ChangeFeed,
        registry: Registry,
        lease: Lease,
        *,
        replica: str,
        now: Callable[[], datetime],
        clock: Monotonic,
        on_move: Sequence[Callable[[int], None]],
        on_loop: OnLoop,
    ) -> None:
        self._feed = feed
        self._registry = registry
        self._lease = lease
        self._replica = replica
        self._now = now
        self._clock = clock
        self._on_move = tuple(on_move)
        self._on_loop = on_loop
        self._enrolled = False
        self._unreported = False
        self._read_at = float("-inf")
        self.position = 0

    def look(self) -> None:
        """Raises CatalogUnavailable; the lease is then not extended."""
        began = self._clock()
        if not self._enrolled:
            self._enrol()
        if self._feed.moved() or began - self._read_at >= READ_AT_LEAST_S:
            position = self._feed.position()
            self._read_at = began
            if position < self.position:
                raise CatalogUnavailable("position-went-back")  # an older catalogue was put in place of ours
            if position > self.position:
                cuts = self._feed.cuts_since(self.position)
                self._on_loop(lambda: self._apply(position, cuts))
                self._unreported = self._unreported or bool(cuts)
        self._lease.extend(began)
        if self._unreported:
            self._report()

    def _report(self) -> None:
        try:
            self._feed.applied(self._replica, self.position, self._registry.streams_cut, self._now())
        except CatalogUnavailable:
            return  # told at the next look; whoever waits for it waits 350 ms at most
        self._unreported = False

    def withdraw(self) -> None:
        """No stop needs to wait for this replica any more. Raises CatalogUnavailable."""
        self._lease.lose()
        if self._enrolled:
            self._enrolled = False
            self._feed.withdraw(self._replica)

    def _enrol(self) -> None:
        # The row comes first: a stop that commits after it waits for us, one before it is in the position read here.
        position = self._feed.position()
        self._feed.enrol(self._replica, position, self._now())
        self._enrolled = True
        self._on_loop(lambda: self._begin(position))

    def _begin(self, position: int) -> None:
        self.position = position
        self._registry.start_at(position)
        for tell in self._on_move:
            tell(position)

    def _apply(self, position: int, cuts: Sequence[Cut]) -> None:
        for cut in cuts:
            self._registry.cut(cut.subjects, cut.position)
        # A cut that committed between the two reads counts as well.
        self.position = max([position, *(cut.position for cut in cuts)])
        for tell in self._on_move:
            tell(self.position)


class Watcher:
    """Runs the looks, ends every stream when the lease is lost, and resets peers that take nothing.

    `run` is a task of the application's lifespan; nothing may be sent before its first look has succeeded.
    """

    def __init__(
        self,
        feed: ChangeFeed,
        registry: Registry,
        *,
        replica: str,
        now: Callable[[], datetime],
        stalls: StallWatch,
        clock: Monotonic = boottime,
        on_move: Sequence[Callable[[int], None]] = (),
    ) -> None:
        self.lease = Lease(clock)
        self._registry = registry
        self._stalls = stalls
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._asked: list[concurrent.futures.Future[None]] = []
        self._asked_lock = threading.Lock()
        self._look = Look(
            feed,
            registry,
            self.lease,
            replica=replica,
            now=now,
            clock=clock,
            on_move=on_move,
            on_loop=self._run_on_loop,
        )

    @property
    def position(self) -> int:
        """The newest position that this replica has applied."""
        return self._look.position

    def may_send(self) -> bool:
        """Whether bytes may leave now; asked before every hand-over."""
        return self.lease.valid()

    async def apply_now(self) -> None:
        """Return when what was committed before the call is applied in this process.

        Raises CatalogUnavailable when the look failed; the lease then ends by itself.
        """
        asked: concurrent.futures.Future[None] = concurrent.futures.Future()
        with self._asked_lock:
            if self._loop is None or self._stop.is_set():
                raise CatalogUnavailable("not-watching")
            self._asked.append(asked)
        self._hurry.set()
        await asyncio.wrap_future(asked)

    async def run(self) -> None:
        """Watch until cancelled; then withdraw the replica."""
        self._loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        thread.start()
        try:
            await self._guard(thread)
        finally:
            with self._asked_lock:
                self._stop.set()
            self._hurry.set()
            self.lease.lose()
            self._registry.cut_all()
            # The thread may wait for the loop, so the loop waits for it without blocking.
            while thread.is_alive():
                await asyncio.sleep(0.005)

    async def _guard(self, thread: threading.Thread) -> None:
        next_sweep = self._clock() + STALLS_S
        while thread.is_alive():
            await asyncio.sleep(GUARD_S)
            if len(self._registry) and not self.lease.valid():
                self._registry.cut_all()
            if self._clock() >= next_sweep:
                next_sweep = self._clock() + STALLS_S
                self._stalls.sweep(self._registry)
        raise RuntimeError("the watcher's thread ended")

    def _watch(self) -> None:
        try:
            while not self._stop.is_set():
                self._hurry.clear()
                self._answer(self._take_asked())
                self._hurry.wait(LOOK_S)
            # When this fails the row stays, and stops wait their 350 ms for it until it is cleared.
            with contextlib.suppress(CatalogUnavailable):
                self._look.withdraw()
        finally:
            for waiting in self._take_asked():
                waiting.set_exception(CatalogUnavailable("not-watching"))

    def _take_asked(self) -> list[concurrent.futures.Future[None]]:
        """Those who still wait for an answer; from here on they are bound to get it."""
        with self._asked_lock:
            asked, self._asked = self._asked, []
        return [waiting for waiting in asked if waiting.set_running_or_notify_cancel()]

    def _answer(self, asked: list[concurrent.futures.Future[None]]) -> None:
        try:
            self._look.look()
        except CatalogUnavailable as error:
            for waiting in asked:
                waiting.set_exception(error)
        else:
            for waiting in asked:
                waiting.set_result(None)

    def _run_on_loop(self, act: Callable[[], None]) -> None:
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def run() -> None:
            try:
                act()
            except BaseException as error:
                done.set_exception(error)
                raise
            done.set_result(None)

        assert self._loop is not None  # noqa: S101
        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError as error:  # the loop is closed
            raise CatalogUnavailable() from error
        done.result()
