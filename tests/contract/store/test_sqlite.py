"""The SQLite driver: what it asks of the engine, and how it says that it cannot go on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.errors import CatalogUnavailable
from catalog.events import EventKind, Happened
from catalog.store import open_store
from catalog.store.dialects.sqlite import SqliteDialect
from catalog.store.engine import SqlStore
from tests.builders import NOW

HAPPENED = Happened(kind=EventKind.ASSET_CREATED, subject="asset:x")
FULL = 2  # what PRAGMA synchronous gives for FULL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of an empty, migrated catalogue."""
    file = tmp_path / "catalogue.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def hasty(path: Path) -> Iterator[SqlStore]:
    """A store that waits 50 ms for another writer, where the real one waits ten seconds."""
    store = SqlStore(SqliteDialect(path, busy_ms=50))
    yield store
    store.close()


@pytest.mark.parametrize("writes", [True, False])
def test_every_connection_is_durable_and_keeps_foreign_keys(path: Path, writes: bool) -> None:
    engine = SqliteDialect(path).engine(writes=writes)
    with engine.connect() as connection:
        read_back = {
            pragma: connection.execute(text(f"PRAGMA {pragma}")).scalar_one()
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "query_only")
        }
    engine.dispose()
    assert read_back == {
        "journal_mode": "wal",
        "synchronous": FULL,
        "foreign_keys": 1,
        "query_only": 0 if writes else 1,
    }


def test_a_write_that_another_process_keeps_out_is_unavailable_and_leaves_nothing(path: Path, hasty: SqlStore) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogUnavailable), hasty.begin() as tx:
        tx.append(HAPPENED, actor="a", at=NOW)
    with hasty.read() as tx:
        assert tx.ledger.position() == 0
    other.execute("ROLLBACK")
    other.close()
    with hasty.begin() as tx:
        assert tx.append(HAPPENED, actor="a", at=NOW) == 1


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.db"
    file.write_bytes(b"not a database at all, by a long way" * 200)
    with pytest.raises(CatalogUnavailable):
        open_store(f"sqlite:///{file}")


@pytest.mark.parametrize("place", ["a folder", "absent/catalogue.db"])
def test_a_place_where_no_file_can_be_is_unavailable(tmp_path: Path, place: str) -> None:
    (tmp_path / "a folder").mkdir()
    with pytest.raises(CatalogUnavailable):
        open_store(f"sqlite:///{tmp_path / place}")


def test_a_page_that_was_overwritten_is_unavailable_and_never_an_answer(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    for _ in range(50):
        with store.begin() as tx:
            tx.append(HAPPENED, actor="a" * 500, at=NOW)
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    broken = SqlStore(SqliteDialect(path, busy_ms=50))
    with pytest.raises(CatalogUnavailable), broken.read() as tx:
        tx.ledger.events(0, 100)
    broken.close()


def test_a_database_of_a_later_release_is_not_touched(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(CatalogUnavailable):
        open_store(f"sqlite:///{path}")


def test_a_catalogue_whose_name_has_spaces_and_signs_is_that_file(tmp_path: Path) -> None:
    file = tmp_path / "a ?mode=memory & 100%.db"
    open_store(f"sqlite:///{file}").close()
    assert file.stat().st_size > 0


def test_the_feed_notices_the_commit_of_another_process(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    feed = store.feed()
    assert feed.moved()
    assert not feed.moved()
    code = """
import sys
from catalog.events import EventKind, Happened
from catalog.store import open_store
from tests.builders import NOW
with open_store(sys.argv[1]).begin() as tx:
    subject = frozenset({"asset:x"})
    tx.append(Happened(kind=EventKind.NOTICE_ISSUED, subject="notice:n", cuts=subject), actor="a", at=NOW)
"""
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{path}"], check=True)
    assert feed.moved()
    assert [cut.subjects for cut in feed.cuts_since(0)] == [frozenset({"asset:x"})]
    feed.close()
    store.close()


def test_a_feed_on_a_broken_file_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.db"
    file.write_bytes(b"noise" * 2000)
    with pytest.raises(CatalogUnavailable):
        SqliteDialect(file).watch().moved()


def test_positions_go_on_rising_when_the_last_events_are_gone(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    with store.begin() as tx:
        first = tx.append(HAPPENED, actor="a", at=NOW)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM events")
    connection.close()
    with store.begin() as tx:
        assert tx.append(HAPPENED, actor="a", at=NOW) == first + 1
    store.close()
