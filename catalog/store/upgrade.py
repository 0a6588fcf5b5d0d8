"""Bring a database to this release's schema.

Alembic takes as long to load as everything else that a command needs, and nearly always finds nothing to do: so its
own table is read first, and it is loaded only when that does not name the newest migration.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from catalog.errors import CatalogUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"

_APPLIED = text("SELECT version_num FROM alembic_version")


def is_current(connection: Connection) -> bool:
    """Whether the database has the newest migration. A database of a later release is not current either."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return list(connection.execute(_APPLIED).scalars()) == [newest()]


def newest() -> str:
    """The last migration's revision, which is the number that its file's name begins with."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).split("_")[0]


def upgrade(connection: Connection) -> None:
    """Apply what is missing, in the transaction that is open. Raises CatalogUnavailable when nobody knows how."""
    import alembic.command
    import alembic.config
    import alembic.util

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, "head")
    except alembic.util.CommandError as error:
        raise CatalogUnavailable(cause=type(error).__name__) from error
