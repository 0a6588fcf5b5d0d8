"""What each kind of record promises, whatever the driver (catalog/ports.py)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.actions import publish
from catalog.actions.authority import in_person
from catalog.errors import Conflict
from catalog.ports import Store
from catalog.recalls import FetchRecord
from catalog.store import open_store
from catalog.vocabulary import (
    AccountState,
    Actor,
    DataClass,
    Delivery,
    DeliveryEnd,
    Item,
    Kind,
    Notice,
    Provenance,
    Role,
    Settlement,
    Stop,
    StopReason,
    Version,
    VersionState,
)
from tests import builders
from tests.builders import NOW, new_id

MINUTE = timedelta(minutes=1)


@pytest.fixture
def publisher(store: Store) -> Actor:
    builders.published_terms(store)
    return builders.actor(store, Role.PUBLISHER)


def found(store: Store, text: str = "", **changes: object) -> list[str]:
    asked = {"kind": None, "data_class": None, "after": "", "limit": 10, "minors": False, **changes}
    with store.read() as tx:
        return [asset.full_name for asset, _ in tx.assets.search(text=text, **asked)]  # type: ignore[arg-type]


def placed(store: Store, version: Version, *, act: Stop = Stop.HOLD, reason: StopReason = StopReason.CHILD) -> Notice:
    """A notice about that version, with nothing else changed."""
    notice = Notice(
        id=f"N-{new_id(12)}", act=act, subject="demo/x", asset_id=version.asset_id, version_id=version.id, sha256=None,
        reason=reason, case=None, actor_id="a", placed_at=NOW, position=1, lifted_at=None,
    )  # fmt: skip
    with store.begin() as tx:
        tx.stops.add_notice(notice)
    return notice


# accounts


@pytest.mark.parametrize("twin", ["rosa", "ROSA", "RoSa"])
def test_an_account_is_found_by_its_name_in_any_case(store: Store, twin: str) -> None:
    rosa = builders.account(store, name="Rosa")
    with store.read() as tx:
        assert tx.accounts.named(twin) == rosa
        assert tx.accounts.get(rosa.id) == rosa
        assert list(tx.accounts.everyone()) == [rosa]


@pytest.mark.parametrize(("name", "twin"), [("straße", "STRASSE"), ("Éva", "e\u0301va"), ("ΣΑΣ", "σας")])
def test_names_that_differ_by_case_or_composition_only_are_taken(store: Store, name: str, twin: str) -> None:
    kept = builders.plain_account()
    with store.begin() as tx:
        tx.accounts.add(replace(kept, name=name), None)
    with pytest.raises(Conflict, match="name-taken"), store.begin() as tx:
        tx.accounts.add(replace(builders.plain_account(), name=twin), None)
    with store.read() as tx:
        assert len(tx.accounts.everyone()) == 1


def test_a_password_hash_and_a_state_are_kept_and_changed(store: Store) -> None:
    account = builders.account(store)
    with store.begin() as tx:
        assert tx.accounts.password_hash(account.id) is None
        tx.accounts.set_password_hash(account.id, "hash")
        tx.accounts.set_state(account.id, AccountState.SUSPENDED)
    with store.read() as tx:
        assert tx.accounts.password_hash(account.id) == "hash"
        kept = tx.accounts.get(account.id)
        assert kept is not None
        assert kept.state is AccountState.SUSPENDED


def test_a_moment_comes_back_as_the_same_moment_in_utc(store: Store) -> None:
    moment = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    account = replace(builders.plain_account(), created_at=moment)
    with store.begin() as tx:
        tx.accounts.add(account, None)
    with store.read() as tx:
        kept = tx.accounts.get(account.id)
    assert kept is not None
    assert kept.created_at == moment
    assert kept.created_at.tzinfo is UTC


# assets


def test_search_finds_by_every_word_in_name_titles_and_card(store: Store, publisher: Actor) -> None:
    builders.published(store, publisher, full_name="demo/street")
    titled = builders.warrant(title={"en": "Gaits", "zh": "步态数据"})
    builders.published(store, publisher, full_name="demo/walk", keys=titled)
    assert found(store, "步态") == ["demo/walk"]
    assert found(store, "人脸") == ["demo/street"]
    assert found(store, "GAITS demo") == ["demo/walk"]
    assert found(store, "gaits 人脸") == []
    assert found(store, "faces") == ["demo/street", "demo/walk"], "the card is read too"
    assert found(store, "absent") == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "w%k", "w_lk", "wal\\k", "'", '"', "\0", "%' OR 1=1 --"])
def test_nothing_in_a_search_is_a_pattern_or_sql(store: Store, publisher: Actor, text: str) -> None:
    builders.published(store, publisher, full_name="demo/walk")
    assert found(store, text) == []


def test_a_wild_card_that_stands_in_a_title_is_found(store: Store, publisher: Actor) -> None:
    titled = builders.warrant(title={"en": "100% real_faces \\o/", "zh": "真"})
    builders.published(store, publisher, full_name="demo/real", keys=titled)
    builders.published(store, publisher, full_name="demo/other")
    for text in ("100%", "real_", "\\o"):
        assert found(store, text) == ["demo/real"], text


def test_search_filters_by_kind_and_class_and_hides_what_concerns_minors(store: Store, publisher: Actor) -> None:
    builders.published(store, publisher, full_name="demo/a")
    model = builders.warrant(**{"class": "model", "persons": "none", "pia": None})
    builders.published(store, publisher, full_name="demo/b", kind=Kind.MODEL, keys=model)
    builders.published(store, publisher, full_name="demo/c", keys=builders.warrant(persons="minors"))
    assert found(store) == ["demo/a", "demo/b"]
    assert found(store, minors=True) == ["demo/a", "demo/b", "demo/c"]
    assert found(store, kind=Kind.MODEL) == ["demo/b"]
    assert found(store, data_class=DataClass.FACE) == ["demo/a"]
    assert found(store, data_class=DataClass.MINOR) == []
    assert found(store, data_class=DataClass.MINOR, minors=True) == ["demo/c"]


@pytest.mark.parametrize("state", [VersionState.HELD, VersionState.REVOKED])
def test_search_leaves_out_what_is_stopped_or_not_released(store: Store, publisher: Actor, state: VersionState) -> None:
    version = builders.published(store, publisher, full_name="demo/a")
    with store.begin() as tx:
        publish.open_draft(tx, publisher, Kind.DATASET, "demo/draft", now=NOW, new_id=new_id)
    assert found(store) == ["demo/a"]
    with store.begin() as tx:
        tx.assets.set_state(version.id, state, None)
    assert found(store) == []


def test_pages_of_a_search_join_without_gap_or_repetition(store: Store, publisher: Actor) -> None:
    names = [f"demo/{name}" for name in ("A", "a", "b-1", "b.2", "z")]
    for name in names:
        builders.published(store, publisher, full_name=name)
    pages: list[str] = []
    while page := found(store, after=pages[-1] if pages else "", limit=2):
        pages += page
    assert pages == sorted(names)


def test_a_draft_is_reached_by_its_id_and_never_by_main(store: Store, publisher: Actor) -> None:
    with store.begin() as tx:
        draft = publish.open_draft(tx, publisher, Kind.DATASET, "demo/new", now=NOW, new_id=new_id)
        assert tx.assets.resolve(draft.asset_id, "main") is None
        assert tx.assets.resolve(draft.asset_id, draft.id) == draft
        assert tx.assets.draft(draft.asset_id) == draft
    released = builders.published(store, publisher, full_name="demo/new")
    with store.begin() as tx:
        publish.open_draft(tx, publisher, Kind.DATASET, "demo/new", now=NOW + MINUTE, new_id=new_id)
        assert tx.assets.resolve(released.asset_id, "main") == released


@pytest.mark.parametrize("state", [VersionState.HELD, VersionState.REVOKED, VersionState.DESTROYED])
def test_main_stays_on_a_stopped_version_and_never_falls_back(
    store: Store, publisher: Actor, state: VersionState
) -> None:
    builders.published(store, publisher, builders.item("a.jpg", b"1"))
    second = builders.published(store, publisher, builders.item("a.jpg", b"2"))
    with store.begin() as tx:
        tx.assets.set_state(second.id, state, None)
    with store.read() as tx:
        main = tx.assets.resolve(second.asset_id, "main")
    assert main is not None
    assert (main.id, main.state) == (second.id, state)


def test_a_tag_moves_to_the_version_that_takes_it_and_another_assets_tag_stays(store: Store, publisher: Actor) -> None:
    first = builders.published(store, publisher, builders.item("a.jpg", b"1"), tag="best")
    other = builders.published(store, publisher, full_name="demo/other", tag="best")
    second = builders.published(store, publisher, builders.item("a.jpg", b"2"), tag="best")
    with store.read() as tx:
        for asset_id, expected in ((first.asset_id, second.id), (other.asset_id, other.id)):
            tagged = tx.assets.resolve(asset_id, "best")
            assert tagged is not None
            assert tagged.id == expected
        former = tx.assets.version(first.id)
    assert former is not None
    assert former.tag is None


def test_a_version_of_another_asset_is_not_found_by_its_id(store: Store, publisher: Actor) -> None:
    one = builders.published(store, publisher, full_name="demo/one")
    two = builders.published(store, publisher, full_name="demo/two")
    with store.read() as tx:
        assert tx.assets.resolve(one.asset_id, two.id) is None


def test_a_released_version_comes_back_whole(store: Store, publisher: Actor) -> None:
    version = builders.published(store, publisher, tag="v1")
    with store.read() as tx:
        assert tx.assets.version(version.id) == version
        assert list(tx.assets.versions(version.asset_id)) == [version]


def items_of(store: Store, version_id: str) -> Sequence[Item]:
    with store.read() as tx:
        return tx.assets.items(version_id)


def test_items_are_listed_by_code_point_and_their_paths_are_exact_text(store: Store, publisher: Actor) -> None:
    paths = ["z.jpg", "Z.jpg2", "a/b.jpg", "a.jpg", "人.jpg", "\U0001f600.jpg", "e\u0301.jpg"]
    told = Provenance(source_url="https://example.org/1", source_sha256=None, source_author="某人")
    items = [replace(builders.item(path, path.encode()), provenance=told) for path in paths]
    version = builders.published(store, publisher, *items)
    assert list(items_of(store, version.id)) == sorted(items, key=lambda item: item.path)
    with store.read() as tx:
        assert tx.assets.item(version.id, "人.jpg") == items[4]
        for near in ("Z.jpg", "A.jpg", "é.jpg", "a.jpg ", "a%"):
            assert tx.assets.item(version.id, near) is None, near


def test_a_path_given_again_to_a_draft_is_replaced(store: Store, publisher: Actor) -> None:
    with store.begin() as tx:
        draft = publish.open_draft(tx, publisher, Kind.DATASET, "demo/new", now=NOW, new_id=new_id)
        tx.assets.add_items(draft.id, [builders.item("a.jpg", b"old"), builders.item("b.jpg")])
        tx.assets.add_items(draft.id, [builders.item("a.jpg", b"new")])
    assert list(items_of(store, draft.id)) == [builders.item("a.jpg", b"new"), builders.item("b.jpg")]
    with store.begin() as tx:
        tx.assets.clear_items(draft.id)
    assert list(items_of(store, draft.id)) == []


def test_every_digest_is_told_once_drafts_included(store: Store, publisher: Actor) -> None:
    one, two = builders.item("a.jpg", b"one"), builders.item("b.jpg", b"second")
    builders.published(store, publisher, one, replace(one, path="copy.jpg"))
    with store.begin() as tx:
        draft = publish.open_draft(tx, publisher, Kind.DATASET, "demo/new", now=NOW, new_id=new_id)
        publish.add_items(tx, publisher, draft.id, [one, two])
    with store.read() as tx:
        assert list(tx.assets.digests()) == sorted([(one.sha256, one.size), (two.sha256, two.size)])


def test_more_items_than_one_batch_holds_are_all_kept(store: Store, publisher: Actor) -> None:
    items = [builders.item(f"{number:05}.jpg", b"%d" % number) for number in range(1201)]
    version = builders.published(store, publisher, *items)
    assert list(items_of(store, version.id)) == items


# stops, deliveries, the outbox


def test_standing_holds_are_told_oldest_first_and_a_lifted_one_no_more(store: Store, publisher: Actor) -> None:
    version = builders.published(store, publisher)
    first, second = placed(store, version), placed(store, version)
    placed(store, version, act=Stop.REVOKE)
    with store.begin() as tx:
        assert [notice.id for notice in tx.stops.open_notices()] == [first.id, second.id]
        tx.stops.lift(first.id, NOW + MINUTE)
    with store.read() as tx:
        assert [notice.id for notice in tx.stops.open_notices()] == [second.id]
        assert tx.stops.notice(first.id) == replace(first, lifted_at=NOW + MINUTE)


def test_a_delivery_is_kept_before_its_end_is_known_and_settled_after(store: Store, publisher: Actor) -> None:
    version = builders.published(store, publisher)
    assert publisher.account is not None
    delivery = Delivery(
        id="1", account_id=publisher.account.id, token_id=None, asset_id=version.asset_id, version_id=version.id,
        path="a.jpg", include=None, start=0, stop=2**40, as_of=3, started_at=NOW,
    )  # fmt: skip
    later = replace(delivery, id="2", path=None, include="*.jpg", started_at=NOW + MINUTE)
    settlement = Settlement(delivery_id=delivery.id, acknowledged=2**33, end=DeliveryEnd.CUT, ended_at=NOW + MINUTE)
    with store.begin() as tx:
        tx.deliveries.add([delivery, later])
    with store.begin() as tx:
        tx.deliveries.settle([settlement])
    with store.read() as tx:
        one = FetchRecord(
            asset="demo/street-faces", version_id=version.id, path="a.jpg", include=None, start=0, stop=2**40,
            started_at=NOW, parts=1, bytes=2**33, end=DeliveryEnd.CUT,
        )  # fmt: skip
        other = replace(one, path=None, include="*.jpg", started_at=NOW + MINUTE, bytes=0, end=None)
        assert list(tx.deliveries.of_account(publisher.account.id, 10)) == [other, one]
        assert list(tx.deliveries.of_account(publisher.account.id, 1)) == [other]
        assert tx.deliveries.count() == 2


def test_ranges_of_one_fetch_are_one_record_and_one_fetch_of_a_holder(store: Store, publisher: Actor) -> None:
    version = builders.published(store, publisher)
    assert publisher.account is not None
    who = publisher.account.id
    first = Delivery(
        id="1", account_id=who, token_id=None, asset_id=version.asset_id, version_id=version.id,
        path="a.jpg", include=None, start=0, stop=100, as_of=3, started_at=NOW,
    )  # fmt: skip
    rest = replace(first, id="2", start=40, started_at=NOW + MINUTE, continues="1")
    again = replace(first, id="3", started_at=NOW + 2 * MINUTE)
    ends = [
        Settlement(delivery_id="1", acknowledged=45, end=DeliveryEnd.GONE, ended_at=NOW + MINUTE),
        Settlement(delivery_id="2", acknowledged=60, end=DeliveryEnd.GONE, ended_at=NOW + 2 * MINUTE),
    ]
    with store.begin() as tx:
        tx.deliveries.add([first, rest, again])
        tx.deliveries.settle(ends)
    with store.read() as tx:
        running, whole = tx.deliveries.of_account(who, 10)
        assert (running.parts, running.end) == (1, None)
        # The client hung up on both when it had all: that is a whole file.
        assert (whole.parts, whole.start, whole.stop, whole.bytes) == (2, 0, 100, 105)
        assert (whole.end, whole.started_at) == (DeliveryEnd.COMPLETE, NOW)
        (held,) = tx.deliveries.held(who)
        (tally,) = tx.deliveries.tally(version.id, ["a.jpg"], [])
        assert (held.fetches, tally.fetches) == (2, 2)


def test_the_fetch_that_a_range_goes_on_with_is_found_in_the_ledger(store: Store, publisher: Actor) -> None:
    version = builders.published(store, publisher)
    assert publisher.account is not None
    who = publisher.account.id
    first = Delivery(
        id="1", account_id=who, token_id=None, asset_id=version.asset_id, version_id=version.id,
        path="a.jpg", include=None, start=0, stop=100, as_of=3, started_at=NOW,
    )  # fmt: skip
    rest = replace(first, id="2", start=40, started_at=NOW + MINUTE, continues="1")
    with store.begin() as tx:
        tx.deliveries.add([first, rest])
        settled = Settlement(delivery_id="2", acknowledged=5, end=DeliveryEnd.CUT, ended_at=NOW + 3 * MINUTE)
        tx.deliveries.settle([settled])
    with store.read() as tx:
        assert tx.deliveries.began(who, version.id, "a.jpg", NOW + 3 * MINUTE) == "1"
        assert tx.deliveries.began(who, version.id, "a.jpg", NOW + 4 * MINUTE) is None
        assert tx.deliveries.began(who, version.id, "b.jpg", NOW) is None
        assert tx.deliveries.began(who, "0" * 40, "a.jpg", NOW) is None


def test_a_failed_job_waits_for_its_next_time_and_a_renewed_lease_holds_longer(store: Store) -> None:
    with store.begin() as tx:
        failed = tx.outbox.enqueue("previews", {}, NOW)
        assert tx.outbox.take(["mail"], NOW, NOW + MINUTE) is None, "another kind is not mine"
        assert tx.outbox.take(["previews"], NOW, NOW + MINUTE) is not None
        tx.outbox.failed(failed, "no memory", NOW + 5 * MINUTE)
    with store.begin() as tx:
        assert tx.outbox.take(["previews"], NOW + 4 * MINUTE, NOW + 9 * MINUTE) is None
        again = tx.outbox.take(["previews"], NOW + 5 * MINUTE, NOW + 6 * MINUTE)
        assert again is not None
        tx.outbox.renew(again.id, NOW + 8 * MINUTE)
        assert tx.outbox.take(["previews"], NOW + 7 * MINUTE, NOW + 9 * MINUTE) is None
        assert (tx.outbox.waiting(), tx.outbox.is_done(failed)) == (1, False)
        tx.outbox.done(failed, NOW)
        assert (tx.outbox.waiting(), tx.outbox.is_done(failed)) == (0, True)


def test_a_job_of_a_transaction_that_failed_was_never_promised(store: Store) -> None:
    def promise_and_fail() -> None:
        with store.begin() as tx:
            tx.outbox.enqueue("previews", {}, NOW)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        promise_and_fail()
    with store.read() as tx:
        assert tx.outbox.waiting() == 0


TAKER = """
import sys
from datetime import timedelta
from catalog.store import open_store
from tests.builders import NOW
store = open_store(sys.argv[1])
while True:
    with store.begin() as tx:
        job = tx.outbox.take(["previews"], NOW, NOW + timedelta(minutes=1))
    if job is None:
        break
    print(job.id)
