"""What a run over a folder has to do and has done, kept in a file: a run that was killed goes on, a second one rests.

The file is an SQLite database: each line of it is there whole or not at all, and a million lines need no memory.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from faceguard.bulk.walk import Found

_SCHEMA = """
CREATE TABLE IF NOT EXISTS picture (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    run INTEGER NOT NULL,   -- the last one that saw it
    place BLOB UNIQUE,      -- of its copy; kept for good, so that no two pictures ever share one
    settings TEXT,          -- those that the outcome was made with; NULL: to be done
    outcome TEXT            -- JSON
) WITHOUT ROWID
"""
_OF = "CREATE TABLE IF NOT EXISTS of_folder (path BLOB PRIMARY KEY)"
_SEE = """
INSERT INTO picture (path, size, mtime_ns, run) VALUES (?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    run = excluded.run,
    settings = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns THEN settings END,
    size = excluded.size,
    mtime_ns = excluded.mtime_ns
"""
_AT_ONCE = 1000

Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A picture of the journal. place: of its copy. outcome: what came of it the last time, or None."""

    path: str
    place: str
    outcome: Outcome | None


class OtherFolder(Exception):
    """The journal is that of another folder, which the message names: its copies would pass for this one's."""


class Journal:
    """One folder's journal. Used by one thread; raises sqlite3.Error when the file cannot be read or written.

    source: the folder. Raises OtherFolder when the journal is of another.
    settings: whatever an outcome hangs on besides the picture; an outcome of others is as if there were none.
    free: whether a place may be used at all, as far as the folders are concerned.
    """

    def __init__(
        self, file: Path, source: Path, settings: str, free: Callable[[str], bool] = lambda place: True
    ) -> None:
        self._settings = settings
        self._free = free
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # a kill loses nothing, a power cut at most the last few lines
        self._db.execute(_SCHEMA)
        self._db.execute(_OF)
        known = self._db.execute("SELECT path FROM of_folder").fetchone()
        if known is None:
            self._db.execute("INSERT INTO of_folder VALUES (?)", (os.fsencode(source),))
        elif known[0] != os.fsencode(source):
            self._db.close()
            raise OtherFolder(os.fsdecode(known[0]))
        self._run = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def see(self, found: Iterable[Found]) -> int:
        """Note what is in the folder now, and give how many pictures that are."""
        (last,) = self._db.execute("SELECT coalesce(max(run), 0) FROM picture").fetchone()
        self._run = last + 1
        self._db.execute("BEGIN")
        self._db.executemany(_SEE, ((os.fsencode(one.path), one.size, one.mtime_ns, self._run) for one in found))
        self._db.execute("COMMIT")
        (pictures,) = self._db.execute("SELECT count(*) FROM picture WHERE run = ?", (self._run,)).fetchone()
        return int(pictures)

    def to_do(self, holds: Callable[[Line], bool], on_rest: Callable[[], None]) -> Iterator[Line]:
        """Pictures seen that are still to be done, in the order of their paths; each has its place.

        holds: whether the outcome of a picture that is done still holds; if so ``on_rest`` is called instead.
        """
        for path, place, settings, outcome in self._rows("run = ?"):
            line = Line(os.fsdecode(path), os.fsdecode(place or self._placed(path)), _read(outcome))
            if settings == self._settings and holds(line):
                on_rest()
            else:
                yield line

    def record(self, line: Line, outcome: Outcome, *, final: bool) -> None:
        """Durable on return as far as a kill goes. What is not final will be tried again by the next run."""
        self._db.execute(
            "UPDATE picture SET settings = ?, outcome = ? WHERE path = ?",
            (self._settings if final else None, json.dumps(outcome), os.fsencode(line.path)),
        )

    def outcomes(self) -> Iterator[Line]:
        """Pictures of this run with an outcome, in the order of their paths."""
        return self._lines("run = ? AND outcome IS NOT NULL")

    def unseen(self) -> Iterator[Line]:
        """Pictures of earlier runs with an outcome that this one has not seen, in the order of their paths."""
        return self._lines("run < ? AND outcome IS NOT NULL")

    def _lines(self, condition: str) -> Iterator[Line]:
        for path, place, _, outcome in self._rows(condition):
            yield Line(os.fsdecode(path), os.fsdecode(place or b""), _read(outcome))

    def _rows(self, condition: str) -> Iterator[tuple[bytes, bytes | None, str | None, str | None]]:
        after = b""
        query = (
            "SELECT path, place, settings, outcome FROM picture "  # noqa: S608  the condition is one of our own three
            f"WHERE {condition} AND path > ? ORDER BY path LIMIT {_AT_ONCE}"
        )
        while rows := self._db.execute(query, (self._run, after)).fetchall():
            yield from rows
            after = rows[-1][0]

    def _placed(self, path: bytes) -> bytes:
        """A place for the copy that no other picture has or had: the ending becomes .jpg, or .jpg is put behind it."""
        stem, _ = os.path.splitext(path)
        numbered = (b"%s.%d.jpg" % (path, number) for number in count(2))
        for place in chain((stem + b".jpg", path + b".jpg"), numbered):
            if self._free(os.fsdecode(place)):
                changed = self._db.execute("UPDATE OR IGNORE picture SET place = ? WHERE path = ?", (place, path))
                if changed.rowcount:
                    return place
        raise AssertionError("unreachable: numbers do not end")


def _read(outcome: str | None) -> Outcome | None:
    return None if outcome is None else json.loads(outcome)
