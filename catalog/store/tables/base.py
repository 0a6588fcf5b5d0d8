"""What every table shares: the metadata, how time is kept, and the link that records write through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Dialect, MetaData, Row, String, Table, TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


AnyRow = Row[*tuple[Any, ...]]


class Instant(TypeDecorator[datetime]):
    """A moment in UTC as ISO 8601 text of one width: it sorts as time does, and a person can read it."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


@dataclass(frozen=True, slots=True)
class Link:
    """An open transaction: the connection, and the dialect's INSERT that knows ON CONFLICT."""

    connection: Connection
    insert: Callable[[Table], Any]
