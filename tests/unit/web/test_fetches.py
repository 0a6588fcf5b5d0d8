"""Which fetch a delivery belongs to, also when one of them could not be written down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from catalog.policy.fetches import WINDOW
from catalog.store import open_store
from catalog.vocabulary import Delivery
from gateway.web.context import Catalogue
from gateway.web.fetches import Fetches
from tests.builders import NOW, new_id

SIZE = 10


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetches(tmp_path: Path, clock: Clock) -> Iterator[Fetches]:
    store = open_store(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield Fetches(Catalogue(store, clock, new_id))
    store.close()


def delivery(number: str, start: int, at: datetime) -> Delivery:
    return Delivery(
        id=number, account_id="u1", token_id=None, asset_id="s1", version_id="v1", path="a.bin", include=None,
        start=start, stop=SIZE, as_of=1, started_at=at,
    )  # fmt: skip


def begin(fetches: Fetches, number: str, start: int, at: datetime = NOW) -> Delivery:
    return asyncio.run(fetches.begin(delivery(number, start, at), "a.bin", SIZE))


def test_a_range_continues_what_has_begun(fetches: Fetches) -> None:
    first = begin(fetches, "1", 0)
    assert first.continues is None
    fetches.end(first, "a.bin", 5, cut=False)
    assert begin(fetches, "2", 5).continues == "1"


def test_nothing_continues_what_was_never_written_down(fetches: Fetches) -> None:
    fetches.forget(begin(fetches, "1", 0), "a.bin")
    assert begin(fetches, "2", 5).continues is None


def test_a_part_that_was_not_written_down_keeps_no_fetch_going(fetches: Fetches, clock: Clock) -> None:
    first = begin(fetches, "1", 0)
    fetches.end(first, "a.bin", 5, cut=False)
    fetches.forget(begin(fetches, "2", 5), "a.bin")
    third = begin(fetches, "3", 5)
    assert third.continues == "1", "the first one is known still"
    fetches.forget(third, "a.bin")
    clock.now = NOW + WINDOW + timedelta(seconds=1)
    assert begin(fetches, "4", 5, clock.now).continues is None
