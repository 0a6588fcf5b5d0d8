"""(d) The Hub's client against one stream: many small files loose, the same packed, and HEAD+GET pairs on one core."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import stand
from tests.contract.clients.environments import CLIENTS, environment

FILES, SIZE, ROUNDS = 2_000, 50_000, 3
# One client with its eight workers, which the disk's flushes keep waiting at times, and four such clients at once.
CONNECTIONS = (8, 32)
CLIENT = CLIENTS[-1]
# What the client itself sends with each request, taken from one that it sent.
OFFICIAL = {
    "User-Agent": f"unknown/None; hf_hub/{CLIENT.hub}; python/3.11.7",
    "X-Amzn-Trace-Id": "4ba1b0f9-5c53-4b4c-9a8c-5a2a1ff6a1a5",
    "Accept": "*/*",
}
SNAPSHOT = """
import json, sys, time
import httpx2, huggingface_hub
from huggingface_hub.utils import disable_progress_bars
name, pattern, cache, token = sys.argv[1:]
asked = 0
def count(request):
    global asked
    asked += 1
disable_progress_bars()
huggingface_hub.set_client_factory(
    lambda: httpx2.Client(event_hooks={"request": [count]}, follow_redirects=True, timeout=None)
)
begun = time.perf_counter()
huggingface_hub.snapshot_download(name, repo_type="dataset", allow_patterns=pattern, cache_dir=cache, token=token)
print(json.dumps({"seconds": time.perf_counter() - begun, "requests": asked}))
"""

Row = dict[str, object]


def snapshot(server: stand.Server, pattern: str, cache: Path) -> tuple[float, int]:
    """Seconds and requests of one snapshot_download into an empty cache; the interpreter's start is not counted."""
    environ = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.port}",
        "HF_HOME": str(cache / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [environment(CLIENT) / "python", "-c", SNAPSHOT, stand.NAME, pattern, cache / "hub", server.token or ""]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    return float(said["seconds"]), int(said["requests"])


def stream(server: stand.Server, folder: Path) -> tuple[float, int]:
    """Seconds of `curl | tar x` of the same files, in one request."""
    folder.mkdir()
    archive = f"http://127.0.0.1:{server.port}{server.prefix.removesuffix('files/')}archive.tar?include=loose/*"
    begun = time.perf_counter()
    curl = subprocess.Popen(
        ["curl", "-sSf", "-H", f"Authorization: Bearer {server.token}", archive], stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", folder], stdin=curl.stdout, check=True)
    if curl.wait():
        raise RuntimeError("curl failed")
    return time.perf_counter() - begun, 1


def taken(server: stand.Server, name: str, folder: Path, one: Callable[[Path], tuple[float, int]]) -> Row:
    """One way of getting all files, several times, each copy deleted before the next."""
    seconds, asked, cpu = [], 0, server.cpu_seconds()
    for _ in range(ROUNDS):
        each, requests = one(folder / "copy")
        seconds.append(each)
        asked += requests
        _whole(folder / "copy")
        shutil.rmtree(folder / "copy")
    spent = server.cpu_seconds() - cpu
    middle = statistics.median(seconds)
    return {
        "way": name,
        "seconds": middle,
        "files/s": FILES / middle,
        "requests/file": asked / ROUNDS / FILES,
        "server CPU ms/request": spent / asked * 1e3,
        "server CPU ms/file": spent / ROUNDS / FILES * 1e3,
    }


def _whole(folder: Path) -> None:
    """Raises RuntimeError unless every byte of the set is below the folder."""
    got = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if got < FILES * SIZE:
        raise RuntimeError(f"{got} bytes of {FILES * SIZE}")


def pairs(server: stand.Server, connections: int, seconds: float) -> float:
    """HEAD+GET pairs a second over so many connections, with the headers of the client.

    From a process of its own on the second core; wrk cannot do it, for it waits for the body of a HEAD.
    """
    prefix = f"/datasets/{stand.NAME}/resolve/main/loose/"
    sent = {"Host": f"127.0.0.1:{server.port}", **OFFICIAL, **server.headers}
    told = {"port": server.port, "prefix": prefix, "headers": sent, "files": FILES}
    given = json.dumps({**told, "connections": connections, "seconds": seconds})
    command = ["taskset", "-c", "1", sys.executable, "-m", "benchmarks.pairs", given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        (files / "loose").mkdir(parents=True)
        (files / "packed").mkdir()
        with tarfile.open(files / "packed" / "000.tar", "w") as shard:
            for number in range(FILES):
                path = files / "loose" / f"{number:04}"
                stand.make_file(path, SIZE)
                shard.add(path, f"{number:04}.bin")
        with stand.gateway(folder, files) as server:
            rows = [
                taken(server, "curl | tar x of the archive", folder, lambda to: stream(server, to)),
                taken(server, "snapshot_download, packed", folder, lambda to: snapshot(server, "packed/*", to)),
                taken(server, "snapshot_download, loose", folder, lambda to: snapshot(server, "loose/*", to)),
            ]
            base = float(str(rows[0]["seconds"]))
            for row in rows:
                row["times curl | tar"] = float(str(row["seconds"])) / base
            rates: dict[int, list[float]] = {connections: [] for connections in CONNECTIONS}
            server.pin(0)
            pairs(server, CONNECTIONS[0], 1)
            for _ in range(ROUNDS):
                for connections in CONNECTIONS:
                    rates[connections].append(pairs(server, connections, 2 if quick else 5))
        for connections, found in rates.items():
            middle, least, most = statistics.median(found), min(found), max(found)
            print(f"HEAD+GET pairs/s on one core, {connections} connections: {middle:,.0f} ({least:,.0f}–{most:,.0f})")
    return rows
