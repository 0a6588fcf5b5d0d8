"""The lease, the looks at the change feed, and what is done with what they find."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from catalog.errors import CatalogUnavailable
from catalog.vocabulary import Cut, Replica
from gateway.streams.lease import Lease, boottime, wait_effective
from gateway.streams.registry import Ending, Registry, Stopped
from gateway.streams.stalls import StallWatch
from gateway.streams.watcher import FORGET_S, HEARTBEAT_S, SILENT_S, Look, Watcher

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Feed:
    """A change feed in memory, shared by any number of replicas, that can be made to fail."""

    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self.at = 1
        self.down = False
        self.read_only = False
        self.reads = 0
        self.rows: dict[str, Replica] = {}
        self._seen = -1

    def stop(self, *subjects: str) -> int:
        self.at += 1
        self.cuts.append(Cut(position=self.at, subjects=frozenset(subjects)))
        return self.at

    def moved(self) -> bool:
        self._check()
        moved, self._seen = self._seen != self.at, self.at
        return moved

    def position(self) -> int:
        self._check()
        self.reads += 1
        return self.at

    def cuts_since(self, position: int) -> Sequence[Cut]:
        self._check()
        return [cut for cut in self.cuts if cut.position > position]

    def enrol(self, replica: str, position: int, now: datetime) -> None:
        self._write(Replica(id=replica, applied=position, streams_cut=0, seen_at=now))

    def applied(self, replica: str, position: int, streams_cut: int, now: datetime) -> None:
        self._write(Replica(id=replica, applied=position, streams_cut=streams_cut, seen_at=now))

    def withdraw(self, replica: str) -> None:
        self._check()
        del self.rows[replica]

    def forget(self, replica: Replica) -> None:
        self._check()
        if self.rows.get(replica.id) == replica:
            del self.rows[replica.id]

    def replicas(self) -> Sequence[Replica]:
        self._check()
        return list(self.rows.values())

    def close(self) -> None: ...

    def _write(self, row: Replica) -> None:
        self._check()
        if self.read_only:
            raise CatalogUnavailable
        self.rows[row.id] = row

    def _check(self) -> None:
        if self.down:
            raise CatalogUnavailable


class Hands:
    """A clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """One replica's look, run by the test itself."""

    def __init__(self) -> None:
        self.feed, self.registry, self.clock = Feed(), Registry(), Hands()
        self.lease = Lease(self.clock)
        self.moves: list[int] = []
        self.look = Look(
            self.feed,
            self.registry,
            self.lease,
            replica="r",
            now=lambda: NOW,
            clock=self.clock,
            on_move=[self.moves.append],
            on_loop=self.act,
        )

    def act(self, act: Callable[[], None]) -> None:
        act()

    def stream(self, subject: str, as_of: int | None = None) -> "list[str]":
        aborted: list[str] = []
        self.registry.register(frozenset({subject}), as_of or self.feed.at, lambda: aborted.append(subject))
        return aborted


def test_nothing_may_be_sent_before_the_first_look() -> None:
    bench = Bench()
    assert not bench.lease.valid()
    bench.look.look()
    assert bench.lease.valid()
    assert bench.feed.rows["r"].applied == 1


def test_a_replica_that_cannot_enrol_serves_nothing() -> None:
    bench = Bench()
    bench.feed.read_only = True
    with pytest.raises(CatalogUnavailable):
        bench.look.look()
    assert not bench.lease.valid()
    bench.feed.read_only = False
    bench.look.look()
    assert bench.lease.valid()


def test_a_row_that_nobody_renews_is_forgotten_after_a_minute() -> None:
    bench = Bench()
    dead = Replica(id="dead", applied=1, streams_cut=0, seen_at=NOW)
    alive = Replica(id="alive", applied=1, streams_cut=0, seen_at=NOW)
    bench.feed.rows = {"dead": dead, "alive": alive}
    bench.look.look()
    started = bench.clock.now
    while bench.clock.now - started < FORGET_S:
        bench.clock.now += HEARTBEAT_S
        bench.feed.rows["alive"] = replace(alive, seen_at=NOW + timedelta(seconds=bench.clock.now))
        bench.look.look()
        assert "dead" in bench.feed.rows
    bench.clock.now += HEARTBEAT_S
    bench.look.look()
    assert set(bench.feed.rows) == {"alive", "r"}


