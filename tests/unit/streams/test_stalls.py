"""Peers that take nothing, or next to nothing."""

from dataclasses import dataclass

from gateway.streams.registry import Ending, Registry, Stream
from gateway.streams.stalls import StallWatch


@dataclass
class Reader:
    """A peer that takes as many bytes as the test says."""

    taken: int = 0
    queued: int = 1000

    def acknowledged_total(self) -> int:
        return self.taken

    def unacknowledged(self) -> int:
        return self.queued


class Hands:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(reader: Reader) -> tuple[Registry, Stream, StallWatch, Hands]:
    registry, clock = Registry(), Hands()
    stream = registry.register(frozenset({"asset:a"}), 1, lambda: None, peer=reader)
    return registry, stream, StallWatch(idle_write_timeout_s=30, min_rate_kib_s=16, clock=clock), clock


def test_a_peer_that_takes_nothing_for_thirty_seconds_is_ended() -> None:
    registry, stream, watch, clock = watched(Reader())
    for clock.now in range(30):
        assert watch.sweep(registry) == 0
    clock.now = 30
    assert watch.sweep(registry) == 1
    assert stream.ending is Ending.STALLED
    assert len(registry) == 0


def test_each_byte_taken_starts_the_thirty_seconds_anew() -> None:
    reader = Reader()
    registry, stream, watch, clock = watched(reader)
    for clock.now in range(0, 59):
        reader.taken += clock.now == 25
        watch.sweep(registry)
    assert clock.now - 25 > 30
    assert stream.ending is Ending.STALLED


def test_a_peer_below_the_least_rate_is_ended_after_a_minute() -> None:
    reader = Reader()
    registry, stream, watch, clock = watched(reader)
    for clock.now in range(60):
        reader.taken = clock.now * 15 * 1024
        watch.sweep(registry)
    assert stream.ending is None
    clock.now, reader.taken = 60, 60 * 15 * 1024
    watch.sweep(registry)
    assert stream.ending is Ending.STALLED


def test_a_slow_peer_above_the_least_rate_stays() -> None:
    reader = Reader()
    registry, stream, watch, clock = watched(reader)
    for clock.now in range(600):
        reader.taken = clock.now * 17 * 1024
        watch.sweep(registry)
    assert stream.ending is None


def test_a_stream_that_waits_for_us_is_not_blamed_on_its_peer() -> None:
    registry, stream, watch, clock = watched(Reader(queued=0))
    for clock.now in range(0, 600, 10):
        watch.sweep(registry)
    assert stream.ending is None


def test_a_stream_without_a_connection_of_ours_is_let_be() -> None:
    registry, clock = Registry(), Hands()
    registry.register(frozenset({"asset:a"}), 1, lambda: None)
    watch = StallWatch(clock=clock)
    clock.now = 1e6
    assert watch.sweep(registry) == 0
