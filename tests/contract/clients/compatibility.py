"""The table of what works with which client, written by the run that tried it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CLIENT, DOES = "client", "does"
FILE = "compatibility.md"
HEAD = """# What works with which client

Written by `make test-clients` on Python {python}: each row is a test that runs the real client against a real server
and tells what was seen. "yes": seen. "no": tried, it failed. "–": this client has no such thing, or could not be had.
How to set each client up, and what it prints, is in [the guide](../guide/en/clients.md)."""
WORDS = {"passed": "yes", "failed": "no", "skipped": "–"}


def sentence(item: pytest.Item) -> str:
    """The name of the test as a sentence, with what tells it from its like in brackets."""
    name = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
    spec = getattr(item, "callspec", None)
    client = spec.params.get(CLIENT) if spec is not None else None
    kinds = [kind for kind in spec._idlist if kind != str(client)] if spec is not None else []
    return f"{name} ({', '.join(kinds)})" if kinds else name


def note(item: pytest.Item) -> None:
    """Let the report of this test carry home, from another process too, whom and what it tried."""
    spec = getattr(item, "callspec", None)
    client = spec.params.get(CLIENT, "") if spec is not None else ""
    item.user_properties.extend([(CLIENT, str(client)), (DOES, sentence(item))])


@dataclass(slots=True)
class Compatibility:
    """Gathers reports; `text` is the document."""

    cells: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """Test file → sentence → client → outcome; a file that tries one program alone has the client ''."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        noted = dict(report.user_properties)
        if DOES not in noted or (report.when != "call" and report.outcome == "passed"):
            return
        row = self.cells.setdefault(report.nodeid.partition("::")[0], {}).setdefault(str(noted[DOES]), {})
        client = str(noted[CLIENT])
        if row.get(client) != "failed":  # a teardown that passes does not mend a call that failed
            row[client] = report.outcome

    def text(self) -> str:
        parts = [HEAD.format(python=platform.python_version())]
        for file, rows in sorted(self.cells.items()):
            clients = sorted({client for row in rows.values() for client in row}, key=_by_number)
            title = Path(file).stem.removeprefix("test_").replace("_", " ")
            parts.append(f"\n## {title.capitalize()}\n")
            parts.append(_line([" ", *(client or "seen" for client in clients)]))
            parts.append(_line(["---"] * (len(clients) + 1)))
            parts += [
                _line([does, *(WORDS[row.get(client, "skipped")] for client in clients)]) for does, row in rows.items()
            ]
        return "\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _by_number(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", name)]


def write(gathered: Compatibility, folder: Path) -> Path:
    """Put the document there; a run that tried nothing writes nothing over what an earlier one saw."""
    path = folder / FILE
    if gathered.cells:
        path.write_text(gathered.text(), encoding="utf-8")
    return path