def test_a_replica_that_could_not_write_for_long_ends_its_streams_and_enrols_anew() -> None:
    bench = Bench()
    bench.look.look()
    running = bench.stream("asset:a")
    bench.feed.read_only = True
    bench.clock.now += SILENT_S - 1
    bench.look.look()
    assert bench.lease.valid()
    assert running == []
    del bench.feed.rows["r"]  # as others do when it has been silent for longer
    bench.clock.now += 1
    with pytest.raises(CatalogUnavailable):
        bench.look.look()
    assert running == ["asset:a"]
    assert not bench.lease.valid()
    bench.feed.read_only = False
    bench.look.look()
    assert bench.lease.valid()
    assert "r" in bench.feed.rows


def test_facts_from_before_the_enrolment_are_refused() -> None:
    bench = Bench()
    bench.feed.at = 50
    bench.look.look()
    with pytest.raises(Stopped):
        bench.stream("asset:a", as_of=49)


def test_a_stop_is_applied_told_and_written_down_in_one_look() -> None:
    bench = Bench()
    bench.look.look()
    stopped, other = bench.stream("asset:a"), bench.stream("asset:b")
    position = bench.feed.stop("asset:a", "version:v")
    bench.look.look()
    assert (stopped, other) == (["asset:a"], [])
    assert bench.look.position == position
    assert bench.moves == [1, position]
    assert bench.feed.rows["r"] == Replica(id="r", applied=position, streams_cut=1, seen_at=NOW)


def test_a_move_without_a_stop_drops_cached_facts_but_writes_nothing() -> None:
    bench = Bench()
    bench.look.look()
    bench.feed.at = 9
    bench.feed.read_only = True
    bench.look.look()
    assert bench.moves == [1, 9]
    assert bench.feed.rows["r"].applied == 1


def test_what_could_not_be_written_is_written_at_a_later_look() -> None:
    bench = Bench()
    bench.look.look()
    bench.feed.read_only = True
    position = bench.feed.stop("asset:a")
    bench.look.look()
    assert bench.look.position == position
    bench.feed.read_only = False
    bench.look.look()
    assert bench.feed.rows["r"].applied == position


def test_the_lease_counts_from_the_start_of_the_look() -> None:
    bench = Bench()
    bench.look.look()
    bench.feed.at = 2
    act = bench.look._on_loop

    def slowly(change: Callable[[], None]) -> None:
        bench.clock.now += 0.25
        act(change)

    bench.look._on_loop = slowly
    bench.look.look()
    bench.clock.now += 0.04
    assert bench.lease.valid()
    bench.clock.now += 0.02
    assert not bench.lease.valid()


def test_a_failed_look_does_not_extend_the_lease() -> None:
    bench = Bench()
    bench.look.look()
    bench.clock.now += 0.2
    bench.feed.down = True
    with pytest.raises(CatalogUnavailable):
        bench.look.look()
    assert bench.lease.valid()
    bench.clock.now += 0.11
    assert not bench.lease.valid()
    bench.feed.down = False
    bench.look.look()
    assert bench.lease.valid()


def test_a_position_that_goes_back_is_not_believed() -> None:
    bench = Bench()
    bench.feed.at = 10
    bench.look.look()
    bench.feed.at = 5
    with pytest.raises(CatalogUnavailable):
        bench.look.look()


def test_the_position_is_read_every_hundred_milliseconds_even_if_nothing_seems_to_move() -> None:
    bench = Bench()
    bench.look.look()
    before = bench.feed.reads
    for _ in range(100):
        bench.clock.now += 0.01
        bench.look.look()
    assert 9 <= bench.feed.reads - before <= 11


def test_a_stop_is_effective_when_every_replica_has_applied_it() -> None:
    feed, clock = Feed(), Hands()
    feed.enrol("one", 1, NOW)
    feed.enrol("two", 1, NOW)
    position = feed.stop("asset:a")
    feed.applied("one", position, 0, NOW)
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        clock.now += seconds
        if len(naps) == 5:
            feed.applied("two", position, 0, NOW)

    took = asyncio.run(wait_effective(feed, position, committed_at=clock.now, clock=clock, sleep=sleep))
    assert len(naps) == 5
    assert took == pytest.approx(sum(naps))


def test_a_stop_is_effective_after_350_ms_even_if_a_replica_never_answers() -> None:
    feed, clock = Feed(), Hands()
    feed.enrol("dead", 1, NOW)
    position = feed.stop("asset:a")

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    took = asyncio.run(wait_effective(feed, position, committed_at=clock.now, clock=clock, sleep=sleep))
    assert 0.35 <= took < 0.36


