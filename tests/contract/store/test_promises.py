"""What every driver of the catalogue MUST promise (catalog/ports.py)."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from catalog.actions import accounts, terms
from catalog.actions.authority import in_person
from catalog.errors import CatalogUnavailable, Conflict
from catalog.events import EventKind, Happened
from catalog.ports import Store
from catalog.store import open_store
from catalog.store.schema import metadata
from catalog.vocabulary import Acceptance, Role
from tests import builders
from tests.builders import NOW, new_id

HAPPENED = Happened(kind=EventKind.ASSET_CREATED, subject="asset:x")

CHILD = """
import os, signal, sys
from catalog.events import EventKind, Happened
from catalog.store import open_store
from tests.builders import NOW
store = open_store(sys.argv[1])
with store.begin() as tx:
    tx.append(Happened(kind=EventKind.ASSET_CREATED, subject="asset:child"), actor="a", at=NOW)
os.kill(os.getpid(), signal.SIGKILL)
"""


def positions(store: Store) -> list[int]:
    with store.read() as tx:
        return [event.position for event in tx.ledger.events(0, 1000)]


def test_a_commit_survives_a_process_that_is_killed_right_after_it(store_url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", CHILD, store_url], check=False)
    assert killed.returncode == -9
    store = open_store(store_url)
    with store.read() as tx:
        assert [event.subject for event in tx.ledger.events(0, 10)] == ["asset:child"]
    store.close()


def test_an_exception_leaves_nothing_and_a_position_is_never_given_twice(store: Store) -> None:
    with store.begin() as tx:
        first = tx.append(HAPPENED, actor="a", at=NOW)

    def fail() -> None:
        with store.begin() as tx:
            tx.append(HAPPENED, actor="a", at=NOW)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    with store.begin() as tx:
        second = tx.append(HAPPENED, actor="a", at=NOW)
    assert positions(store) == [first, second]
    assert second > first


def test_a_reading_transaction_cannot_write(store: Store) -> None:
    with pytest.raises(CatalogUnavailable), store.read() as tx:
        tx.append(HAPPENED, actor="a", at=NOW)
    assert positions(store) == []


def test_a_reader_sees_one_moment_however_long_it_reads(store: Store) -> None:
    with store.read() as tx:
        before = tx.ledger.position()
        with store.begin() as writer:
            writer.append(HAPPENED, actor="a", at=NOW)
        assert tx.ledger.position() == before


def test_many_writers_get_each_a_position_of_their_own(store: Store) -> None:
    def write() -> None:
        for _ in range(20):
            with store.begin() as tx:
                tx.append(HAPPENED, actor="a", at=NOW)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert positions(store) == sorted(set(positions(store)))
    assert len(positions(store)) == 80


def test_two_names_that_look_alike_are_one(store: Store) -> None:
    builders.account(store, name="Rosa")
    with pytest.raises(Conflict, match="name-taken"):
        builders.account(store, name="rosa")


def test_two_acceptances_at_once_make_one_row(store: Store) -> None:
    publisher, reader = builders.actor(store, Role.PUBLISHER), builders.actor(store)
    builders.published_terms(store)
    builders.published(store, publisher)
    news: list[bool] = []
    threads = [threading.Thread(target=lambda: news.append(builders.accepted(store, reader))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(news) == [False] * 7 + [True]
    assert reader.account is not None
    with store.read() as tx:
        assert len(tx.terms.acceptances(reader.account.id)) == 1


def test_the_feed_moves_with_every_commit_and_tells_cuts_in_order(store: Store) -> None:
    feed = store.feed()
    assert feed.moved(), "the first look counts as a move"
    assert not feed.moved()
    for subject in ("version:a", "version:b"):
        with store.begin() as tx:
            cut = Happened(kind=EventKind.VERSION_HELD, subject=subject, cuts=frozenset({subject}))
            tx.append(cut, actor="a", at=NOW)
    assert feed.moved()
    cuts = feed.cuts_since(0)
    assert [cut.subjects for cut in cuts] == [frozenset({"version:a"}), frozenset({"version:b"})]
    assert feed.cuts_since(cuts[0].position) == cuts[1:]
    feed.close()


def test_replicas_are_enrolled_told_of_and_withdrawn(store: Store) -> None:
    feed = store.feed()
    feed.enrol("one", 3, NOW)
    feed.applied("one", 7, 2, NOW)
    (replica,) = feed.replicas()
    assert (replica.id, replica.applied, replica.streams_cut) == ("one", 7, 2)
    feed.withdraw("one")
    assert list(feed.replicas()) == []
    feed.close()


def test_a_replica_that_has_written_since_is_not_forgotten(store: Store) -> None:
    feed = store.feed()
    feed.enrol("one", 3, NOW)
    (seen,) = feed.replicas()
    feed.applied("one", 3, 0, NOW + timedelta(seconds=5))
    feed.forget(seen)
    (again,) = feed.replicas()
    feed.forget(again)
    assert list(feed.replicas()) == []
    feed.close()


def test_a_replica_does_not_wait_with_its_report_until_a_long_write_is_over(store: Store) -> None:
    feed = store.feed()
    feed.enrol("one", 3, NOW)
    with store.begin(), pytest.raises(CatalogUnavailable):
        feed.applied("one", 7, 0, NOW)
    feed.applied("one", 7, 0, NOW)
    feed.close()


def test_a_job_is_taken_by_one_and_again_when_its_lease_has_ended(store: Store) -> None:
    minute = timedelta(minutes=1)
    with store.begin() as tx:
        job_id = tx.outbox.enqueue("previews", {"version": "v"}, NOW)
    with store.begin() as tx:
        job = tx.outbox.take(["previews"], NOW, NOW + minute)
        assert job is not None
        assert (job.id, job.payload, job.attempts) == (job_id, {"version": "v"}, 1)
        assert tx.outbox.take(["previews"], NOW, NOW + minute) is None
    with store.begin() as tx:
        again = tx.outbox.take(["previews"], NOW + minute, NOW + 2 * minute)
        assert again is not None
        assert again.attempts == 2
        tx.outbox.done(job_id, NOW + minute)
        assert tx.outbox.take(["previews"], NOW + 9 * minute, NOW + 10 * minute) is None
        assert tx.outbox.is_done(job_id)


def test_main_is_the_newest_release_and_stays_where_it_is_when_stopped(store: Store) -> None:
    publisher = builders.actor(store, Role.PUBLISHER)
    builders.published_terms(store)
    first = builders.published(store, publisher, builders.item("a.jpg", b"1"), tag="v1")
    second = builders.published(store, publisher, builders.item("a.jpg", b"2"), tag="v2")
    with store.read() as tx:
        for ref, expected in (("main", second.id), ("v1", first.id), (first.id, first.id), ("v2", second.id)):
            found = tx.assets.resolve(second.asset_id, ref)
            assert found is not None
            assert found.id == expected
        assert tx.assets.resolve(second.asset_id, "v3") is None


def test_search_takes_wild_cards_literally_and_pages_in_order(store: Store) -> None:
    publisher = builders.actor(store, Role.PUBLISHER)
    builders.published_terms(store)
    for name in ("a", "b", "c"):
        builders.published(store, publisher, full_name=f"demo/{name}")
    with store.read() as tx:

        def found(text: str, after: str = "", limit: int = 10) -> list[str]:
            rows = tx.assets.search(kind=None, text=text, data_class=None, after=after, limit=limit, minors=False)
            return [asset.full_name for asset, _ in rows]

        assert found("") == ["demo/a", "demo/b", "demo/c"]
        assert found("", limit=2) == ["demo/a", "demo/b"]
        assert found("", after="demo/b") == ["demo/c"]
        assert found("街头 STREET") == ["demo/a", "demo/b", "demo/c"]
        assert found("%") == found("_a") == []


def test_an_acceptance_that_names_no_account_is_refused_by_the_store_itself(store: Store) -> None:
    acceptance = Acceptance(
        id=new_id(16), account_id="nobody", asset_id="nothing", terms_id="t", terms_version="1.0",
        terms_sha256="0", language="en", purpose="p", accepted_at=NOW,
    )  # fmt: skip
    with pytest.raises(CatalogUnavailable), store.begin() as tx:
        tx.terms.accept(acceptance)


def test_the_migrated_schema_is_the_schema_of_the_tables(store: Store, store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql:///x", "sqlite://", "nonsense"])
def test_an_address_without_a_driver_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="driver"):
        open_store(url)


def test_a_store_is_opened_by_two_processes_at_once(store_url: str) -> None:
    code = "import sys; from catalog.store import open_store; open_store(sys.argv[1]).close()"
    openers = [subprocess.Popen([sys.executable, "-c", code, store_url]) for _ in range(3)]
    assert [opener.wait() for opener in openers] == [0, 0, 0]


def test_a_suspension_ends_sessions_and_names_whom_to_cut(store: Store) -> None:
    operator, victim = builders.actor(store, Role.OPERATOR), builders.account(store)
    with store.begin() as tx:
        suspended, position = accounts.suspend(tx, operator, victim.name, accounts.StopReason.MISUSE, now=NOW)
    feed = store.feed()
    (cut,) = feed.cuts_since(0)
    feed.close()
    assert (cut.position, cut.subjects) == (position, frozenset({f"account:{victim.id}"}))
    assert replace(suspended, state=victim.state) == victim


def test_minor_terms_keep_an_acceptance_and_major_ones_ask_again(store: Store) -> None:
    publisher, reader = builders.actor(store, Role.PUBLISHER), builders.actor(store)
    builders.published_terms(store)
    builders.published(store, publisher)
    builders.accepted(store, reader)
    assert reader.account is not None

    def standing() -> str:
        assert reader.account is not None
        with store.read() as tx:
            ground = tx.facts.ground(account_id=reader.account.id, ns="demo", name="street-faces", ref="main")
            return ground.facts.acceptance.value

    assert standing() == "in-force"
    builders.published_terms(store, text="be kinder")
    assert standing() == "in-force"
    builders.published_terms(store, text="be kindest", major=True)
    assert standing() == "outdated"
    old = terms.Accept(
        ns="demo",
        name="street-faces",
        terms_id="research-use",
        terms_version="1.0",
        terms_sha256=terms.text_digest("be kind", "be kind（中文）"),
        language="en",
        purpose="p",
    )
    with pytest.raises(Conflict, match="terms-not-in-force"), store.begin() as tx:
        terms.accept(tx, in_person(reader.account), old, now=NOW, new_id=new_id)
