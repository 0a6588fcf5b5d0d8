"""A long fuzz run: pictures changed at random, through the same workers as the gateway's, for as long as you like.

    python -m tests.fault.fuzz [--seconds 600] [--seed N] [--keep FOLDER]

Prints what came of them and how memory grew; exit status 1 when a worker crashed, or this process grew by 200 MiB. What
made a worker crash, run out of memory or out of time is kept in the folder.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

from faceguard.bare import is_bare
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.spread import spread
from faceguard.worker import Guard
from tests.fault.hostile import COSTLY
from tests.fault.mutations import Edit, edited, originals

LIMITS = Limits(max_pixels=2_000_000, wall_s=20)
"""Fewer pixels than a gateway allows: a run is to try many pictures, not to wait for large ones."""

_MIB = 2**20
_MOST_GROWTH = 200 * _MIB


def memory(pid: int, field: str = "VmRSS") -> int:
    """Bytes that a process holds now (VmRSS) or held at most (VmHWM)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def changed(chance: random.Random) -> bytes:
    """The next picture."""
    edits = [
        Edit(chance.randrange(256), chance.randrange(2**16), chance.randrange(2**16), chance.randrange(2**16))
        for _ in range(chance.choice((1, 1, 2, 3, 5, 8)))
    ]
    return edited(chance.choice(originals()), edits)


def main() -> int:
    """Run, print, and say by the exit status whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path("artefacts/fuzz"))
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    until = time.monotonic() + options.seconds
    came: Counter[str] = Counter()
    originals()
    with Guard(workers=options.workers, limits=LIMITS) as guard:
        guard.preview(b"")
        Path("/proc/self/clear_refs").write_text("5")  # what counts is the most from now on
        before, largest = memory(os.getpid()), 0

        def ask(data: bytes) -> tuple[bytes, Blurred | Refused]:
            return data, guard.preview(data)

        pictures = iter(lambda: changed(chance) if time.monotonic() < until else b"", b"")
        for data, result in spread(ask, pictures, threads=options.workers + 1):
            match result:
                case Blurred(jpeg=jpeg):
                    assert is_bare(jpeg)
                    came["shown"] += 1
                case Refused(why=why):
                    came[why.value] += 1
                    if why in COSTLY:
                        options.keep.mkdir(parents=True, exist_ok=True)
                        (options.keep / f"{why.value}-{seed}-{came.total()}").write_bytes(data)
            if came.total() % 500 == 0:
                largest = max([largest, *(_most(pid) for pid in guard.pids)])
        grown = memory(os.getpid(), "VmHWM") - before
    print(f"{came.total()} pictures: {dict(came.most_common())}")
    print(f"this process grew by {grown / _MIB:.1f} MiB at most; the largest worker held {largest / _MIB:.0f} MiB")
    return int(came[Why.CRASHED.value] > 0 or grown > _MOST_GROWTH)


def _most(pid: int) -> int:
    try:
        return memory(pid, "VmHWM")
    except (OSError, KeyError):
        return 0  # it has just ended


if __name__ == "__main__":
    sys.exit(main())
