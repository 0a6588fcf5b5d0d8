"""What runs inside a process that looks into one container: it asks for ranges, and gives what it has chosen."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from faceguard.bounds import allow_cpu, bound_reach
from faceguard.confine import confine
from faceguard.containers.base import Found
from faceguard.containers.messages import READY, Message, Wanted, message, order_from
from faceguard.errors import Unsafe
from faceguard.frames import frame, read_frame
from faceguard.rehearsal import load_no_more
from faceguard.result import Why
from faceguard.seccomp import Unsupported
from faceguard.source import PIECE

_CPU_S = 180  # for a whole container


def main(reader: str) -> None:
    """Serve one order. reader: a module of faceguard.containers. Call bounds.bound_memory first."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def read(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def say(said: Message) -> None:
        sink.write(message(said))
        sink.flush()

    module = import_module(f"faceguard.containers.{reader}")
    module.rehearse()
    trouble = _locked_in()
    sink.write(frame(READY))
    sink.flush()
    try:
        size, limit, most = order_from(read_frame(read))
        if trouble:
            say(trouble)
        else:
            _serve(module.pictures(_Asked(size, read, say), limit, most), say)
        say(None)
    except (EOFError, BrokenPipeError):
        return  # the opener has gone, or wants no more


def _locked_in() -> Why | None:
    load_no_more()
    bound_reach()
    allow_cpu(_CPU_S)
    try:
        confine()
    except Unsupported:
        return Why.UNCONFINED
    return None


class _Asked:
    """The container as a source: every range of it is asked of the opener, in pieces."""

    def __init__(self, size: int, read: Callable[[int], bytes], say: Callable[[Message], None]) -> None:
        self.size = size
        self._read = read
        self._say = say

    def read(self, start: int, stop: int) -> bytes:
        """See faceguard.source.Source.read."""
        return b"".join(self._piece(at, min(at + PIECE, stop)) for at in range(start, stop, PIECE))

    def _piece(self, start: int, stop: int) -> bytes:
        self._say(Wanted(start, stop))
        data = read_frame(self._read, PIECE)
        if len(data) != stop - start:
            raise EOFError
        return data


def _serve(chosen: Iterator[Found], say: Callable[[Message], None]) -> None:
    """Say what was chosen; last, when the container as a whole is refused, why."""
    found = False
    try:
        for one in chosen:
            found = True
            say(one)
        if not found:
            say(Why.NO_PICTURES)
    except Unsafe as refusal:
        say(refusal.why)
    except MemoryError:
        say(Why.OUT_OF_MEMORY)
