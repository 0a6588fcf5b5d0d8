"""Run every benchmark, print one table each, and write artefacts/benchmarks.json with the machine's facts.

python -m benchmarks.run [--quick] [NAME ...]
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from benchmarks import blur, cut, download, fetch, hub, notices, small_files

TABLES = {
    "download": ("Large downloads beside nginx (medians)", download.main),
    "small_files": ("50 KB files, 8 connections, one core", small_files.main),
    "hub": (f"{hub.FILES} files of 50 KB by the Hub's client {hub.CLIENT} (medians)", hub.main),
    "fetch": ("hubgate fetch beside curl, aria2c and huggingface_hub (medians)", fetch.main),
    "notices": ("Calling back from many holders", notices.main),
    "cut": ("One revocation while streams run, and the server's memory", cut.main),
}


def table(rows: list[dict[str, object]]) -> str:
    """The rows as lines of columns."""
    names = list(rows[0])
    cells = [names] + [
        [
            f"{v:.3g}" if isinstance(v, float) and v < 100 else f"{v:,.0f}" if isinstance(v, float) else str(v)
            for v in row.values()
        ]
        for row in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def machine() -> dict[str, object]:
    """What the figures depend on: cores (shared by client and server), processor, memory and versions."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip()
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine() if processor is None else processor[1],
        "memory GiB": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": nginx.rpartition("/")[2],
    }


def main() -> None:
    quick = "--quick" in sys.argv
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or [*TABLES, "blur"]
    results: dict[str, object] = {"machine": machine(), "quick": quick}
    for name in wanted:
        if name == "blur":
            blur.main(quick)
            continue
        title, measure = TABLES[name]
        rows = measure(quick)
        results[name] = rows
        print(f"\n{title}\n{table(rows)}\n", flush=True)
    artefacts = Path("artefacts")
    artefacts.mkdir(exist_ok=True)
    (artefacts / "benchmarks.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
