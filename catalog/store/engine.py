"""Open the catalogue's store: pick the dialect by the URL once, migrate, and hand out transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.errors import CatalogUnavailable
from catalog.store import upgrade
from catalog.store.dialects.base import StoreDialect
from catalog.store.dialects.sqlite import SqliteDialect
from catalog.store.feed import Opens, SqlFeed
from catalog.store.tables.base import Link
from catalog.store.transaction import SqlTransaction

# A replica that waits for another's write cannot look for stops meanwhile, so it would rather report at its next look.
REPORT_PATIENCE_MS = 30


class SqlStore:
    """The Store of catalog/ports.py on SQLAlchemy Core."""

    def __init__(self, dialect: StoreDialect) -> None:
        self._dialect = dialect
        self._writer = dialect.engine(writes=True)
        self._reader = dialect.engine(writes=False)
        self._reporter = dialect.engine(writes=True, patience_ms=REPORT_PATIENCE_MS)

    def migrate(self) -> None:
        """Bring the schema to this release's; safe to run by several processes at once."""
        with self._dialect.migrating(), _refusals():
            with self._reader.begin() as connection:
                current = upgrade.is_current(connection)
            if not current:
                with self._writer.begin() as connection:
                    upgrade.upgrade(connection)

    def begin(self) -> AbstractContextManager[SqlTransaction]:
        return self._transaction(self._writing)

    def read(self) -> AbstractContextManager[SqlTransaction]:
        return self._transaction(self._reading)

    def feed(self) -> SqlFeed:
        return SqlFeed(self._dialect.watch(), self._reading, self._reporting)

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        self._reporter.dispose()

    @contextmanager
    def _transaction(self, opens: Opens) -> Iterator[SqlTransaction]:
        with opens() as link:
            yield SqlTransaction(link)

    @contextmanager
    def _writing(self) -> Iterator[Link]:
        with self._dialect.writing(), self._open(self._writer) as link:
            yield link

    @contextmanager
    def _reporting(self) -> Iterator[Link]:
        with self._open(self._reporter) as link:
            yield link

    @contextmanager
    def _reading(self) -> Iterator[Link]:
        with self._open(self._reader) as link:
            yield link

    @contextmanager
    def _open(self, engine: Engine) -> Iterator[Link]:
        with _refusals(), engine.begin() as connection:
            yield Link(connection=connection, insert=self._dialect.insert)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the engine refuses means that the catalogue is unavailable; nothing of the driver gets out."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise CatalogUnavailable(cause=type(error).__name__) from error


def open_store(url: str) -> SqlStore:
    """Open `sqlite:///PATH`, creating and migrating it where needed. Raises CatalogUnavailable, ValueError."""
    scheme, _, rest = url.partition(":")
    path = rest.removeprefix("///")
    if scheme != "sqlite" or path in {"", rest}:
        # The scheme alone is repeated: the rest of a URL may hold a password.
        raise ValueError(f"no driver for {scheme!r} at such an address: use sqlite:///PATH")
    store = SqlStore(SqliteDialect(Path(path)))
    store.migrate()
    return store
