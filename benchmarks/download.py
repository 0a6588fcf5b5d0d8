"""(a) Large downloads: one of 1 GiB, and 8 of 256 MiB at once. GB/s and the CPU seconds for a GiB.

On loopback the kernel does the receiver's work in whichever process gave rise to it, so a server's own CPU time says
less than that of the whole machine, which counts server, client and kernel.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks import stand

GIB = 1024**3
COLUMNS = ("GB/s", "server CPU-s/GiB", "machine CPU-s/GiB")


def fetch(server: stand.Server, file: str, count: int) -> float:
    """Seconds until `count` curls at once have all of it."""
    header = [part for key, value in server.headers.items() for part in ("-H", f"{key}: {value}")]
    url = f"http://127.0.0.1:{server.port}{server.path(file)}"
    began = time.perf_counter()
    clients = [subprocess.Popen(["curl", "-sf", "-o", "/dev/null", *header, url]) for _ in range(count)]
    statuses = [client.wait() for client in clients]
    if any(statuses):
        raise RuntimeError(f"a download from {server.name} failed")
    return time.perf_counter() - began


def measure(server: stand.Server, file: str, count: int, size: int) -> tuple[float, float, float]:
    """One round, a value for each of the columns."""
    own, machine = server.cpu_seconds(), stand.machine_cpu_seconds()
    seconds = fetch(server, file, count)
    gib = size / GIB
    return (
        size / seconds / 1e9,
        (server.cpu_seconds() - own) / gib,
        (stand.machine_cpu_seconds() - machine) / gib,
    )


def main(quick: bool) -> list[dict[str, object]]:
    """The median of the rounds; the servers take turns in each."""
    rounds = 3 if quick else 11
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        files.mkdir()
        stand.make_file(files / "large", GIB)
        stand.make_file(files / "middle", GIB // 4)
        with (
            stand.gateway(folder, files) as ours,
            stand.nginx(folder, files) as theirs,
            stand.nginx(folder, files, nopush=True) as corked,
        ):
            for label, file, count, size in (("1 x 1 GiB", "large", 1, GIB), ("8 x 256 MiB", "middle", 8, 2 * GIB)):
                found: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
                for _ in range(rounds):
                    for server in (theirs, corked, ours):
                        found[server.name].append(measure(server, file, count, size))
                medians = {
                    server: [statistics.median(column) for column in zip(*values, strict=True)]
                    for server, values in found.items()
                }
                for key, values in medians.items():
                    rows.append({"what": label, "server": key, **dict(zip(COLUMNS, values, strict=True))})
                for other in (theirs, corked):
                    ratios = [a / b for a, b in zip(medians[ours.name], medians[other.name], strict=True)]
                    key = f"{ours.name} : {other.name}"
                    rows.append({"what": label, "server": key, **dict(zip(COLUMNS, ratios, strict=True))})
    return rows
