"""How long a preview takes: median milliseconds a picture on the demo's pictures, in one process.

    python -m benchmarks.blur [--quick]

One picture is previewed before the clock runs; decoding and encoding are part of the time.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2

from faceguard.pipeline import safe_preview
from faceguard.result import Blurred, Limits
from gateway.demo.content import write_demo

THREADS = (1, 2)
PREVIEWS = (512, 256)


def main(quick: bool) -> None:
    """Print one table; ``quick`` takes every eighth picture."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder))
        pictures = [path.read_bytes() for path in sorted(Path(folder).rglob("*.jpg"))]
    pictures = pictures[::8] if quick else pictures
    print(f"blurred previews of {len(pictures)} pictures, milliseconds a picture")
    print(f"{'preview px':>10} {'threads':>8} {'median':>8} {'slowest':>8} {'faces':>6}")
    before = cv2.getNumThreads()
    try:
        for preview_px in PREVIEWS:
            for threads in THREADS:
                cv2.setNumThreads(threads)
                print(_row(pictures, preview_px, threads), flush=True)
    finally:
        cv2.setNumThreads(before)


def _row(pictures: list[bytes], preview_px: int, threads: int) -> str:
    limits = Limits(preview_px=preview_px)
    safe_preview(pictures[0], limits)
    spent, faces = [], 0
    for data in pictures:
        start = time.perf_counter()
        result = safe_preview(data, limits)
        spent.append((time.perf_counter() - start) * 1e3)
        faces += result.faces if isinstance(result, Blurred) else 0
    return f"{preview_px:>10} {threads:>8} {statistics.median(spent):>8.0f} {max(spent):>8.0f} {faces:>6}"


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