class HeldFeed(Feed):
    """A feed that answers nothing while `goes_on` is unset."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_asked = threading.Event()

    def moved(self) -> bool:
        self.is_asked.set()
        assert self.goes_on.wait(60)
        return super().moved()


class Running:
    """A watcher with its thread, on the loop of the test."""

    def __init__(self) -> None:
        self.feed, self.registry = HeldFeed(), Registry()
        self.watcher = Watcher(self.feed, self.registry, replica="r", now=lambda: NOW, stalls=StallWatch())
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Running":
        self.task = asyncio.ensure_future(self.watcher.run())
        await self.until(self.watcher.may_send)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.001)


def test_one_who_waits_no_longer_leaves_the_watcher_running() -> None:
    async def main() -> None:
        async with Running() as running:
            running.feed.goes_on.clear()
            running.feed.is_asked.clear()
            await running.until(running.feed.is_asked.is_set)  # who asks now is answered by the next look
            gone = asyncio.ensure_future(running.watcher.apply_now())
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])
            running.feed.goes_on.set()
            async with asyncio.timeout(30):
                await running.watcher.apply_now()
            assert running.watcher.may_send()

    asyncio.run(main())


def test_a_stop_is_effective_after_350_ms_even_if_the_replicas_cannot_be_read() -> None:
    feed, clock = Feed(), Hands()
    feed.enrol("one", 1, NOW)
    position = feed.stop("asset:a")
    feed.down = True

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    took = asyncio.run(wait_effective(feed, position, committed_at=clock.now, clock=clock, sleep=sleep))
    assert 0.35 <= took < 0.36


def test_the_running_watcher_cuts_by_itself_and_on_demand() -> None:
    async def main() -> None:
        async with Running() as running:
            first = running.registry.register(frozenset({"asset:a"}), 1, lambda: None)
            running.feed.stop("asset:a")
            await running.until(lambda: first.ending is Ending.CUT)
            second = running.registry.register(frozenset({"asset:b"}), running.feed.at, lambda: None)
            position = running.feed.stop("asset:b")
            await running.watcher.apply_now()
            assert second.ending is Ending.CUT
            assert running.watcher.position == position
            await running.until(lambda: running.feed.rows["r"].applied == position)
        assert running.feed.rows == {}
        assert not running.watcher.may_send()
        with pytest.raises(CatalogUnavailable):
            await running.watcher.apply_now()

    asyncio.run(main())


def test_when_the_feed_fails_all_streams_end_and_serving_resumes_with_the_feed() -> None:
    async def main() -> None:
        async with Running() as running:
            stream = running.registry.register(frozenset({"asset:a"}), 1, lambda: None)
            running.feed.down = True
            with pytest.raises(CatalogUnavailable):
                await running.watcher.apply_now()
            await running.until(lambda: stream.ending is Ending.CUT)
            assert not running.watcher.may_send()
            running.feed.down = False
            await running.until(running.watcher.may_send)

    asyncio.run(main())


def test_a_hanging_feed_costs_the_lease_and_not_the_loop() -> None:
    async def main() -> None:
        async with Running() as running:
            go_on = threading.Event()
            running.feed.moved = lambda: go_on.wait()  # type: ignore[method-assign]
            stream = running.registry.register(frozenset({"asset:a"}), 1, lambda: None)
            await running.until(lambda: stream.ending is Ending.CUT)
            assert not running.watcher.may_send()
            go_on.set()

    asyncio.run(main())


def test_the_end_of_the_application_ends_its_streams() -> None:
    async def main() -> None:
        async with Running() as running:
            stream = running.registry.register(frozenset({"asset:a"}), 1, lambda: None)
        assert stream.ending is Ending.CUT

    asyncio.run(main())


def test_a_watcher_whose_thread_died_takes_the_application_down() -> None:
    async def main() -> None:
        running = Running()
        failed: list[BaseException | None] = []
        threading.excepthook = lambda args: failed.append(args.exc_value)
        try:
            async with running:
                running.feed.moved = lambda: 1 // 0 > 0  # type: ignore[method-assign]
                assert running.task is not None
                await asyncio.wait([running.task])
                with pytest.raises(RuntimeError, match="thread ended"):
                    running.task.result()
                assert not running.watcher.may_send()
        finally:
            threading.excepthook = threading.__excepthook__
        assert isinstance(failed[0], ZeroDivisionError)

    asyncio.run(main())


def test_the_lease_clock_goes_on() -> None:
    assert boottime() <= boottime()
