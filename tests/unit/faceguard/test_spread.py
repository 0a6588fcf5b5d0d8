import itertools
import threading
from contextlib import closing

import pytest

from faceguard.spread import spread


def test_every_item_is_worked_on_once():
    assert sorted(spread(lambda number: number * 2, range(1000), threads=3)) == list(range(0, 2000, 2))


def test_nothing_comes_of_nothing():
    assert list(spread(str, [], threads=2)) == []


def test_an_endless_source_is_taken_only_as_far_as_there_are_threads():
    taken = []

    def source():
        for number in itertools.count():
            taken.append(number)
            yield number

    with closing(spread(lambda number: number, source(), threads=3)) as results:
        for done in range(50):
            next(results)
            assert len(taken) <= done + 3


def test_one_slow_item_holds_up_no_other():
    release = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            release.wait(60)
        return number

    results = spread(work, range(100), threads=2)
    assert [next(results) for _ in range(99)] == list(range(1, 100))
    release.set()
    assert list(results) == [0]


def test_what_the_work_raises_is_raised_and_nothing_is_left_running():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda number: 1 // number, [1, 2, 0, 3], threads=2))
    assert threading.active_count() == before


def test_a_consumer_that_stops_early_leaves_nothing_running():
    before = threading.active_count()
    with closing(spread(str, itertools.count(), threads=4)) as results:
        next(results)
    assert threading.active_count() == before


def test_the_beat_goes_on_while_nothing_comes_and_while_much_comes():
    beats: list[None] = []
    assert len(list(spread(str, range(20), threads=1, beat=lambda: beats.append(None), every_s=0))) == 20
    assert len(beats) >= 20


def test_a_beat_that_raises_ends_the_work():

    def beat() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(spread(str, itertools.count(), threads=2, beat=beat, every_s=0))
