"""A small pool of processes that do the dangerous work; a bomb, a hang or a crash costs one refusal, never the caller.

Each worker is a fresh interpreter: it shares no memory, no descriptor, no environment and no folder with the server,
bounds itself (faceguard.bounds) and locks itself in (faceguard.confine). A worker that dies or must be killed is
replaced at once, so the next picture finds it warm. None outlives the guard, even one that is killed.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from faceguard.frames import BadFrame, Standing, frame, request, result_from, sheet_request, standing_from
from faceguard.process import START_S, Gone, Process, TooLate
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.source import Source, pieces, size_of

_MOST_REPLY = 32 * 2**20

_PROGRAM = """
from pathlib import Path
from faceguard.child import main
main(Path(sys.argv[4]) if sys.argv[4] else None)
"""

log = logging.getLogger(__name__)


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
        self._models = models
        self._key = key
        self._changed = threading.Condition()
        self._closed = False
        # The kernel ends a worker with the thread that started it, so that is one which lives as long as the guard.
        self._nursery = ThreadPoolExecutor(1, "guard")
        self._idle = [self._start() for _ in range(workers)]
        self._busy: set[_Worker] = set()
        self.standing: Standing | None = None
        """What the workers run; None until one has been asked."""

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
        return self._answer(lambda worker: worker.ask(picture, limits))

    def sheet(self, cells: Sequence[Blurred | Refused]) -> Blurred | Refused:
        """Previews side by side as one picture (faceguard.sheet.contact_sheet); a refused one leaves a plain place.

        Nothing but refusals gives the first of them. Raises RuntimeError once the guard is closed.
        """
        shown = [cell for cell in cells if isinstance(cell, Blurred)]
        if not shown:
            return cells[0] if cells else Refused(Why.NO_PICTURES)
        jpegs = [cell.jpeg if isinstance(cell, Blurred) else None for cell in cells]
        made = self._answer(lambda worker: worker.lay_out(jpegs, self.limits))
        if isinstance(made, Refused):
            return made
        covered = sum(cell.covered for cell in shown) / len(shown)
        return replace(made, faces=sum(cell.faces for cell in shown), covered=round(covered, 4))

    def _answer(self, ask: "Callable[[_Worker], Blurred | Refused]") -> Blurred | Refused:
        worker = self._take()
        try:
            return ask(worker)
        except TooLate:
            return Refused(Why.TIME_OUT)
        except Gone:
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
        return self._nursery.submit(_Worker, self._models, self._key, self.limits.memory_bytes).result()

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
            if self.standing is None and worker.standing is not None:
                self.standing = worker.standing
                if worker.standing.trouble:
                    log.warning("mediapipe does not take part in the second look: %s", worker.standing.trouble)
            if self._closed or not worker.sound:
                worker.bury()
            if not self._closed:
                self._idle.append(worker if worker.sound else self._start())
                self._changed.notify()


class _Worker(Process):
    """A process that makes previews, one after another."""

    def __init__(self, models: Path | None, key: bytes, memory_bytes: int) -> None:
        super().__init__(
            _PROGRAM, str(models.absolute() if models else ""), memory_bytes=memory_bytes, most_reply=_MOST_REPLY
        )
        self._key = key
        self.standing: Standing | None = None
        self.sound = True

    def ask(self, picture: bytes | Source, limits: Limits) -> Blurred | Refused:
        """The worker's answer. Raises TooLate, Gone or what the source raises; then the worker is not sound."""
        return self._ask(chain([request(limits, size_of(picture))], pieces(picture)), limits)

    def lay_out(self, jpegs: Sequence[bytes | None], limits: Limits) -> Blurred | Refused:
        """The sheet of these previews. Raises as ``ask`` does."""
        return self._ask([sheet_request(limits, jpegs)], limits)

    def _ask(self, messages: Iterable[bytes], limits: Limits) -> Blurred | Refused:
        self.sound = False
        if self.standing is None:
            self._greet(time.monotonic() + START_S)
        for message in messages:
            self._send(message, time.monotonic() + limits.wall_s)
        deadline = time.monotonic() + limits.wall_s
        result = self._read_result(deadline)
        self.sound = result != Refused(Why.OUT_OF_MEMORY)  # after that one the worker ends by itself
        return result

    def _greet(self, deadline: float) -> None:
        self._send(frame(self._key), deadline)
        try:
            self.standing = standing_from(self._read_frame(deadline))
        except BadFrame as error:
            raise Gone from error

    def _read_result(self, deadline: float) -> Blurred | Refused:
        try:
            return result_from(self._read_frame(deadline), self._read_frame(deadline))
        except BadFrame as error:
            raise Gone from error
