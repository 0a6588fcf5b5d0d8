"""A person at a terminal with programs that know nothing of us: curl, wget, aria2, requests, urllib, pandas."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REQUESTS = """
import requests, sys
answer = requests.get(sys.argv[1])  # finds .netrc by itself
answer.raise_for_status()
open(sys.argv[2], "wb").write(answer.content)
"""
URLLIB = """
import netrc, shutil, sys, urllib.request
_, _, token = netrc.netrc().authenticators("127.0.0.1")
opened = urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Authorization": f"Bearer {token}"}))
whole = int(opened.headers["Content-Length"])
with open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(opened, file)
    assert file.tell() == whole, f"{whole - file.tell()} bytes are missing"
"""
PANDAS = """
import netrc, sys, pandas
_, _, token = netrc.netrc().authenticators("127.0.0.1")
read = pandas.read_csv(sys.argv[1], storage_options={"Authorization": f"Bearer {token}"}, header=None, dtype=str)
read.to_csv(sys.argv[2], index=False, header=False)
"""


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """`fetch(url, file)` is the command; `says`: it shows the words of the status line; `resumes`: from a part."""

    name: str
    fetch: Callable[[str, str], Sequence[str]]
    says: bool
    resumes: bool

    def __str__(self) -> str:
        return self.name


CURL = Program("curl", lambda url, to: ["curl", "-sS", "--fail", "--netrc", "-C", "-", "-o", to, url], False, True)
WGET = Program("wget", lambda url, to: ["wget", "-nv", "-t", "1", "-c", "-O", to, url], True, True)
ARIA2 = Program(
    "aria2c",
    lambda url, to: [
        "aria2c", "--no-conf", "--summary-interval=0", "-c", "-x8", "-s8", "-k1M", "-m1", "-d", os.path.dirname(to),
        "-o", os.path.basename(to), url,
    ],
    False,
    True,
)  # fmt: skip
PYTHONS = tuple(
    Program(name, lambda url, to, code=code: ["python", "-c", code, url, to], True, False)  # type: ignore[misc]
    for name, code in (("requests", REQUESTS), ("urllib", URLLIB), ("pandas", PANDAS))
)
PROGRAMS = (CURL, WGET, ARIA2, *PYTHONS)


class Terminal:
    """A home with a token in `.netrc`, and a folder to work in."""

    def __init__(self, home: Path, token: str, python: Path) -> None:
        self.folder = home
        self._python = python
        secret = home / ".netrc"
        secret.write_text(f"machine 127.0.0.1 login me password {token}\n")
        secret.chmod(0o600)

    def types(self, command: Sequence[str], seconds: float = 60) -> Ran:
        """Run it in the folder; what it prints, on one line."""
        program = str(self._python) if command[0] == "python" else shutil.which(command[0])
        assert program is not None
        own = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "NO_PROXY": "*"}
        done = subprocess.run(
            [program, *command[1:]], cwd=self.folder, env=own, capture_output=True, text=True, timeout=seconds
        )
        return Ran(done.returncode, " ".join(f"{done.stdout} {done.stderr}".split()))
