"""What every table shares: the metadata, how time is kept, and the link that records write through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, MetaData, Row, Select, String, Table, TypeDecorator, Update

from catalog.errors import CatalogUnavailable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


AnyRow = Row[*tuple[Any, ...]]


def stamp(at: datetime) -> str:
    """How a moment is kept: UTC, to the microsecond, in 27 characters."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


class Instant(TypeDecorator[datetime]):
    """A moment in UTC as ISO 8601 text of one width: it sorts as time does, and a person can read it."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else stamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


BATCH = 500  # values in one IN (…): well below what any engine allows


def batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values a few hundred at a time."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


@dataclass(frozen=True, slots=True)
class Link:
    """An open transaction: the connection, and the dialect's INSERT that knows ON CONFLICT."""

    connection: Connection
    insert: Callable[[Table], Any]


class Bulk:
    """A statement for many rows of the hot path, compiled once for a dialect; values go to the driver as they are.

    `names` are the parameters. A row is a mapping of all of them; moments must be stamped already.
    """

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = list(names)
        self._ready: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute for each row; no rows, no statement."""
        if rows:
            text, shape = self._ready.get(connection.dialect.name) or self._compile(connection.dialect)
            with driver_cursor(connection) as cursor:
                cursor.executemany(text, [shape(row) for row in rows])

    def _compile(self, dialect: Dialect) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        keys = self._names if isinstance(self._statement, Insert) else None
        compiled = self._statement.compile(dialect=dialect, column_keys=keys)
        order = compiled.positiontup  # None where the driver takes names
        ready = (str(compiled), dict if order is None else itemgetter(*order))
        self._ready[dialect.name] = ready
        return ready


class Number:
    """A query of the hot path that gives one number, compiled once for a dialect, as `Bulk` is."""

    def __init__(self, query: Select[tuple[int]]) -> None:
        self._query = query
        self._texts: dict[str, str] = {}

    def read(self, connection: Connection) -> int:
        dialect = connection.dialect
        if dialect.name not in self._texts:
            self._texts[dialect.name] = str(
                self._query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
            )
        with driver_cursor(connection) as cursor:
            cursor.execute(self._texts[dialect.name])
            return int(cursor.fetchone()[0])


@contextmanager
def driver_cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor, for the hot path; what it refuses means that the catalogue is unavailable."""
    try:
        yield connection.connection.cursor()
    except connection.dialect.loaded_dbapi.Error as error:
        raise CatalogUnavailable(cause=type(error).__name__) from error
