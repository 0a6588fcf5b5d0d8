"""Live streams by subject, and the board of cuts."""

import pytest

from gateway.streams.registry import Ending, Registry, Stopped


def nothing() -> None:
    pass


def test_a_cut_ends_every_stream_of_the_subject_and_no_other() -> None:
    registry = Registry()
    aborted: list[str] = []
    registry.register(frozenset({"asset:a", "account:x"}), 5, lambda: aborted.append("a-x"))
    registry.register(frozenset({"asset:a", "account:y"}), 5, lambda: aborted.append("a-y"))
    other = registry.register(frozenset({"asset:b", "account:x"}), 5, lambda: aborted.append("b-x"))
    assert registry.cut({"asset:a"}, 6) == 2
    assert sorted(aborted) == ["a-x", "a-y"]
    assert list(registry) == [other]
    assert registry.streams_cut == 2


def test_a_stream_that_two_cut_subjects_name_is_ended_once() -> None:
    registry = Registry()
    aborted: list[int] = []
    stream = registry.register(frozenset({"asset:a", "version:v"}), 5, lambda: aborted.append(1))
    assert registry.cut({"asset:a", "version:v"}, 6) == 1
    stream.end(Ending.STALLED)
    assert aborted == [1]
    assert stream.ending is Ending.CUT


def test_a_stream_decided_on_facts_older_than_a_cut_never_starts() -> None:
    registry = Registry()
    registry.cut({"version:v"}, 10)
    with pytest.raises(Stopped) as refused:
        registry.register(frozenset({"asset:a", "version:v"}), 9, nothing)
    assert refused.value.position == 10
    assert len(registry) == 0


def test_a_stream_decided_after_the_cut_starts_and_outlives_the_news_of_it() -> None:
    registry = Registry()
    stream = registry.register(frozenset({"version:v"}), 10, nothing)
    assert registry.cut({"version:v"}, 10) == 0
    assert registry.cut({"version:v"}, 9) == 0
    assert stream.ending is None
    registry.register(frozenset({"version:v"}), 10, nothing)
    assert len(registry) == 2


def test_an_older_cut_never_hides_a_newer_one() -> None:
    registry = Registry()
    registry.cut({"version:v"}, 10)
    registry.cut({"version:v"}, 7)
    with pytest.raises(Stopped):
        registry.register(frozenset({"version:v"}), 9, nothing)


def test_a_board_that_forgot_a_cut_refuses_all_facts_older_than_it() -> None:
    registry = Registry(board_size=3)
    for position in range(1, 6):
        registry.cut({f"version:{position}"}, position)
    with pytest.raises(Stopped):
        registry.register(frozenset({"version:1"}), 0, nothing)
    with pytest.raises(Stopped):
        registry.register(frozenset({"version:unrelated"}), 1, nothing)
    registry.register(frozenset({"version:unrelated"}), 2, nothing)


def test_facts_older_than_the_start_are_refused() -> None:
    registry = Registry()
    registry.start_at(20)
    with pytest.raises(Stopped):
        registry.register(frozenset({"asset:a"}), 19, nothing)
    registry.register(frozenset({"asset:a"}), 20, nothing)


def test_a_closed_stream_is_out_of_reach_and_may_be_closed_again() -> None:
    registry = Registry()
    aborted: list[int] = []
    stream = registry.register(frozenset({"asset:a"}), 1, lambda: aborted.append(1))
    stream.close()
    stream.close()
    assert registry.cut({"asset:a"}, 2) == 0
    assert not aborted


def test_losing_the_right_to_serve_ends_all_streams() -> None:
    registry = Registry()
    streams = [registry.register(frozenset({f"asset:{n}"}), 1, nothing) for n in range(5)]
    assert registry.cut_all() == 5
    assert {stream.ending for stream in streams} == {Ending.CUT}
    assert len(registry) == 0
