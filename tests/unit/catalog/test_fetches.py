from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from catalog.policy.fetches import WINDOW, Fetch, Span, begun, ended, joined, takes_in

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def fetch(*got: Span, running: int = 0) -> Fetch:
    return Fetch(first="a", size=100, got=got, running=running, touched=NOW)


def test_a_later_range_is_a_part_of_the_fetch() -> None:
    assert takes_in(fetch((0, 40)), 40, NOW + WINDOW)


def test_a_first_request_that_was_broken_off_is_a_part_of_what_follows() -> None:
    assert takes_in(fetch((0, 40)), 0, NOW)


def test_whoever_begins_anew_what_has_arrived_whole_fetches_it_once_more() -> None:
    assert not takes_in(fetch((0, 100)), 0, NOW)
    assert takes_in(fetch((0, 100)), 1, NOW)


def test_whoever_begins_anew_what_was_stopped_fetches_it_once_more() -> None:
    stopped = ended(begun(fetch(), NOW), 0, 40, NOW, cut=True)
    assert not takes_in(stopped, 0, NOW)
    assert takes_in(stopped, 40, NOW)


def test_after_a_silence_a_range_begins_a_fetch_of_its_own() -> None:
    late = NOW + WINDOW + timedelta(seconds=1)
    assert not takes_in(fetch((0, 40)), 40, late)
    assert takes_in(fetch((0, 40), running=1), 40, late)


def test_what_two_connections_brought_is_joined() -> None:
    going = begun(begun(fetch(), NOW), NOW)
    going = ended(ended(going, 50, 50, NOW), 0, 60, NOW)
    assert going.whole
    assert going.running == 0


def test_an_empty_item_is_never_half_there() -> None:
    empty = Fetch(first="a", size=0, touched=NOW)
    assert takes_in(empty, 0, NOW)


@given(SPANS)
def test_joined_spans_hold_the_same_bytes_in_order_and_apart(spans: list[Span]) -> None:
    found = joined(spans)
    assert {at for span in found for at in range(*span)} == {at for span in spans for at in range(*span)}
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
    assert joined(found) == found
