"""(b) Files of 50 KB over 8 keep-alive connections, each server on one core of its own, wrk on the other."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks import stand

FILES = 200
ROUNDS = 5
SIZE = 50_000
SCRIPT = """
local n = 0
function request()
  n = n + 1
  return wrk.format("GET", PREFIX .. string.format("%04d", n % FILES))
end
"""


def load(server: stand.Server, folder: Path, seconds: int) -> float:
    """Requests a second, all of them answered with 200."""
    script = folder / f"{server.name}.lua"
    script.write_text(f'PREFIX = "{server.prefix}"\nFILES = {FILES}\n{SCRIPT}')
    header = [part for key, value in server.headers.items() for part in ("-H", f"{key}: {value}")]
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c8", f"-d{seconds}s", "-s", script, *header]
    done = subprocess.run([*command, f"http://127.0.0.1:{server.port}"], check=True, capture_output=True, text=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found[1])


def main(quick: bool) -> list[dict[str, object]]:
    seconds = 2 if quick else 5
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        files.mkdir()
        for number in range(FILES):
            stand.make_file(files / f"{number:04}", SIZE)
        with stand.gateway(folder, files) as ours, stand.nginx(folder, files) as theirs:
            rows: list[dict[str, object]] = []
            for server in (theirs, ours):
                server.pin(0)
                load(server, folder, 1)
                rates = [load(server, folder, seconds) for _ in range(ROUNDS)]
                row = {"server": server.name, "requests/s": statistics.median(rates)}
                rows.append({**row, "least": min(rates), "most": max(rates)})
    return rows
