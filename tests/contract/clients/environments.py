"""Other people's clients, each version in an environment of its own, made on demand by uv and kept between runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

UV = Path(sys.executable).with_name("uv")
MAKE_S = 900


class CannotMake(Exception):
    """The packages cannot be had here; says what uv said."""


@dataclass(frozen=True, slots=True)
class Client:
    """A version of huggingface_hub with the datasets of its time."""

    hub: str
    datasets: str
    others: tuple[str, ...]
    usual: bool  # tried with every run of the suite, not only with all clients

    @property
    def requirements(self) -> tuple[str, ...]:
        return (f"huggingface_hub=={self.hub}", f"datasets=={self.datasets}", "pillow", "pyarrow", *self.others)

    @property
    def command(self) -> str:
        """What its command is called."""
        return "huggingface-cli" if self.hub < "0.34" else "hf"

    def __str__(self) -> str:
        return self.hub


# datasets before 5 cannot read a column of strings as pandas 3 makes it; hub 1.10 forgot to ask for click.
CLIENTS = (
    Client("0.23.5", "2.19.2", ("pandas<3",), usual=False),
    Client("0.30.2", "3.5.1", ("pandas<3",), usual=False),
    Client("0.36.0", "4.4.1", ("pandas<3",), usual=True),
    Client("1.10.0", "5.0.1", ("pandas", "click"), usual=False),
    Client("2.4.0", "5.2.0", ("pandas",), usual=True),
)


def environment(client: Client) -> Path:
    """The folder of programs of the client's environment. Raises CannotMake."""
    return made(client.hub, client.requirements)


def made(name: str, requirements: Sequence[str]) -> Path:
    """The folder of programs of an environment with these packages. Raises CannotMake."""
    base = Path(platformdirs.user_cache_dir("hubgate-tests")) / "clients"
    said = [sys.version, *requirements]
    name = f"{name}-{hashlib.sha256(repr(said).encode()).hexdigest()[:12]}"
    base.mkdir(parents=True, exist_ok=True)
    folder, ready = base / name, base / f"{name}.ready"
    with FileLock(base / f"{name}.lock"):
        if not ready.exists():
            uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
            uv("pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *requirements)
            ready.touch()
    return folder / "bin"


def unpacked(requirement: str, *, python: str, platform: str) -> Path:
    """The files of a package that is made for another machine, for those of them that are plain Python.

    Raises CannotMake.
    """
    base = Path(platformdirs.user_cache_dir("hubgate-tests")) / "unpacked"
    name = hashlib.sha256(repr((requirement, python, platform)).encode()).hexdigest()[:12]
    base.mkdir(parents=True, exist_ok=True)
    folder, ready = base / name, base / f"{name}.ready"
    with FileLock(base / f"{name}.lock"):
        if not ready.exists():
            other = ("--python-version", python, "--python-platform", platform, "--only-binary", ":all:")
            uv("pip", "install", "--quiet", "--no-deps", "--target", str(folder), *other, requirement)
            ready.touch()
    return folder


def uv(*arguments: str) -> None:
    outside = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    if "PIP_FIND_LINKS" in outside:  # packages that lie on this machine
        outside.setdefault("UV_FIND_LINKS", ",".join(outside["PIP_FIND_LINKS"].split()))
    try:
        done = subprocess.run([UV, *arguments], capture_output=True, text=True, env=outside, timeout=MAKE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotMake(str(error)) from error
    if done.returncode != 0:
        raise CannotMake(done.stderr)
