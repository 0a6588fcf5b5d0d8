"""SQLite: write-ahead log, full synchronisation, one writer at a time."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_MS = 10_000  # how long a write waits for another process's


class SqliteWatch:
    """`PRAGMA data_version` on a connection of its own: it changes when anyone else has committed."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._seen = -1

    def moved(self) -> bool:
        (now,) = self._connection.execute("PRAGMA data_version").fetchone()
        moved, self._seen = now != self._seen, now
        return bool(moved)

    def close(self) -> None:
        self._connection.close()


class SqliteDialect:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._gate = threading.Lock()  # threads of one process queue here rather than sleep in SQLite's busy loop

    @property
    def insert(self) -> Callable[[Table], Any]:
        return sqlite.insert

    def engine(self, *, writes: bool) -> Engine:
        engine = create_engine(
            f"sqlite:///{self._path}",
            pool_size=1 if writes else 16,
            max_overflow=0,
            connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        )

        def connected(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
            cursor.close()

        def begun(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        event.listen(engine, "connect", connected)
        event.listen(engine, "begin", begun)
        return engine

    def writing(self) -> AbstractContextManager[object]:
        return self._gate

    @contextmanager
    def migrating(self) -> Iterator[None]:
        with self._path.with_name(self._path.name + ".migrating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def watch(self) -> SqliteWatch:
        return SqliteWatch(self._path)
