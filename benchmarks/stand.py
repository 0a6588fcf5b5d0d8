"""The test stand: a real gateway and a real nginx that serve the same files on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HUBGATE = Path(sys.executable).with_name("hubgate")
NAME = "bench/files"
WARRANT = """
title = { en = "Bench", zh = "测速" }
class = "public"
lawful_basis = "research"
source = "made by the benchmark"
persons = "none"
licence = "CC0-1.0"
residency = "any"
contact = "bench@example.org"
"""
NGINX = """
user root;
worker_processes 1;
daemon off;
pid nginx.pid;
error_log nginx.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush {nopush};
    keepalive_requests 1000000;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Server:
    """A serving process: where it is, what to send it, and what it has cost."""

    def __init__(self, name: str, pids: list[int], port: int, prefix: str, token: str | None) -> None:
        self.name = name
        self.pids = pids
        self.port = port
        self.prefix = prefix
        self.token = token

    def path(self, file: str) -> str:
        return self.prefix + file

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def cpu_seconds(self) -> float:
        """User and system time of the serving processes so far."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident memory of the serving processes, shared pages counted once for each."""
        kib = 0
        for pid in self.pids:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
        return kib / 1024

    def pin(self, core: int) -> None:
        """Let the serving processes, with all their threads, use this core only."""
        for pid in self.pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})


def machine_cpu_seconds() -> float:
    """Time that all cores together have spent on anything so far."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def gateway(folder: Path, files: Path) -> Iterator[Server]:
    """hubgate with `files` published and accepted; every download is authorised and recorded."""
    data, port = folder / "data", free_port()
    environ = {**os.environ, "HUBGATE_DATA": str(data), "HUBGATE_PREVIEW_WORKERS": "1"}

    def run(*arguments: str) -> str:
        done = subprocess.run([HUBGATE, *arguments], env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip().splitlines()[-1]

    token = run("init")
    (folder / "terms.md").write_text("Measure with it.\n")
    (folder / "warrant.toml").write_text(WARRANT)
    text = str(folder / "terms.md")
    run("terms", "publish", "bench", "--zh", text, "--en", text)
    warrant = str(folder / "warrant.toml")
    version = run("publish", "dataset", NAME, str(files), "--terms", "bench", "--warrant", warrant, "--no-pack")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([HUBGATE, "serve", "--port", str(port)], env=environ, stderr=log)
    try:
        wait_for(port, "/readyz")
        accept(port, token)
        prefix = f"/v1/assets/{NAME}/versions/{version}/files/"
        yield Server("hubgate", [process.pid], port, prefix, token)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def nginx(folder: Path, files: Path, *, nopush: bool = False) -> Iterator[Server]:
    """nginx with one worker and sendfile, open to anyone; `nopush` makes it wait for full segments."""
    port = free_port()
    prefix = folder / ("nopush" if nopush else "nginx")
    prefix.mkdir()
    (prefix / "nginx.conf").write_text(NGINX.format(port=port, root=files, nopush="on" if nopush else "off"))
    process = subprocess.Popen(["nginx", "-c", "nginx.conf", "-p", prefix], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, "/")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield Server("nginx, nopush" if nopush else "nginx", [int(pid) for pid in children], port, "/", None)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def wait_for(port: int, path: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}"):
                return
        except urllib.error.HTTPError as error:
            if error.code in {403, 404}:  # it answers; that is all that was asked
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"nothing serves on port {port}")


def call(port: int, token: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
    """One request of the API."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def accept(port: int, token: str) -> None:
    terms = call(port, token, "/v1/terms/bench")
    body: dict[str, object] = {f"terms_{key}": terms[key] for key in ("id", "version", "sha256")}
    call(port, token, f"/v1/assets/{NAME}/acceptances", {**body, "language": "en", "purpose": "to measure"})


def make_file(path: Path, size: int) -> None:
    """A file that no file system can make smaller."""
    block = os.urandom(1024 * 1024)
    with path.open("wb") as file:
        for start in range(0, size, len(block)):
            file.write(block[: min(len(block), size - start)])
