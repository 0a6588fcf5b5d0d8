"""What runs inside a worker process: one picture after another from standard input, results to standard output."""

import sys
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2

from faceguard.bounds import allow_cpu, bound_reach
from faceguard.confine import confine
from faceguard.detectors.plan import Looker
from faceguard.detectors.registry import looker as best_looker
from faceguard.errors import Unsafe
from faceguard.frames import Standing, limits_from, read_frame, reply, standing
from faceguard.pipeline import safe_preview
from faceguard.rehearsal import load_no_more, rehearse
from faceguard.result import Blurred, Refused, Why
from faceguard.seccomp import Unsupported
from faceguard.second import second_look
from faceguard.sheet import contact_sheet
from faceguard.verify import SecondLook


class _Eyes(NamedTuple):
    looker: Looker
    second: SecondLook


def main(models: Path | None) -> None:
    """Serve until standard input ends. Call bounds.bound_memory first.

    The first frame on standard input is the key of the noise; as an argument others could read it.
    """
    cv2.setNumThreads(1)
    try:
        _serve(sys.stdin.buffer, sys.stdout.buffer, *_locked_in(models))
    except (EOFError, BrokenPipeError):
        return  # the guard has gone, or wants no more


def _locked_in(models: Path | None) -> tuple[_Eyes | Why, Standing]:
    """Everything loaded and tried, then no way out; or why every picture will be refused."""
    try:
        looker = best_looker(models)
        second, mediapipe, trouble = second_look(looker, models)
        rehearse(looker, second)
        load_no_more()
        bound_reach()
        confine()
    except Unsafe as refusal:
        return refusal.why, Standing(plan=None, mediapipe=False, trouble="")
    except Unsupported:
        return Why.UNCONFINED, Standing(plan=None, mediapipe=False, trouble="")
    return _Eyes(looker, second), Standing(looker.plan.name, mediapipe, trouble)


def _serve(source: BinaryIO, sink: BinaryIO, eyes: _Eyes | Why, told: Standing) -> None:
    def read(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    key = read_frame(read)
    _send(sink, standing(told))
    result: Blurred | Refused
    while True:
        limits, cells = limits_from(read_frame(read))
        data = [read_frame(read) for _ in range(cells or 1)]
        allow_cpu(limits.wall_s)
        if isinstance(eyes, Why):
            result = Refused(eyes)
        elif cells:
            result = contact_sheet([cell or None for cell in data])
        else:
            result = safe_preview(data[0], limits, key=key, **eyes._asdict())
        _send(sink, reply(result))
        if result == Refused(Why.OUT_OF_MEMORY):
            return  # what is left of the heap is nothing to build on


def _send(sink: BinaryIO, message: bytes) -> None:
    sink.write(message)
    sink.flush()
