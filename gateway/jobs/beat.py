"""Steps of a job for those who would take far too many."""

from __future__ import annotations

import time
from collections.abc import Callable

BEAT_S = 10.0  # between two steps; a lease lasts six times as long


def now_and_then(step: Callable[[], None]) -> Callable[[], None]:
    """The step, taken at most every ten seconds however often it is called."""
    due = time.monotonic() + BEAT_S

    def beat() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + BEAT_S
            step()

    return beat
