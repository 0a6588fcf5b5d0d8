"""What a dialect answers for: how to connect, to start a write, to migrate alone, and to notice a change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Engine, Table


class Watch(Protocol):
    """A cheap look at whether another transaction may have committed. Raises CatalogUnavailable."""

    def moved(self) -> bool: ...
    def close(self) -> None: ...


class StoreDialect(Protocol):
    @property
    def insert(self) -> Callable[[Table], Any]:
        """The engine's INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""

    def engine(self, *, writes: bool, patience_ms: int | None = None) -> Engine:
        """Connections that wait so long for another process's write, or as long as is usual."""

    def writing(self) -> AbstractContextManager[object]:
        """Held around a write transaction."""

    def migrating(self) -> AbstractContextManager[object]:
        """Held around migrations: one process at a time. Raises CatalogUnavailable."""

    def watch(self) -> Watch: ...
