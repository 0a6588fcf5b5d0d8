"""A folder of many small pictures: pictures a second, how much of both cores, and what a kill -9 in the middle costs.

    python -m benchmarks.bulk [--pictures 10000] [--jobs 2] [--side 200]

The pictures are cut out of the demo's at random, of one to two times ``--side`` pixels, which is kept short of the work
of a large picture so that reading, writing and the journal count. The command is killed when half of the copies are
there, and started again. "cores" is the CPU time of command and workers by the clock; beside it stands how busy the
machine was as a whole, which tells whether others used it too.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from gateway.demo.content import write_demo

COMMAND = (sys.executable, "-c", "from faceguard.cli import main; main()", "blur")
_TICKS = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for the run that is killed and one for the run that goes on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--side", type=int, default=200)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        draw(root / "in", given.pictures, given.side)
        command = [*COMMAND, str(root / "in"), str(root / "out"), "--jobs", str(given.jobs)]
        print(f"{given.pictures} pictures, {given.jobs} jobs", flush=True)
        told(root, command, kill_at=given.pictures // 2)
        told(root, command, kill_at=None)
        report = json.loads((root / "out.faceguard" / "report.json").read_text())
        whole = sum(_is_whole(copy) for copy in (root / "out").rglob("*.jpg"))
        print(f"whole copies {whole}; the report of the second run: {report['this_run']}, {report['doubts']}")


def draw(folder: Path, count: int, side: int) -> None:
    """Write pictures ``00/00000.jpg`` and so on, no two alike."""
    chance = random.Random(side)
    with tempfile.TemporaryDirectory() as made:
        write_demo(Path(made))
        scenes = [Image.open(path).convert("RGB") for path in sorted(Path(made).rglob("*.jpg"))]
    for number in range(count):
        scene = scenes[number % len(scenes)]
        wide, tall = (chance.randint(side, 2 * side) for _ in range(2))
        scale = chance.uniform(1, min(scene.width / wide, scene.height / tall))
        left = chance.randint(0, scene.width - int(wide * scale))
        top = chance.randint(0, scene.height - int(tall * scale))
        box = (left, top, left + int(wide * scale), top + int(tall * scale))
        place = folder / f"{number % 100:02}" / f"{number:05}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        scene.resize((wide, tall), Image.Resampling.BILINEAR, box).save(place, quality=90)


def told(root: Path, command: Sequence[str], *, kill_at: int | None) -> None:
    """Run the command until it ends, or until it has made so many copies; print what it did in that time."""
    before, used, machine, start = _copies(root), 0.0, _machine(), time.monotonic()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            used = max(used, _cpu(process.pid))
            if kill_at is not None and _copies(root) >= kill_at:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.5)
    seconds, copies = time.monotonic() - start, _copies(root)
    busy, capacity = (after - earlier for after, earlier in zip(_machine(), machine, strict=True))
    print(
        f"{'killed' if kill_at else 'ended':<7} {copies:>6} copies, "
        f"{copies - before:>6} of them new in {seconds:.0f} s: "
        f"{(copies - before) / seconds:.1f} a second, {used / seconds:.2f} cores, "
        f"machine {100 * busy / capacity:.0f} % busy",
        flush=True,
    )


def _copies(root: Path) -> int:
    return sum(1 for _ in (root / "out").rglob("*.jpg"))


def _is_whole(copy: Path) -> bool:
    with copy.open("rb") as file:
        start = file.read(2)
        file.seek(-2, os.SEEK_END)
        return start == b"\xff\xd8" and file.read() == b"\xff\xd9"


def _cpu(pid: int) -> float:
    """CPU seconds of a process and its children; 0 for one that has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        threads = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in threads for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu, children))


def _machine() -> tuple[int, int]:
    """Ticks that all cores were busy, and ticks that there were."""
    user, nice, system, idle, waiting, irq, soft, stolen = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    busy = user + nice + system + irq + soft + stolen
    return busy, busy + idle + waiting


if __name__ == "__main__":
    main()
