"""How long a preview takes, plan by plan, and how long deface takes for the same pictures.

    python -m benchmarks.blur [--quick] [--models DIR] [--deface]

One picture is done before the clock runs; decoding and encoding are part of the time. CPU milliseconds stand beside
those of the clock: they are the fair ones on a machine that others use too. --models: a folder of the operator's
weights, for the plan *full*. --deface: make an environment for deface (660 MB) and time it as well.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2

from benchmarks import deface
from faceguard.detectors.plan import Looker
from faceguard.detectors.registry import looker
from faceguard.pipeline import safe_preview
from gateway.demo.content import write_demo

THREADS = (1, 2)

Spent = list[tuple[float, float]]
"""Wall and CPU seconds of each picture."""


def main(quick: bool, models: Path | None = None, beside: bool = False) -> None:
    """Print one table; ``quick`` takes every eighth picture."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder))
        pictures = sorted(Path(folder).rglob("*.jpg"))[:: 8 if quick else 1]
        print(f"blurred previews of {len(pictures)} pictures at 512 px, milliseconds a picture")
        print(f"{'what':<16} {'threads':>8} {'median':>8} {'slowest':>8} {'CPU':>8}")
        lookers = [looker(), *([looker(models)] if models else [])]
        before = cv2.getNumThreads()
        try:
            for one in lookers:
                for threads in THREADS:
                    cv2.setNumThreads(threads)
                    print(_row(one.plan.name, threads, _timed(pictures, one)), flush=True)
        finally:
            cv2.setNumThreads(before)
        for threads in THREADS if beside else ():
            spent = deface.timed(pictures, threads=threads, backend="onnxrt")
            print(_row(f"deface {deface.VERSION}", threads, spent), flush=True)


def _timed(pictures: list[Path], one: Looker) -> Spent:
    safe_preview(pictures[0].read_bytes(), looker=one)
    spent = []
    for picture in pictures:
        wall, cpu = time.perf_counter(), time.process_time()
        safe_preview(picture.read_bytes(), looker=one)
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
    return spent


def _row(what: str, threads: int, spent: Spent) -> str:
    wall, cpu = ([pair[place] * 1e3 for pair in spent] for place in (0, 1))
    return f"{what:<16} {threads:>8} {statistics.median(wall):>8.0f} {max(wall):>8.0f} {statistics.median(cpu):>8.0f}"


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--models") + 1]) if "--models" in sys.argv else None
    main("--quick" in sys.argv, folder, "--deface" in sys.argv)
