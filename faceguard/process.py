"""A fresh interpreter that does dangerous work, and the two pipes to it.

It shares no memory, no descriptor and no environment with whoever starts it, and bounds itself before it loads anything
(faceguard.bounds, faceguard.offline). Everything that it says is read with a deadline.
"""

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faceguard.frames import BadFrame, read_frame
from faceguard.source import PIECE

START_S = 60.0
"""Until the first word: loading OpenCV and the weights takes about a second, on a busy machine many."""

_PRELUDE = """
import sys
sys.path.insert(0, sys.argv[1])
from faceguard.bounds import bound_memory
from faceguard.confine import end_with_parent
end_with_parent(int(sys.argv[2]))
bound_memory(int(sys.argv[3]))
from faceguard.offline import go_offline
go_offline()
"""

_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "ERROR",
    "MALLOC_ARENA_MAX": "1",  # each of mediapipe's threads would reserve 64 MiB of the address space
}


class TooLate(Exception):
    """The deadline passed before the process had answered."""


class Gone(Exception):
    """The process has ended, or must be: it does not keep to the protocol."""


class Process:
    """One process; used by one thread at a time, except for ``end``. The kernel ends it with the thread that starts it.

    program: Python, run once the process is bounded; its ``sys.argv[4:]`` are the arguments.
    memory_bytes: of address space. most_reply: the longest frame in bytes that it may send.
    """

    def __init__(self, program: str, *arguments: str, memory_bytes: int, most_reply: int) -> None:
        root = str(Path(__file__).parent.parent)
        # The program is a constant and the arguments are our own; no shell, no inherited descriptor or variable. The
        # process's folder is empty and gone once it has started: nothing is there, and nothing can be put there.
        # A session of its own, so that Ctrl-C reaches the parent alone.
        with tempfile.TemporaryDirectory(prefix="faceguard-") as empty:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-c", _PRELUDE + program, root, str(os.getpid()), str(memory_bytes), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=empty,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        self._pipes = [pipe for pipe in (self._process.stdin, self._process.stdout) if pipe]
        self._to, self._from = (pipe.fileno() for pipe in self._pipes)
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._most_reply = most_reply

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def end(self) -> int:
        """Kill the process and return how it ended; its pipes stay open for the thread that reads them."""
        self._process.kill()
        return self._process.wait()

    def bury(self) -> None:
        """Kill the process and close its pipes."""
        self.end()
        for pipe in self._pipes:
            pipe.close()

    def _send(self, message: bytes, deadline: float) -> None:
        rest = memoryview(message)
        while rest:
            _wait(self._to, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._to, rest[:PIECE]) :]
            except BrokenPipeError as error:
                raise Gone from error

    def _read_frame(self, deadline: float) -> bytes:
        try:
            return read_frame(lambda count: self._read(count, deadline), self._most_reply)
        except BadFrame as error:
            raise Gone from error

    def _read(self, count: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            _wait(self._from, select.POLLIN, deadline)
            part = os.read(self._from, min(PIECE, count - len(data)))
            if not part:
                raise Gone
            data += part
        return bytes(data)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Return when the descriptor is ready or its other end is gone; raise TooLate at the deadline."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TooLate
