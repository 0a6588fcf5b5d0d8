"""A real gateway in a process of its own, for flow tests: commands, HTTP, and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.builders import warrant

HUBGATE = Path(sys.executable).with_name("hubgate")
START_S = 60.0


def heeds_interrupts() -> None:
    """For a child that will be sent SIGINT: tests that run in a shell's background inherit that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Gateway:
    """An installation in `data`; `serve` runs its server on loopback."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {**os.environ, "LC_ALL": "C.UTF-8", "HUBGATE_DATA": str(data), "HUBGATE_PREVIEW_WORKERS": "1"}
        self.environ.pop("HUBGATE_TOKEN", None)
        self.token = self.run("init").splitlines()[-1]

    def run(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        """The command's output; its exit status must be `status`. A failed command gives what it said on stderr."""
        done = subprocess.run(
            [HUBGATE, *arguments], input=stdin, capture_output=True, text=True, env=self.environ, timeout=120
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return (done.stdout if status == 0 else done.stderr).strip()

    def account(self, name: str, role: str = "researcher") -> str:
        """A new account's token."""
        self.run("account", "create", name, "--role", role)
        return self.run("token", "create", name)

    def terms(self, folder: Path, terms_id: str = "research-use", text: str = "Be kind.", *flags: str) -> None:
        for language in ("en", "zh"):
            (folder / f"{language}.md").write_text(f"{text} ({language})", encoding="utf-8")
        self.run("terms", "publish", terms_id, "--zh", str(folder / "zh.md"), "--en", str(folder / "en.md"), *flags)

    def publish(self, folder: Path, name: str, *flags: str, **keys: object) -> str:
        """The id of the new version."""
        file = folder.parent / f"{name.replace('/', '-')}.toml"
        file.write_text(as_toml(warrant(**keys)), encoding="utf-8")
        output = self.run(
            "publish", "dataset", name, str(folder), "--terms", "research-use", "--warrant", str(file), *flags
        )
        return output.splitlines()[-1]

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server's process; it is ready when the block begins, and killed when it ends."""
        log = (self.data / "server.log").open("ab")
        process = subprocess.Popen(
            [HUBGATE, "serve", "--port", str(self.port)], env=self.environ, stdout=log, stderr=log
        )
        try:
            self._wait_ready(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            log.close()

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert process.poll() is None, (self.data / "server.log").read_text()
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server did not become ready: " + (self.data / "server.log").read_text())

    def client(self, token: str | None = None, **headers: str) -> httpx2.Client:
        sent = {**headers, **({} if token is None else {"authorization": f"Bearer {token}"})}
        return httpx2.Client(base_url=self.url, headers=sent, timeout=30)

    def accept(self, token: str, name: str) -> httpx2.Response:
        """Accept the terms in force, as a reader of them would."""
        with self.client(token) as client:
            terms = client.get(f"/v1/assets/{name}").json()["terms"]
            body = {
                "terms_id": terms["id"],
                "terms_version": terms["version"],
                "terms_sha256": terms["sha256"],
                "language": "en",
                "purpose": "to test",
            }
            return client.post(f"/v1/assets/{name}/acceptances", json=body)


def as_toml(keys: dict[str, object]) -> str:
    """Just enough TOML for a warrant: text, lists of text, and the titles."""
    lines = []
    for key, value in keys.items():
        if isinstance(value, dict):
            inner = ", ".join(f'{k} = "{v}"' for k, v in value.items())
            lines.append(f"{key} = {{ {inner} }}")
        elif value is not None:
            lines.append(f"{key} = {value!r}".replace("'", '"'))
    return "\n".join(lines)
