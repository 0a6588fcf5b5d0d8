"""The delivery ledger's writer on a real store, whose commits the test holds up or lets fail."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import cast

import pytest

from catalog.errors import CatalogUnavailable
from catalog.ports import Store, Transaction
from catalog.vocabulary import Delivery, DeliveryEnd, Role, Settlement
from gateway.web import deliveries
from gateway.web.deliveries import DeliveryWriter
from tests import builders
from tests.builders import NOW, new_id


class Held:
    """A store whose commits can be held up and can fail; counts the commits that were begun."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.open = threading.Event()
        self.open.set()
        self.fails = False
        self.begun = 0

    def begin(self) -> AbstractContextManager[Transaction]:
        return self._begin()

    @contextmanager
    def _begin(self) -> Iterator[Transaction]:
        self.begun += 1
        assert self.open.wait(60)
        if self.fails:
            raise CatalogUnavailable(cause="held")
        with self._store.begin() as tx:
            yield tx


class Bench:
    """One account and version to deliver, and the writer under test."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.held = Held(store)
        publisher = builders.actor(store, Role.PUBLISHER)
        builders.published_terms(store)
        self.version = builders.published(store, publisher)
        assert publisher.account is not None
        self.account_id = publisher.account.id
        self.writer = DeliveryWriter(cast(Store, self.held))

    def delivery(self) -> Delivery:
        number = new_id(16)
        return Delivery(
            id=number, account_id=self.account_id, token_id=None, asset_id=self.version.asset_id,
            version_id=self.version.id, path=number, include=None, start=0, stop=7, as_of=10**6, started_at=NOW,
        )  # fmt: skip

    def ends(self) -> dict[str, DeliveryEnd | None]:
        """What the ledger says of each delivery."""
        with self.store.read() as tx:
            return {str(one.path): one.end for one in tx.deliveries.of_account(self.account_id, 1000)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DeliveryWriter]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.writer.run())
            await asyncio.sleep(0)
            try:
                yield self.writer
            finally:
                self.held.open.set()
                task.cancel()


def settled(delivery: Delivery) -> Settlement:
    return Settlement(delivery_id=delivery.id, acknowledged=7, end=DeliveryEnd.COMPLETE, ended_at=NOW)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def run(story: Awaitable[None]) -> None:
    async def main() -> None:
        await story

    asyncio.run(main())


def test_a_row_is_durable_when_its_download_may_start(bench: Bench) -> None:
    async def story() -> None:
        async with bench.running() as writer:
            for _ in range(3):
                delivery = bench.delivery()
                await writer.started(delivery)
                assert bench.ends()[delivery.id] is None

    run(story())


def test_nobody_starts_while_the_commit_is_under_way_and_those_who_come_meanwhile_share_the_next(bench: Bench) -> None:
    async def story() -> None:
        async with bench.running() as writer, asyncio.TaskGroup() as group:
            bench.held.open.clear()
            first = group.create_task(writer.started(bench.delivery()))
            await until(lambda: bench.held.begun == 1)
            others = [group.create_task(writer.started(bench.delivery())) for _ in range(9)]
            await asyncio.sleep(0.02)
            assert not any(task.done() for task in (first, *others))
            bench.held.open.set()
            await asyncio.gather(first, *others)
            assert bench.held.begun == 2
            assert len(bench.ends()) == 10

    run(story())


def test_a_download_alone_does_not_wait_for_company_that_has_left(bench: Bench) -> None:
    async def story() -> None:
        async with bench.running() as writer:
            await asyncio.gather(*(writer.started(bench.delivery()) for _ in range(5)))
            await writer.started(bench.delivery())  # four who were expected never come
            assert len(bench.ends()) == 6

    run(story())


def test_an_end_is_written_down_though_nobody_else_starts(bench: Bench) -> None:
    async def story() -> None:
        async with bench.running() as writer:
            delivery = bench.delivery()
            await writer.started(delivery)
            writer.ended(settled(delivery))
            await until(lambda: bench.ends()[delivery.id] is DeliveryEnd.COMPLETE)

    run(story())


def test_what_is_left_at_the_end_is_written(bench: Bench) -> None:
    async def story() -> None:
        delivery = bench.delivery()
        async with bench.running() as writer:
            await writer.started(delivery)
            writer.ended(settled(delivery))
        assert bench.ends()[delivery.id] is DeliveryEnd.COMPLETE

    run(story())


def test_a_ledger_that_cannot_be_written_refuses_downloads_and_is_told_of_ends_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "RETRY_S", 0.01)

    async def story() -> None:
        async with bench.running() as writer:
            delivery = bench.delivery()
            await writer.started(delivery)
            bench.held.fails = True
            writer.ended(settled(delivery))
            with pytest.raises(CatalogUnavailable):
                await writer.started(bench.delivery())
            assert list(bench.ends().values()) == [None]
            bench.held.fails = False
            await until(lambda: bench.ends()[delivery.id] is DeliveryEnd.COMPLETE)
            await writer.started(bench.delivery())
            assert len(bench.ends()) == 2

    run(story())


def test_a_visitor_who_leaves_while_waiting_holds_nobody_else_up(bench: Bench) -> None:
    async def story() -> None:
        async with bench.running() as writer, asyncio.TaskGroup() as group:
            bench.held.open.clear()
            gone = group.create_task(writer.started(bench.delivery()))
            stays = group.create_task(writer.started(bench.delivery()))
            await until(lambda: bench.held.begun == 1)
            gone.cancel()
            bench.held.open.set()
            await stays
            assert gone.cancelled()
            assert len(bench.ends()) == 2  # told too much rather than too little

    run(story())
