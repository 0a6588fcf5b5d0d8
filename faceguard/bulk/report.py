"""What a run tells when it has ended: how much was done, and every picture that a person should look at."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from faceguard.bulk.journal import Journal, Line, Outcome
from faceguard.bulk.place import writing

MUCH = 0.5
"""A preview of which more than this share is covered is worth a look: a cover may have grown too large."""


@dataclass(slots=True)
class Tally:
    """How far a run is. found: pictures in the folder. rested: done by an earlier run. shown, refused: by this one.

    withheld, unsure: of all that were found, those without a copy, and those that the report names; known when it is
    written.
    """

    found: int = 0
    rested: int = 0
    shown: int = 0
    refused: int = 0
    withheld: int = 0
    unsure: int = 0
    began: float = field(default_factory=time.monotonic)

    def facts(self) -> dict[str, object]:
        """For the report, with the time from the start of the run until now."""
        seconds = time.monotonic() - self.began
        done = self.shown + self.refused
        return {
            "found": self.found,
            "done_before": self.rested,
            "shown": self.shown,
            "refused": self.refused,
            "seconds": round(seconds, 1),
            "pictures_per_second": round(done / seconds, 2) if seconds else 0.0,
        }


def doubts(outcome: Outcome) -> list[str]:
    """Why a person should look at a picture with this outcome; empty when faceguard was sure of it."""
    found = {
        "refused": "why" in outcome,
        "unread": "trouble" in outcome,
        "much_covered": outcome.get("covered", 0) >= MUCH,
        "alarmed": outcome.get("alarms", 0) > 0,
    }
    return [name for name, there in found.items() if there]


def write_report(
    file: Path,
    journal: Journal,
    settings: Mapping[str, object],
    tally: Tally,
    has_no_original: Callable[[Line], bool],
) -> None:
    """Write the report as JSON, all at once; pictures of earlier runs that still stand are in it. Raises OSError.

    has_no_original: whether a picture that this run has not seen is gone while its copy is there.
    Its lists are written line by line: a report on a million pictures needs no memory either.
    """
    alone = ({"path": line.path, "copy": line.place} for line in journal.unseen() if has_no_original(line))
    counted = Counter(why for entry in _unsure(journal) for why in entry["doubts"])
    tally.withheld = counted["refused"] + counted["unread"]
    tally.unsure = sum(1 for _ in _unsure(journal))
    facts = {"settings": settings, "this_run": tally.facts(), "doubts": counted}
    with writing(file, file.parent) as sink:
        sink.write(b"{\n")
        for key, value in facts.items():
            sink.write(f' "{key}": {json.dumps(value)},\n'.encode())
        _write_list(sink, "unsure", _unsure(journal))
        sink.write(b",\n")
        _write_list(sink, "without_original", alone)
        sink.write(b"\n}\n")


def _write_list(sink: BinaryIO, name: str, entries: Iterable[dict[str, Any]]) -> None:
    sink.write(f' "{name}": ['.encode())
    comma = b"\n  "
    for entry in entries:
        sink.write(comma + json.dumps(entry).encode())
        comma = b",\n  "
    sink.write(b"\n ]")


def _unsure(journal: Journal) -> Iterator[dict[str, Any]]:
    for line in journal.outcomes():
        outcome = line.outcome or {}
        why = doubts(outcome)
        if why:
            copy = {"copy": line.place} if "bytes" in outcome else {}
            yield {"path": line.path, **copy, "doubts": why, **outcome}