"""


def test_two_processes_never_take_the_same_job(store: Store, store_url: str) -> None:
    with store.begin() as tx:
        promised = [tx.outbox.enqueue("previews", {}, NOW) for _ in range(60)]
    takers = [
        subprocess.Popen([sys.executable, "-c", TAKER, store_url], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    taken = [int(line) for taker in takers for line in taker.communicate()[0].split()]
    assert [taker.returncode for taker in takers] == [0, 0]
    assert sorted(taken) == promised


ACCEPTOR = """
import sys
from catalog.actions.authority import in_person
from catalog.store import open_store
from tests import builders
store = open_store(sys.argv[1])
with store.read() as tx:
    reader = tx.accounts.named("rosa")
print("ready", flush=True)
sys.stdin.readline()
print(builders.accepted(store, in_person(reader)))
"""


def test_two_processes_that_accept_at_once_make_one_row(store: Store, store_url: str, publisher: Actor) -> None:
    reader = builders.account(store, name="rosa")
    builders.published(store, publisher)
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen([sys.executable, "-c", ACCEPTOR, store_url], stdin=pipe, stdout=pipe, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.communicate()[0].strip() for process in both) == ["False", "True"]
    with store.read() as tx:
        assert len(tx.terms.acceptances(reader.id)) == 1
        said = [event for event in tx.ledger.events(0, 1000) if event.kind == "terms:accepted"]
    assert len(said) == 1


def test_an_acceptance_of_public_data_counts_for_all_public_data_under_the_same_terms(
    store: Store, publisher: Actor
) -> None:
    reader = builders.account(store)
    public = builders.warrant(**{"class": "public", "persons": "none", "pia": None})
    builders.published_terms(store, "other-terms", text="other")
    one = builders.published(store, publisher, full_name="demo/one", keys=public)
    two = builders.published(store, publisher, full_name="demo/two", keys=public)
    elsewhere = builders.published(store, publisher, full_name="demo/three", keys=public, terms_id="other-terms")
    face = builders.published(store, publisher, full_name="demo/face")
    builders.accepted(store, in_person(reader), "demo/one")
    with store.read() as tx:
        counts = {}
        for version in (one, two, elsewhere, face):
            asset = tx.assets.get(version.asset_id)
            assert asset is not None
            counts[asset.name] = tx.terms.accepted_majors(reader.id, asset)
    assert counts == {"one": {1}, "two": {1}, "three": set(), "face": set()}


# text of any kind


def test_any_text_comes_back_as_it_was_written(store_url: str) -> None:
    store = open_store(store_url)

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def keeps(written: str) -> None:
        account = replace(builders.plain_account(), name=new_id(16), email=written)
        with store.begin() as tx:
            tx.accounts.add(account, written)
        with store.read() as tx:
            assert tx.accounts.get(account.id) == account
            assert tx.accounts.password_hash(account.id) == written

    keeps()
    store.close()
