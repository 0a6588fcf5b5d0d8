"""What runs inside a worker process: one picture after another from standard input, results to standard output."""

import sys
from pathlib import Path
from typing import BinaryIO

import cv2

from faceguard.bounds import allow_cpu, bound_reach
from faceguard.confine import confine
from faceguard.detectors.plan import Looker
from faceguard.detectors.registry import looker as best_looker
from faceguard.errors import Unsafe
from faceguard.frames import READY, frame, limits_from, read_frame, reply
from faceguard.pipeline import safe_preview
from faceguard.rehearsal import load_no_more, rehearse
from faceguard.result import Blurred, Refused, Why
from faceguard.seccomp import Unsupported
from faceguard.sheet import contact_sheet


def main(models: Path | None) -> None:
    """Serve until standard input ends. Call bounds.bound_memory first.

    The first frame on standard input is the key of the noise; as an argument others could read it.
    """
    cv2.setNumThreads(1)
    try:
        _serve(sys.stdin.buffer, sys.stdout.buffer, _locked_in(models))
    except (EOFError, BrokenPipeError):
        return  # the guard has gone, or wants no more


def _locked_in(models: Path | None) -> Looker | Why:
    """Everything loaded and tried, then no way out; or why every picture will be refused."""
    try:
        looker = best_looker(models)
        rehearse(looker)
        load_no_more()
        bound_reach()
        confine()
    except Unsafe as refusal:
        return refusal.why
    except Unsupported:
        return Why.UNCONFINED
    return looker


def _serve(source: BinaryIO, sink: BinaryIO, looker: Looker | Why) -> None:
    def read(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    key = read_frame(read)
    _send(sink, frame(READY))
    result: Blurred | Refused
    while True:
        limits, cells = limits_from(read_frame(read))
        data = [read_frame(read) for _ in range(cells or 1)]
        allow_cpu(limits.wall_s)
        if not isinstance(looker, Looker):
            result = Refused(looker)
        elif cells:
            result = contact_sheet([cell or None for cell in data])
        else:
            result = safe_preview(data[0], limits, key=key, looker=looker)
        _send(sink, reply(result))
        if result == Refused(Why.OUT_OF_MEMORY):
            return  # what is left of the heap is nothing to build on


def _send(sink: BinaryIO, message: bytes) -> None:
    sink.write(message)
    sink.flush()
