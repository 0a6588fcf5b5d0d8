"""(d) A fetch beside curl, aria2c and huggingface_hub: one file of 2 GiB, and 10,000 of 50 KB, on disk in the end.

Everybody fetches from the same gateway, in turns; each copy is deleted, and the disk at rest, before the next begins.
Only `hubgate fetch` checks what it got against the published digests; the time for that is in its figures.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from benchmarks import stand
from tests.contract.clients.environments import CLIENTS, CannotMake, environment

GIB = 1024**3
MANY, SIZE = 10_000, 50_000
SNAPSHOT = (
    "import sys, huggingface_hub as h; h.snapshot_download(sys.argv[1], repo_type='dataset', local_dir=sys.argv[2])"
)

Command = Callable[[stand.Server, Path], list[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """What is run, as arguments for a shell; `where` is an empty folder for what comes and whatever is needed."""

    name: str
    command: Command


def hubgate(server: stand.Server, where: Path) -> list[str]:
    return [str(stand.HUBGATE), "fetch", stand.NAME, "--to", str(where / "files")]


def curl(server: stand.Server, where: Path) -> list[str]:
    """All files over eight connections that are kept, as curl's own list asks for."""
    config = where / "config"
    config.write_text("".join(f'url = "{url}"\noutput = "{where / "files" / name}"\n' for name, url in urls(server)))
    header = f"Authorization: Bearer {server.token}"
    parallel = ["--parallel", "--parallel-max", "8"]
    return ["curl", "-sS", "--fail", "--create-dirs", *parallel, "-H", header, "--config", str(config)]


def curl_tar(server: stand.Server, where: Path) -> list[str]:
    archive = f"http://127.0.0.1:{server.port}/v1/assets/{stand.NAME}/versions/main/archive.tar"
    (where / "files").mkdir()
    ask = f"curl -sS --fail -H 'Authorization: Bearer {server.token}' {archive}"
    return ["sh", "-c", f"{ask} | tar x -C {where / 'files'}"]


def aria2c(server: stand.Server, where: Path) -> list[str]:
    listed = where / "list"
    listed.write_text("".join(f"{url}\n  out={name}\n" for name, url in urls(server)))
    streams = ["-x8", "-s8", "-j8", "--file-allocation=none", "--quiet=true", "--console-log-level=error"]
    header = f"--header=Authorization: Bearer {server.token}"
    return ["aria2c", *streams, header, "-d", str(where / "files"), "-i", str(listed)]


def snapshot(server: stand.Server, where: Path) -> list[str]:
    return [str(environment(CLIENTS[-1]) / "python"), "-c", SNAPSHOT, stand.NAME, str(where / "files")]


def urls(server: stand.Server) -> list[tuple[str, str]]:
    page = f"/v1/assets/{stand.NAME}/versions/main/manifest"
    found, cursor = [], ""
    while True:
        answer = stand.call(server.port, server.token or "", page + cursor)
        for item in answer["items"]:  # type: ignore[attr-defined]
            if item["path"] != "README.md":
                found.append((item["path"], f"http://127.0.0.1:{server.port}{server.path(item['path'])}"))
        if not answer.get("next"):
            return found
        cursor = f"?cursor={answer['next']}"


def run(client: Client, server: stand.Server, base: Path, files: int) -> tuple[float, float, float]:
    """Seconds, CPU seconds of the client, and the most MiB that one process of it had resident."""
    where = base / "where"
    where.mkdir()
    command = client.command(server, where)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(where / "home"),
        "HF_HOME": str(where / "hf"),
        "HF_ENDPOINT": f"http://127.0.0.1:{server.port}",
        "HF_TOKEN": server.token or "",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HUBGATE_HOME": str(where / "home"),
        "HUBGATE_URL": f"http://127.0.0.1:{server.port}",
        "HUBGATE_TOKEN": server.token or "",
        "LC_ALL": "C.UTF-8",
    }
    os.sync()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = threading.Thread(target=watch, args=(process.pid, seen := [0.0]))
    most.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    most.join()
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    came = sum(1 for path in (where / "files").rglob("*") if path.is_file() and ".cache" not in path.parts)
    if process.returncode or came < files:
        raise RuntimeError(f"{client.name}: status {process.returncode}, {came} of {files} files: {said[-500:]}")
    shutil.rmtree(where)
    return seconds, used.ru_utime + used.ru_stime, max(seen)


def watch(pid: int, seen: list[float]) -> None:
    """The most MiB that the process ever had resident. What wait4 tells counts the parent too, before the exec."""
    while True:
        try:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    seen.append(int(line.split()[1]) / 1024)
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.02)


def measure(clients: list[Client], make: Callable[[Path], int], rounds: int) -> dict[str, tuple[float, float, float]]:
    """The medians of each client; they take turns in each round."""
    found: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        files.mkdir()
        count = make(files)
        with stand.gateway(folder, files) as server:
            for _ in range(rounds):
                for client in clients:
                    found[client.name].append(run(client, server, folder, count))
                    print(f"  {client.name}: {found[client.name][-1][0]:.2f} s", file=sys.stderr, flush=True)
    return {
        name: (statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs), max(r[2] for r in runs))
        for name, runs in found.items()
    }


def one_large(size: int) -> Callable[[Path], int]:
    def make(files: Path) -> int:
        stand.make_file(files / "large.bin", size)
        return 1

    return make


def many_small(count: int) -> Callable[[Path], int]:
    def make(files: Path) -> int:
        for number in range(count):
            path = files / f"{number // 1000:02}" / f"{number:05}.bin"
            path.parent.mkdir(exist_ok=True)
            stand.make_file(path, SIZE)
        return count

    return make


def main(quick: bool) -> list[dict[str, object]]:
    ours, single = Client("hubgate fetch", hubgate), [Client("curl", curl), Client("aria2c", aria2c)]
    others = [client for client in single if shutil.which(client.name)]
    try:
        environment(CLIENTS[-1])
        others.append(Client(f"snapshot_download {CLIENTS[-1]}", snapshot))
    except CannotMake as error:
        print(f"without huggingface_hub: {error}", file=sys.stderr)
    count, large = (2000, GIB // 4) if quick else (MANY, 2 * GIB)
    rows: list[dict[str, object]] = []
    sets = (
        (f"1 x {large / GIB:g} GiB", one_large(large), [ours, *others], large / 1e6, "MB/s"),
        (f"{count:,} x 50 KB", many_small(count), [ours, Client("curl | tar", curl_tar), *others], count, "files/s"),
    )
    for label, make, clients, amount, unit in sets:
        medians = measure(clients, make, 1 if quick else 3)
        fastest = medians[ours.name][0]
        for name, (seconds, cpu, memory) in medians.items():
            rows.append(
                {
                    "what": label,
                    "client": name,
                    "seconds": seconds,
                    "rate": f"{amount / seconds:,.0f} {unit}",
                    "hubgate is faster by": f"{seconds / fastest:.2f}",
                    "client CPU-s": cpu,
                    "peak MiB": memory,
                }
            )
    return rows
