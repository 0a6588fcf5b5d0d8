"""Pictures out of a container, by a process of its own for each: a bomb or a crash costs that container alone.

The process sees the container only through the ranges that it asks for here, so a file and an object of a remote store
are opened alike. What it gives is not safe to show: each picture goes through faceguard.worker.Guard.
"""

import signal
import time
from collections.abc import Callable, Generator, Iterator

from faceguard.containers.base import Part
from faceguard.containers.inside import HEAD, reader_for
from faceguard.containers.messages import READY, Message, Order, Wanted, message_from, order
from faceguard.errors import Unsafe
from faceguard.frames import BadFrame, frame
from faceguard.process import START_S, Gone, Process, TooLate
from faceguard.result import Limits, Refused, Why
from faceguard.source import PIECE, Slice, Source

_MOST_S = 600.0  # that a container may make its opener wait in all
_MOST_REPLY = 32 * 2**20  # more than a picture that is not given as a part may have

_PROGRAM = """
from faceguard.containers.child import main
main(sys.argv[4])
"""

Picture = bytes | Source | Refused
"""One of the pictures, not yet safe to show, or why there is none in its place."""


def pictures_in(
    container: Source, limit: int, limits: Limits, beat: Callable[[], None] = lambda: None
) -> Generator[Picture]:
    """At most ``limit`` pictures of a tar, zip or Parquet file, or frames of a film, chosen evenly.

    A container that is refused as a whole gives that refusal as its last picture, often as its only one. A picture may
    be a part of the container, which must then stay open for as long as that is used. ``beat`` is called at every range
    that is read. The process lives in the calling thread, until the iterator ends or is closed. Raises what the
    container raises.
    """
    try:
        reader = reader_for(container.read(0, min(HEAD, container.size)))
    except Unsafe as refusal:
        yield Refused(refusal.why)
        return
    opened = _Opened(reader, container, limits, beat)
    try:
        yield from opened.pictures(limit)
    except TooLate:
        yield Refused(Why.TIME_OUT)
    except Gone:
        yield Refused(Why.TIME_OUT if opened.end() == -signal.SIGXCPU else Why.CRASHED)
    finally:
        opened.bury()


class _Opened(Process):
    """A process that looks into one container."""

    def __init__(self, reader: str, container: Source, limits: Limits, beat: Callable[[], None]) -> None:
        super().__init__(_PROGRAM, reader, memory_bytes=limits.memory_bytes, most_reply=_MOST_REPLY)
        self._container = container
        self._limits = limits
        self._beat = beat

    def pictures(self, limit: int) -> Iterator[Picture]:
        """What the process gives. Raises TooLate, Gone or what the container raises."""
        if self._read_frame(time.monotonic() + START_S) != READY:
            raise Gone
        asked = Order(self._container.size, limit, self._limits.max_bytes)
        self._send(order(asked), time.monotonic() + self._limits.wall_s)
        left, waited = limit, 0.0
        while True:
            before = time.monotonic()
            said = self._heard(before + min(self._limits.wall_s, _MOST_S - waited))
            waited += time.monotonic() - before
            match said:
                case None:
                    return
                case Wanted(start, stop):
                    self._hand_over(start, stop)
                    continue
                case Why():
                    yield Refused(said)
                case Part(start, stop):
                    yield Slice(self._container, start, stop)
                case bytes():
                    yield said
            left -= 1
            if left < 0:  # one more than asked for is the refusal of the whole
                raise Gone

    def _heard(self, deadline: float) -> Message:
        facts, payload = self._read_frame(deadline), self._read_frame(deadline)
        try:
            return message_from(facts, payload, self._container.size)
        except BadFrame as error:
            raise Gone from error

    def _hand_over(self, start: int, stop: int) -> None:
        if stop - start > PIECE:
            raise Gone
        self._beat()
        self._send(frame(self._container.read(start, stop)), time.monotonic() + self._limits.wall_s)
