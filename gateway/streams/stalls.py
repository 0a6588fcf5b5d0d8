"""Peers that take nothing, or next to nothing, lose their streams: they hold memory and places that others need."""

from gateway.streams.lease import Monotonic, boottime
from gateway.streams.registry import Ending, Registry, Stream

RATE_AFTER_S = 60.0


class _Pace:
    __slots__ = ("acknowledged", "began", "first", "moved")

    def __init__(self, acknowledged: int, now: float) -> None:
        self.first = self.acknowledged = acknowledged
        self.began = self.moved = now


class StallWatch:
    """Ends streams whose peer acknowledged no byte for `idle_write_timeout_s`, or fewer than `min_rate_kib_s` KiB a
    second on average once a minute has passed. A stream that waits for us, not for its peer, is let be.
    """

    def __init__(
        self, *, idle_write_timeout_s: float = 30.0, min_rate_kib_s: float = 16.0, clock: Monotonic = boottime
    ) -> None:
        self._idle_s = idle_write_timeout_s
        self._min_rate = min_rate_kib_s * 1024
        self._clock = clock
        self._paces: dict[Stream, _Pace] = {}

    def sweep(self, registry: Registry) -> int:
        """Look at every stream once, about each second; gives how many were ended."""
        now = self._clock()
        paces: dict[Stream, _Pace] = {}
        ended = 0
        for stream in registry:
            if stream.peer is None:
                continue
            acknowledged, waits_for_peer = stream.peer.acknowledged_total(), stream.peer.unacknowledged() > 0
            pace = self._paces.get(stream) or _Pace(acknowledged, now)
            if acknowledged > pace.acknowledged or not waits_for_peer:
                pace.acknowledged, pace.moved = acknowledged, now
            if waits_for_peer and (now - pace.moved >= self._idle_s or self._is_slow(pace, now)):
                stream.end(Ending.STALLED)
                ended += 1
            else:
                paces[stream] = pace
        self._paces = paces
        return ended

    def _is_slow(self, pace: _Pace, now: float) -> bool:
        lived = now - pace.began
        return lived >= RATE_AFTER_S and (pace.acknowledged - pace.first) / lived < self._min_rate
