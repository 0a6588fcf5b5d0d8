"""A person with a client: what they type, and what they read."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.clients.environments import Client

TYPIST = Path(__file__).with_name("typist.py")
COMMAND_S = 120


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it: a value, or an error with its kinds, its text and those of its causes; and what was logged."""

    value: Any = None
    error: tuple[str, ...] = ()
    says: str = ""
    causes: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def all_text(self) -> str:
        """Everything that a person finds by reading the whole of it."""
        return "\n".join([self.says, *self.causes, *self.log])


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and its text with the line breaks of a narrow terminal taken out."""

    status: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        return " ".join((self.output + " " + self.errors).split())


@dataclass(slots=True)
class Person:
    """`types` runs Python in one long session; `runs` starts the client's command anew each time."""

    client: Client
    programs: Path
    environ: Mapping[str, str]
    session: subprocess.Popen[str] | None = field(default=None)

    def types(self, code: str, **names: object) -> Seen:
        if self.session is None or self.session.poll() is not None:
            self.session = subprocess.Popen(
                [self.programs / "python", TYPIST],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=dict(self.environ),
            )
        assert self.session.stdin is not None
        assert self.session.stdout is not None
        self.session.stdin.write(json.dumps({"code": code, "names": names}) + "\n")
        self.session.stdin.flush()
        line = self.session.stdout.readline()
        assert line, f"the session of {self.client} ended while it ran: {code}"
        told = json.loads(line)
        return Seen(
            **{
                key: tuple(value) if isinstance(value, list) and key != "value" else value
                for key, value in told.items()
            }
        )

    def gets(self, code: str, **names: object) -> Any:
        """The value; it must not fail."""
        seen = self.types(code, **names)
        assert not seen.error, f"{seen.error[0]}: {seen.says}\n{seen.causes}"
        return seen.value

    def runs(self, *arguments: str, token: str | None = None, **environ: str) -> Ran:
        own = {**self.environ, **environ, **({} if token is None else {"HF_TOKEN": token})}
        done = subprocess.run(
            [self.programs / self.client.command, *arguments],
            capture_output=True, text=True, env=own, timeout=COMMAND_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def sitting(client: Client, programs: Path, url: str, home: Path) -> Iterator[Person]:
    """A person whose client speaks to `url` and to nothing else, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING", "HUBGATE_"))}
    environ = {
        **kept,
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "COLUMNS": "4000",
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "ignore",
    }
    person = Person(client, programs, environ)
    try:
        yield person
    finally:
        if person.session is not None:
            assert person.session.stdin is not None
            person.session.stdin.close()
            try:
                person.session.wait(20)
            except subprocess.TimeoutExpired:
                person.session.kill()
                person.session.wait()
            assert person.session.stdout is not None
            person.session.stdout.close()
