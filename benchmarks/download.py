"""(a) Large downloads: one of 1 GiB, and 8 of 256 MiB at once. GB/s and the server's CPU seconds for a GiB."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import stand

GIB = 1024**3


def fetch(server: stand.Server, file: str, count: int) -> float:
    """Seconds until `count` curls at once have all of it."""
    header = [part for key, value in server.headers.items() for part in ("-H", f"{key}: {value}")]
    url = f"http://127.0.0.1:{server.port}{server.path(file)}"
    began = time.perf_counter()
    clients = [subprocess.Popen(["curl", "-sf", "-o", "/dev/null", *header, url]) for _ in range(count)]
    if any(client.wait() for client in clients):
        raise RuntimeError(f"a download from {server.name} failed")
    return time.perf_counter() - began


def main(quick: bool) -> list[dict[str, object]]:
    rounds = 2 if quick else 5
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        files.mkdir()
        stand.make_file(files / "large", GIB)
        stand.make_file(files / "middle", GIB // 4)
        with stand.gateway(folder, files) as ours, stand.nginx(folder, files) as theirs:
            for label, file, count, size in (("1 x 1 GiB", "large", 1, GIB), ("8 x 256 MiB", "middle", 8, 2 * GIB)):
                best: dict[str, tuple[float, float]] = {}
                for _ in range(rounds):
                    for server in (theirs, ours):
                        cpu = server.cpu_seconds()
                        seconds = fetch(server, file, count)
                        cost = (server.cpu_seconds() - cpu) / (size / GIB)
                        speed = size / seconds / 1e9
                        before = best.get(server.name, (0.0, 1e9))
                        best[server.name] = (max(speed, before[0]), min(cost, before[1]))
                for key in ("nginx", "hubgate"):
                    rows.append({"what": label, "server": key, "GB/s": best[key][0], "CPU-s/GiB": best[key][1]})
                speed, cost = (best["hubgate"][i] / best["nginx"][i] for i in (0, 1))
                rows.append({"what": label, "server": "ratio", "GB/s": speed, "CPU-s/GiB": cost})
    return rows
