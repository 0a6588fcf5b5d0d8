"""A small pool of processes that do the dangerous work; a bomb, a hang or a crash costs one refusal, never the caller.

Each worker is a fresh interpreter: it shares no memory, no descriptor, no environment and no folder with the server,
bounds itself (faceguard.bounds) and locks itself in (faceguard.confine). A worker that dies or must be killed is
replaced at once, so the next picture finds it warm. None outlives the guard, even one that is killed.
"""

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from faceguard.frames import READY, BadFrame, frame, read_frame, request, result_from
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.source import PIECE, Source, pieces, size_of

_START_S = 60.0  # loading OpenCV and the weights takes about a second, on a busy machine many
_MOST_REPLY = 32 * 2**20

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from faceguard.bounds import bound_memory
from faceguard.confine import end_with_parent
end_with_parent(int(sys.argv[2]))
bound_memory(int(sys.argv[3]))
from faceguard.offline import go_offline
go_offline()
from pathlib import Path
from faceguard.child import main
main(Path(sys.argv[4]) if sys.argv[4] else None)
"""

_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_LOG_LEVEL": "ERROR"}


class _TooLate(Exception):
    """The deadline passed before the worker had answered."""


class _Gone(Exception):
    """The worker has ended, or must be: it does not keep to the protocol."""


class Guard:
    """Turns pictures into previews in worker processes; give it to as many threads as there are.

    workers: processes, so as many pictures at once; a call beyond that waits for the first free worker.
    limits: for every picture; ``memory_bytes`` for every worker.
    key: keeps the noise of the covers secret (faceguard.cover.noise_source).
    models: a folder with the operator's own detector weights (faceguard.detectors.registry.looker).
    """

    def __init__(
        self, *, workers: int = 1, limits: Limits | None = None, key: bytes = b"", models: Path | None = None
    ) -> None:
        if workers < 1:
            raise ValueError("a guard needs at least one worker")
        self.workers = workers
        self.limits = limits or Limits()
        self._arguments = (
            str(Path(__file__).parent.parent),
            str(os.getpid()),
            str(self.limits.memory_bytes),
            str(models.absolute() if models else ""),
        )
        self._key = key
        self._changed = threading.Condition()
        self._closed = False
        # The kernel ends a worker with the thread that started it, so that is one which lives as long as the guard.
        self._nursery = ThreadPoolExecutor(1, "guard")
        self._idle = [self._start() for _ in range(workers)]
        self._busy: set[_Worker] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pids(self) -> set[int]:
        """The worker processes of this moment, for an operator's eye."""
        with self._changed:
            return {worker.pid for worker in (*self._idle, *self._busy)}

    def preview(self, picture: bytes | Source, *, preview_px: int | None = None) -> Blurred | Refused:
        """The safe preview of a picture (faceguard.pipeline.safe_preview), whatever the picture does to its worker.

        picture: from a source the bytes go to the worker piece by piece, and are never together in this process; the
        time that the source takes is not counted. preview_px: long side in place of the one in the guard's limits.
        Raises RuntimeError once the guard is closed, and what the source raises.
        """
        limits = replace(self.limits, preview_px=preview_px) if preview_px else self.limits
        if size_of(picture) > limits.max_bytes:
            return Refused(Why.TOO_LARGE)
        worker = self._take()
        try:
            return worker.ask(picture, limits)
        except _TooLate:
            return Refused(Why.TIME_OUT)
        except _Gone:
            return Refused(Why.TIME_OUT if worker.end() == -signal.SIGXCPU else Why.CRASHED)
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """End every worker; a picture in the works is refused. Closing twice is allowed."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.end()  # its caller sees the pipe end and gives it back
            self._changed.notify_all()
        for worker in idle:
            worker.bury()
        self._nursery.shutdown()

    def _start(self) -> "_Worker":
        return self._nursery.submit(_Worker, self._arguments, self._key).result()

    def _take(self) -> "_Worker":
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._closed)
            if self._closed:
                raise RuntimeError("the guard is closed")
            worker = self._idle.pop()
            if not worker.alive:  # it died between two pictures; the next picture is not to pay for that
                worker.bury()
                worker = self._start()
            self._busy.add(worker)
            return worker

    def _give_back(self, worker: "_Worker") -> None:
        with self._changed:
            self._busy.discard(worker)
            if self._closed or not worker.sound:
                worker.bury()
            if not self._closed:
                self._idle.append(worker if worker.sound else self._start())
                self._changed.notify()


class _Worker:
    """One process and its two pipes; used by one thread at a time, except for ``end``."""

    def __init__(self, arguments: tuple[str, ...], key: bytes) -> None:
        # The program is a constant and the arguments are our own; no shell, no inherited descriptor or variable. The
        # worker's folder is empty and gone once it has started: nothing is there, and nothing can be put there.
        # A session of its own, so that Ctrl-C reaches the guard alone.
        with tempfile.TemporaryDirectory(prefix="faceguard-") as empty:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-c", _PROGRAM, *arguments],
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
        self._key = key
        self._ready = False
        self.sound = True

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, picture: bytes | Source, limits: Limits) -> Blurred | Refused:
        """The worker's answer. Raises _TooLate, _Gone or what the source raises; then the worker is not sound."""
        self.sound = False
        if not self._ready:
            self._greet(time.monotonic() + _START_S)
        self._send(request(limits, size_of(picture)), time.monotonic() + limits.wall_s)
        for piece in pieces(picture):
            self._send(piece, time.monotonic() + limits.wall_s)
        deadline = time.monotonic() + limits.wall_s
        result = self._read_result(deadline)
        self.sound = result != Refused(Why.OUT_OF_MEMORY)  # after that one the worker ends by itself
        return result

    def _greet(self, deadline: float) -> None:
        self._send(frame(self._key), deadline)
        if self._read_frame(deadline) != READY:
            raise _Gone
        self._ready = True

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
                raise _Gone from error

    def _read_result(self, deadline: float) -> Blurred | Refused:
        try:
            return result_from(self._read_frame(deadline), self._read_frame(deadline))
        except BadFrame as error:
            raise _Gone from error

    def _read_frame(self, deadline: float) -> bytes:
        try:
            return read_frame(lambda count: self._read(count, deadline), _MOST_REPLY)
        except BadFrame as error:
            raise _Gone from error

    def _read(self, count: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            _wait(self._from, select.POLLIN, deadline)
            part = os.read(self._from, min(PIECE, count - len(data)))
            if not part:
                raise _Gone
            data += part
        return bytes(data)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Return when the descriptor is ready or its other end is gone; raise _TooLate at the deadline."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise _TooLate
