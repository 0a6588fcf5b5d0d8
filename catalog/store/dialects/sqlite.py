"""SQLite: write-ahead log, full synchronisation, one writer at a time."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from catalog.errors import CatalogUnavailable
from catalog.store.tables.base import driver_cursor

BUSY_MS = 10_000  # how long a write waits for another process's


class SqliteWatch:
    """`PRAGMA data_version` on a connection of its own: it changes when anyone else has committed."""

    def __init__(self, path: Path) -> None:
        self._seen = -1
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False)
        except sqlite3.Error as error:
            raise CatalogUnavailable(cause=type(error).__name__) from error

    def moved(self) -> bool:
        try:
            (now,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise CatalogUnavailable(cause=type(error).__name__) from error
        moved, self._seen = now != self._seen, now
        return bool(moved)

    def close(self) -> None:
        self._connection.close()


class SqliteDialect:
    def __init__(self, path: Path, busy_ms: int = BUSY_MS) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._gate = threading.Lock()  # threads of one process queue here rather than sleep in SQLite's busy loop

    @property
    def insert(self) -> Callable[[Table], Any]:
        return sqlite.insert

    def engine(self, *, writes: bool, patience_ms: int | None = None) -> Engine:
        busy_ms = self._busy_ms if patience_ms is None else patience_ms
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),  # a name with ? or % stays a name
            pool_size=1 if writes else 16,
            max_overflow=0,
            pool_reset_on_return=None,  # every transaction is ended by who began it
            connect_args={"check_same_thread": False, "timeout": busy_ms / 1000},
        )

        def connected(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={busy_ms}"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
            cursor.close()

        def begun(connection: Connection) -> None:
            with driver_cursor(connection) as cursor:
                cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

        event.listen(engine, "connect", connected)
        event.listen(engine, "begin", begun)
        return engine

    def writing(self) -> AbstractContextManager[object]:
        return self._gate

    @contextmanager
    def migrating(self) -> Iterator[None]:
        try:
            lock = self._path.with_name(self._path.name + ".migrating").open("w")
        except OSError as error:
            raise CatalogUnavailable(cause=type(error).__name__) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def watch(self) -> SqliteWatch:
        return SqliteWatch(self._path)
