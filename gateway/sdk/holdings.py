"""What this machine holds: the one record of every copy that the SDK made, on disk before the copy has its name.

A copy that is listed may be absent, when a fetch was cut short; a copy that is there is always listed:
recalls rely on it. So a place has a line for each version that may stand there, until it is known which one does.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.sdk.errors import Misused
from gateway.sdk.logins import HOLDINGS

FORMAT = 3
BUSY_S = 60.0
_ASIDE, _GOING = 1, 2
FILE, EXTRACTED, UNFINISHED = "file", "extracted", "unfinished"
"""Kinds of copies; an unfinished one is a file that an extraction has not named yet, and has no digest of its own."""

# SQLite's default journal and not WAL: homes lie on network file systems too.
SCHEMA = """
CREATE TABLE versions (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, asset TEXT NOT NULL, version TEXT NOT NULL, UNIQUE (url, version));
CREATE TABLE contents (
  version_id INTEGER NOT NULL REFERENCES versions, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (sha256, version_id)) WITHOUT ROWID;
CREATE TABLE folders (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE copies (
  id INTEGER PRIMARY KEY, version_id INTEGER NOT NULL REFERENCES versions, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  content TEXT NOT NULL, kind TEXT NOT NULL, folder_id INTEGER NOT NULL REFERENCES folders, path TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, UNIQUE (folder_id, path, version_id, content));
CREATE INDEX copies_by_item ON copies (sha256);
CREATE INDEX copies_by_content ON copies (content);
CREATE TABLE gateways (url TEXT PRIMARY KEY, origin TEXT NOT NULL, serial INTEGER NOT NULL, keys TEXT NOT NULL);
CREATE TABLE installs (
  url TEXT NOT NULL, account TEXT NOT NULL, seed BLOB NOT NULL, token TEXT, PRIMARY KEY (url, account));
CREATE TABLE feeds (
  url TEXT NOT NULL, account TEXT NOT NULL, through INTEGER NOT NULL, issued TEXT NOT NULL, looked_at REAL NOT NULL,
  PRIMARY KEY (url, account));
CREATE TABLE notices (
  url TEXT NOT NULL, account TEXT NOT NULL, seq INTEGER NOT NULL, notice TEXT NOT NULL, payload BLOB NOT NULL,
  digests BLOB, state TEXT NOT NULL, results TEXT, nonce TEXT, PRIMARY KEY (url, account, seq));
CREATE TABLE told (
  version_id INTEGER NOT NULL REFERENCES versions, credential TEXT NOT NULL, items TEXT NOT NULL,
  PRIMARY KEY (version_id, credential, items)) WITHOUT ROWID;
"""

# In format 1 a place had one line, which a fetch overwrote before its file was there. In format 2 nobody noted which
# items the gateway knows that somebody here holds.
UPGRADES = {
    1: """
ALTER TABLE copies RENAME TO former;
DROP INDEX copies_by_item;
DROP INDEX copies_by_content;
CREATE TABLE copies (
  id INTEGER PRIMARY KEY, version_id INTEGER NOT NULL REFERENCES versions, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  content TEXT NOT NULL, kind TEXT NOT NULL, folder_id INTEGER NOT NULL REFERENCES folders, path TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, UNIQUE (folder_id, path, version_id, content));
INSERT INTO copies SELECT * FROM former;
DROP TABLE former;
CREATE INDEX copies_by_item ON copies (sha256);
CREATE INDEX copies_by_content ON copies (content);
""",
    2: """
CREATE TABLE told (
  version_id INTEGER NOT NULL REFERENCES versions, credential TEXT NOT NULL, items TEXT NOT NULL,
  PRIMARY KEY (version_id, credential, items)) WITHOUT ROWID;
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One file that holds bytes of a version.

    `sha256` is the digest of the item that it came as or from, `content` that of the file's own bytes: another one when
    the file was extracted from an archive. `kind` is FILE, EXTRACTED or UNFINISHED. `aside`: in quarantine; `going`: a
    recall is about to delete it.
    """

    id: int
    url: str
    asset: str
    version: str
    sha256: str
    content: str
    size: int
    kind: str
    folder: str
    path: str
    aside: bool
    going: bool

    @property
    def place(self) -> Path:
        return Path(self.folder, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCopy:
    """A copy that is about to be made: `path` below the folder, with slashes."""

    path: str
    sha256: str
    size: int
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A content of the store, as one version that it came as."""

    url: str
    asset: str
    version: str
    sha256: str
    size: int
    aside: bool
    going: bool


_COPY = (
    "SELECT c.id, v.url, v.asset, v.version, c.sha256, c.content, c.size, c.kind, f.path, c.path, c.state FROM copies c"
    " JOIN versions v ON v.id = c.version_id JOIN folders f ON f.id = c.folder_id"
)
_KEPT = (
    "SELECT v.url, v.asset, v.version, c.sha256, c.size, c.state FROM contents c JOIN versions v ON v.id = c.version_id"
)
_MANY = 500  # digests asked for at once


class Holdings:
    """The record below a home. May be used by several threads and processes; every method is one transaction."""

    def __init__(self, home: Path) -> None:
        """Opens the record, and makes it when absent. Raises Misused when it cannot be read as one."""
        self.path = home / HOLDINGS
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made by hand first, so that it is its owner's alone from the first byte: it holds private keys.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.RLock()
        self._db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA synchronous = FULL")
            (made,) = self._db.execute("PRAGMA user_version").fetchone()
            if made > FORMAT:
                raise Misused("record-newer", path=self.path)
            if made != FORMAT:
                self._make()
        except sqlite3.OperationalError as error:  # a full disk, or one that fails: the record itself is sound
            self._db.close()
            raise Misused("record-failed", path=self.path, why=str(error)) from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise Misused("record-unreadable", path=self.path) from error
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def existing(cls, home: Path) -> "Holdings | None":
        """The record when there is one: looking must not make any."""
        return cls(home) if (home / HOLDINGS).exists() else None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends; nothing of it when the block raises.

        Raises Misused when the record cannot be written.
        """
        with self._lock, self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has undone it already
                    self._db.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock, self._told():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Misused("record-failed", path=self.path, why=str(error)) from error

    def expect(
        self, url: str, asset: str, version: str, folder: Path, copies: Sequence[NewCopy], *, kind: str = FILE
    ) -> None:
        """These copies are about to be made below the folder; with kind FILE their contents go to the store too.

        What was listed in the same places stays so until `settle`: nobody knows yet which of them will stand there.
        """
        with self.writing() as db:
            version_id = _version_id(db, url, asset, version)
            folder_id = _folder_id(db, folder)
            if kind == FILE:
                db.executemany(
                    "INSERT INTO contents (version_id, sha256, size) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET state = 0",
                    ((version_id, copy.sha256, copy.size) for copy in copies),
                )
            if kind == UNFINISHED:  # places of our own, which are used over and over
                db.executemany(
                    "DELETE FROM copies WHERE folder_id = ? AND path = ?", ((folder_id, copy.path) for copy in copies)
                )
            db.executemany(
                "INSERT INTO copies (version_id, sha256, size, content, kind, folder_id, path)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folder_id, path, version_id, content) DO UPDATE SET"
                " sha256 = excluded.sha256, size = excluded.size, kind = excluded.kind, state = 0",
                ((version_id, c.sha256, c.size, c.content, kind, folder_id, c.path) for c in copies),
            )

    def settle(self, url: str, asset: str, version: str, folder: Path, copies: Sequence[NewCopy]) -> None:
        """These copies have their names now: whatever else was listed in their places is gone.

        But for what lies in quarantine, which has left its place.
        """
        with self.writing() as db:
            version_id = _version_id(db, url, asset, version)
            folder_id = _folder_id(db, folder)
            db.executemany(
                "DELETE FROM copies WHERE folder_id = ? AND path = ? AND NOT (version_id = ? AND content = ?)"
                " AND state != ?",
                ((folder_id, copy.path, version_id, copy.content, _ASIDE) for copy in copies),
            )

    def contested(self) -> dict[int, list[str]]:
        """By copy: the other contents that may stand in its place. Empty, unless a fetch was cut short."""
        query = (
            "SELECT mine.id, other.content FROM copies mine JOIN copies other USING (folder_id, path)"
            " WHERE mine.content != other.content"
        )
        found: dict[int, list[str]] = {}
        for copy, content in self.rows(query):
            found.setdefault(int(str(copy)), []).append(str(content))
        return found

    def expect_content(self, url: str, asset: str, version: str, contents: Iterable[tuple[str, int]]) -> None:
        """These contents (sha256, size) are about to come to the store, and to no folder."""
        with self.writing() as db:
            version_id = _version_id(db, url, asset, version)
            db.executemany(
                "INSERT INTO contents (version_id, sha256, size) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = 0",
                ((version_id, sha256, size) for sha256, size in contents),
            )

    def is_told(self, url: str, asset: str, version: str, credential: str, items: str) -> bool:
        """Whether the gateway knows that whoever has the credential holds these items of the version."""
        query = (
            "SELECT 1 FROM told JOIN versions v ON v.id = version_id"
            " WHERE v.url = ? AND v.asset = ? AND v.version = ? AND credential = ? AND items = ?"
        )
        return bool(self.rows(query, url, asset, version, credential, items))

    def tell(self, url: str, asset: str, version: str, credential: str, items: str) -> None:
        """The gateway knows that."""
        with self.writing() as db:
            row = (_version_id(db, url, asset, version), credential, items)
            db.execute("INSERT INTO told (version_id, credential, items) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)

    def copies(self, url: str | None = None) -> list[Copy]:
        """All copies, those of one gateway with `url`, in order of folder and path."""
        order = " ORDER BY f.path, c.path"
        if url is None:
            return [_copy(row) for row in self.rows(_COPY + order)]
        return [_copy(row) for row in self.rows(f"{_COPY} WHERE v.url = ?{order}", url)]

    def contents(self, url: str | None = None) -> list[Kept]:
        """All contents of the store, once for each version that they came as."""
        if url is None:
            return [_kept(row) for row in self.rows(_KEPT)]
        return [_kept(row) for row in self.rows(f"{_KEPT} WHERE v.url = ?", url)]

    def copies_of(self, url: str, versions: Iterable[str], digests: Sequence[str]) -> list[Copy]:
        """The copies that came as one of the versions and are, or are from, one of the digests."""
        wanted = frozenset(versions)
        found: dict[int, Copy] = {}
        for marks, some in _chunks(digests):
            query = f"{_COPY} WHERE c.sha256 IN ({marks}) UNION {_COPY} WHERE c.content IN ({marks})"
            for row in self.rows(query, *some, *some):
                copy = _copy(row)
                if copy.url == url and copy.version in wanted:
                    found[copy.id] = copy
        return [found[key] for key in sorted(found)]

    def contents_of(self, digests: Sequence[str]) -> list[Kept]:
        """The contents of the store with one of the digests, as whatever they came."""
        found: list[Kept] = []
        for marks, some in _chunks(digests):
            found += [_kept(row) for row in self.rows(f"{_KEPT} WHERE c.sha256 IN ({marks})", *some)]
        return found

    def forget(self, copies: Iterable[int]) -> None:
        """These copies are gone."""
        with self.writing() as db:
            db.executemany("DELETE FROM copies WHERE id = ?", ((copy,) for copy in copies))

    def forget_contents(self, url: str, versions: Iterable[str], digests: Iterable[str]) -> None:
        """The store's contents no longer count as come as these versions."""
        with self.writing() as db:
            ids = [
                row[0]
                for version in versions
                for row in db.execute("SELECT id FROM versions WHERE url = ? AND version = ?", (url, version))
            ]
            db.executemany(
                "DELETE FROM contents WHERE sha256 = ? AND version_id = ?",
                ((digest, version_id) for digest in digests for version_id in ids),
            )

    def set_aside(self, copies: Iterable[int], *, aside: bool) -> None:
        """These copies lie in quarantine, or no longer."""
        with self.writing() as db:
            db.executemany("UPDATE copies SET state = ? WHERE id = ?", ((int(aside), copy) for copy in copies))

    def set_contents_aside(self, digests: Iterable[str], *, aside: bool) -> None:
        """These contents of the store lie in quarantine, or no longer."""
        with self.writing() as db:
            db.executemany(
                "UPDATE contents SET state = ? WHERE sha256 = ?", ((int(aside), digest) for digest in digests)
            )

    def set_going(self, copies: Iterable[int], digests: Iterable[str]) -> None:
        """These copies, and these contents of the store, are about to be deleted."""
        with self.writing() as db:
            db.executemany("UPDATE copies SET state = ? WHERE id = ?", ((_GOING, copy) for copy in copies))
            db.executemany("UPDATE contents SET state = ? WHERE sha256 = ?", ((_GOING, digest) for digest in digests))

    def at(self, place: Path) -> list[Copy]:
        """The copies that are listed at that very place, the latest first: one, unless a fetch was cut short."""
        query = f"{_COPY} WHERE f.path || ? || c.path = ? ORDER BY c.id DESC"
        return [_copy(row) for row in self.rows(query, os.sep, str(place))]

    def versions(self, url: str) -> set[tuple[str, str]]:
        """The asset and id of each version that this machine got something of."""
        found = self.rows("SELECT asset, version FROM versions WHERE url = ?", url)
        return {(str(asset), str(version)) for asset, version in found}

    def knows(self, url: str) -> bool:
        """Whether this machine has anything to do with that gateway."""
        query = "SELECT 1 FROM gateways WHERE url = ? UNION SELECT 1 FROM versions WHERE url = ? LIMIT 1"
        return bool(self.rows(query, url, url))

    def _make(self) -> None:
        with self.writing() as db:
            (made,) = db.execute("PRAGMA user_version").fetchone()
            if made < FORMAT:  # nobody else was quicker
                steps = [UPGRADES[step] for step in range(made, FORMAT)] if made else [SCHEMA]
                for statement in ";".join(steps).split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")


def _version_id(db: sqlite3.Connection, url: str, asset: str, version: str) -> int:
    names = (url, asset, version)
    db.execute("INSERT INTO versions (url, asset, version) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", names)
    (found,) = db.execute("SELECT id FROM versions WHERE url = ? AND version = ?", (url, version)).fetchone()
    return int(found)


def _folder_id(db: sqlite3.Connection, folder: Path) -> int:
    db.execute("INSERT INTO folders (path) VALUES (?) ON CONFLICT DO NOTHING", (str(folder),))
    (found,) = db.execute("SELECT id FROM folders WHERE path = ?", (str(folder),)).fetchone()
    return int(found)


def _chunks(digests: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    for start in range(0, len(digests), _MANY):
        some = digests[start : start + _MANY]
        yield ",".join("?" * len(some)), some


def _copy(row: Sequence[object]) -> Copy:
    names = ("id", "url", "asset", "version", "sha256", "content", "size", "kind", "folder", "path")
    values: Mapping[str, object] = dict(zip(names, row[:10], strict=True))
    return Copy(**values, aside=row[10] == _ASIDE, going=row[10] == _GOING)  # type: ignore[arg-type]  # the columns have these types


def _kept(row: Sequence[object]) -> Kept:
    values: Mapping[str, object] = dict(zip(("url", "asset", "version", "sha256", "size"), row[:5], strict=True))
    return Kept(**values, aside=row[5] == _ASIDE, going=row[5] == _GOING)  # type: ignore[arg-type]
