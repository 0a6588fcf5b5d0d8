"""Looks through the files of a model in a process of its own, which can do nothing but compute and answer.

A file that crashes it, or takes too long, costs that file alone: it is refused, and the next one meets a fresh process.
"""

from __future__ import annotations

import signal
import time
from importlib.metadata import version
from types import TracebackType
from typing import Self

from catalog.vocabulary import ScanRefusal
from faceguard.frames import BadFrame, frame
from faceguard.process import START_S, Gone, Process, TooLate
from faceguard.source import Source
from gateway.pickles.inert import LENGTH
from gateway.pickles.messages import READY, Range, Scanned, heard, refused

RULES = 1  # raised whenever our own rules learn something: what was scanned before is scanned again
SCANNER = f"hubgate {RULES}, picklescan {version('picklescan')}"
MEMORY_BYTES = 2 * 2**30
MOST_REPLY = 64 * 2**20
FILE_S = 600.0  # that one file may take

_PROGRAM = """
from gateway.pickles.child import main
main()
"""


class Scanner:
    """Used by one thread, which must live as long as it; `with` ends its process."""

    def __init__(self, *, file_s: float = FILE_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self._file_s = file_s
        self._memory_bytes = memory_bytes
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def scan(self, file: Source) -> Scanned:
        """What loading the file would run. Raises what the source raises."""
        process = self._process or _Process(self._memory_bytes)
        self._process = None
        try:
            result = process.scan(file, self._file_s)
        except TooLate:
            result = refused(ScanRefusal.TIME_OUT)
        except (Gone, BadFrame):
            timed_out = process.end() == -signal.SIGXCPU
            result = refused(ScanRefusal.TIME_OUT if timed_out else ScanRefusal.CRASHED)
        else:
            if result.why is not ScanRefusal.TOO_LARGE:  # after that one the process ends by itself
                self._process = process
        finally:
            if self._process is None:
                process.bury()
        return result

    def _end(self) -> None:
        if self._process is not None:
            self._process.bury()
            self._process = None


class _Process(Process):
    def __init__(self, memory_bytes: int) -> None:
        super().__init__(_PROGRAM, memory_bytes=memory_bytes, most_reply=MOST_REPLY)
        self._ready = False

    def scan(self, file: Source, file_s: float) -> Scanned:
        """Raises TooLate, Gone, BadFrame and what the source raises."""
        if not self._ready:
            self._ready = self._read_frame(time.monotonic() + START_S) == READY
        deadline = time.monotonic() + file_s
        self._send(frame(LENGTH.pack(file.size)), deadline)
        while True:
            match heard(self._read_frame(deadline), file.size):
                case Range(start, stop):
                    self._send(frame(file.read(start, stop)), deadline)
                case Scanned() as result:
                    return result
