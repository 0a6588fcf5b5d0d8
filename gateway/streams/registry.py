"""The streams that run in this process, found by what they are about, so that all of a subject end at once."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Protocol

BOARD_SIZE = 4096


class Stopped(Exception):
    """A subject of the stream was stopped after the facts were read; decide again on newer facts."""

    def __init__(self, position: int) -> None:
        super().__init__(f"stopped at position {position}")
        self.position = position


class Ending(StrEnum):
    """Why a stream ended before its last byte by our own doing."""

    CUT = "cut"
    STALLED = "stalled"


class Peer(Protocol):
    """What the watch over stalled peers asks of a connection."""

    def unacknowledged(self) -> int: ...
    def acknowledged_total(self) -> int: ...


class Stream:
    """One running response. `ending` is set once, when somebody else ends it; nothing may be sent after that."""

    __slots__ = ("_abort", "_registry", "as_of", "ending", "peer", "subjects")

    def __init__(
        self, registry: "Registry", subjects: frozenset[str], as_of: int, abort: Callable[[], None], peer: Peer | None
    ) -> None:
        self._registry = registry
        self._abort = abort
        self.subjects = subjects
        self.as_of = as_of
        self.peer = peer
        self.ending: Ending | None = None

    def end(self, why: Ending) -> None:
        """Stop the stream from outside: its connection is reset."""
        if self.ending is None:
            self.ending = why
            self._registry.forget(self)
            self._abort()

    def close(self) -> None:
        """The response is over; nothing is left to cut."""
        self._registry.forget(self)


class Registry:
    """Live streams by subject: ``asset:<id>``, ``version:<id>``, ``item:<asset id>:<sha256>``, ``account:<id>``,
    ``token:<id>``.

    The board of cuts closes the race between deciding and starting. It is bounded: facts older than the oldest cut
    that it may have forgotten are refused, whatever they are about. All methods belong to the event loop's thread.
    """

    def __init__(self, *, floor: int = 0, board_size: int = BOARD_SIZE) -> None:
        self._streams: set[Stream] = set()
        self._by_subject: defaultdict[str, set[Stream]] = defaultdict(set)
        self._board: OrderedDict[str, int] = OrderedDict()
        self._board_size = board_size
        self._floor = floor
        self.streams_cut = 0

    def __len__(self) -> int:
        return len(self._streams)

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._streams))

    def start_at(self, position: int) -> None:
        """Cuts up to `position` were not watched: facts older than that are refused."""
        self._floor = max(self._floor, position)

    def register(
        self, subjects: frozenset[str], as_of: int, abort: Callable[[], None], *, peer: Peer | None = None
    ) -> Stream:
        """Let a stream start that was decided on the facts of position `as_of`.

        Raises Stopped when one of its subjects was cut later than that, or may have been.
        """
        newest = max((self._board.get(subject, 0) for subject in subjects), default=0)
        newest = max(newest, self._floor)
        if newest > as_of:
            raise Stopped(newest)
        stream = Stream(self, subjects, as_of, abort, peer)
        self._streams.add(stream)
        for subject in subjects:
            self._by_subject[subject].add(stream)
        return stream

    def cut(self, subjects: Iterable[str], position: int) -> int:
        """End every stream of the subjects that was decided before `position`; gives how many."""
        matching: set[Stream] = set()
        for subject in subjects:
            self._remember(subject, position)
            matching |= self._by_subject.get(subject, set())
        ended = 0
        for stream in matching:
            if stream.as_of < position:
                stream.end(Ending.CUT)
                ended += 1
        self.streams_cut += ended
        return ended

    def cut_all(self) -> int:
        """End every stream, whatever it is about: this process may no longer serve."""
        streams = tuple(self._streams)
        for stream in streams:
            stream.end(Ending.CUT)
        self.streams_cut += len(streams)
        return len(streams)

    def forget(self, stream: Stream) -> None:
        """Take the stream out; harmless when it is out already."""
        if stream not in self._streams:
            return
        self._streams.discard(stream)
        for subject in stream.subjects:
            same = self._by_subject[subject]
            same.discard(stream)
            if not same:
                del self._by_subject[subject]

    def _remember(self, subject: str, position: int) -> None:
        self._board[subject] = max(position, self._board.get(subject, 0))
        self._board.move_to_end(subject)
        while len(self._board) > self._board_size:
            _, forgotten = self._board.popitem(last=False)
            self._floor = max(self._floor, forgotten)
