"""A stop calls back what it stops: from whom, from whom not, in which order, and when that is taken back."""

from __future__ import annotations

import fnmatch
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.actions import complaints, receipts, stops
from catalog.policy import names
from catalog.policy import recall as rules
from catalog.ports import Store
from catalog.recalls import ArchiveFetch, Extent, HolderState, Recall, RecallAction, RecallScope, Spell
from catalog.vocabulary import Actor, ComplaintItem, ReleaseReason, Role, Stop, Version
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"
SHARED, FIRST, SECOND = (
    builders.item("a.jpg", b"shared"),
    builders.item("b.jpg", b"old"),
    builders.item("b.jpg", b"new"),
)
MOVED = builders.item("moved/a.jpg", b"shared")


class Scene:
    """Two versions that share one content under different paths, two operators, and readers as needed."""

    def __init__(self, store: Store, **keys: object) -> None:
        self.store = store
        self.first, self.second = (builders.actor(store, Role.OPERATOR) for _ in range(2))
        self.publisher = builders.actor(store, Role.PUBLISHER)
        builders.published_terms(store)
        warrant = builders.warrant(**keys)
        self.old = builders.published(store, self.publisher, SHARED, FIRST, keys=warrant)
        self.new = builders.published(store, self.publisher, MOVED, SECOND, keys=warrant)

    def reader(self, version: Version | None = None, path: str | None = None, **more: object) -> Actor:
        reader = builders.actor(self.store)
        if version is not None:
            builders.delivered(self.store, reader, version, path, **more)  # type: ignore[arg-type]
        return reader

    def stop(self, act: Stop, subject: str) -> str:
        return builders.stopped(self.store, self.first, act, subject).id

    def withhold(self) -> str:
        return self.stop(Stop.WITHHOLD, f"{NAME}@{self.old.id}:a.jpg")

    def release(self, subject: str) -> None:
        with self.store.begin() as tx:
            ref = names.subject(subject)
            proposal, _ = stops.release(tx, self.first, ref, ReleaseReason.UNFOUNDED, now=NOW, new_id=new_id)
        with self.store.begin() as tx:
            stops.confirm(tx, self.second, proposal.id, now=NOW)

    def sent(self, reader: Actor, after: int = 0) -> list[tuple[str, RecallAction]]:
        assert reader.account is not None
        with self.store.read() as tx:
            found = receipts.feed(tx, reader.account, after, 100)
        assert not found.more
        numbers = [recall.seq for recall in found.recalls]
        assert numbers == sorted(set(numbers))
        return [(recall.notice_id, recall.action) for recall in found.recalls]

    def recall(self, notice_id: str) -> Recall:
        with self.store.read() as tx:
            return tx.recalls.of_notice(notice_id)[0]


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


# who is told


def test_an_item_is_called_back_from_everyone_who_got_that_content_and_from_nobody_else(scene: Scene) -> None:
    told = [
        scene.reader(scene.old, "a.jpg"),
        scene.reader(scene.new, "moved/a.jpg"),
        scene.reader(scene.old, include=[]),
        scene.reader(scene.new, include=["moved/*"]),
    ]
    others = [
        scene.reader(scene.old, "b.jpg"),
        scene.reader(scene.new, "b.jpg"),
        scene.reader(scene.new, include=["*.txt", "b*"]),
        scene.reader(),
    ]
    notice = scene.withhold()
    assert [scene.sent(reader) for reader in told] == [[(notice, RecallAction.PURGE)]] * len(told)
    assert [scene.sent(reader) for reader in others] == [[]] * len(others)
    recall = scene.recall(notice)
    assert (recall.scope, recall.sha256) == (RecallScope.ITEMS, SHARED.sha256)
    assert set(recall.versions) == {scene.old.id, scene.new.id}
    assert recall.deadline_at == NOW + timedelta(days=7)
    with scene.store.read() as tx:
        assert tx.recalls.digests(recall) == [(SHARED.sha256, SHARED.size)]
    assert builders.events_and_tables_agree(scene.store)


def test_a_version_is_called_back_from_those_who_fetched_it_and_not_from_those_of_another(scene: Scene) -> None:
    one, all_of_it, empty = (
        scene.reader(scene.old, "b.jpg"),
        scene.reader(scene.old, include=[]),
        scene.reader(scene.old, include=["nothing*"], size=rules.EMPTY_ARCHIVE),
    )
    other = scene.reader(scene.new, "moved/a.jpg")
    notice = scene.stop(Stop.REVOKE, f"{NAME}@{scene.old.id}")
    assert scene.sent(one) == scene.sent(all_of_it) == [(notice, RecallAction.PURGE)]
    assert scene.sent(empty) == scene.sent(other) == []
    recall = scene.recall(notice)
    assert (recall.scope, recall.versions, recall.successor) == (RecallScope.VERSION, (scene.old.id,), scene.new.id)
    with scene.store.read() as tx:
        digests = tx.recalls.digests(recall)
    assert digests == sorted((item.sha256, item.size) for item in (SHARED, FIRST))


def test_an_asset_is_called_back_with_all_its_versions_and_names_no_successor(scene: Scene) -> None:
    readers = [scene.reader(scene.old, "b.jpg"), scene.reader(scene.new, "b.jpg")]
    notice = scene.stop(Stop.REVOKE, NAME)
    assert [scene.sent(reader) for reader in readers] == [[(notice, RecallAction.PURGE)]] * 2
    recall = scene.recall(notice)
    assert (set(recall.versions), recall.successor) == ({scene.old.id, scene.new.id}, None)


def test_whoever_fetched_often_is_told_once(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    for _ in range(3):
        builders.delivered(scene.store, reader, scene.old, "a.jpg")
        builders.delivered(scene.store, reader, scene.new, include=[])
    notice = scene.withhold()
    assert scene.sent(reader) == [(notice, RecallAction.PURGE)]


def test_an_archive_that_was_made_while_the_item_was_on_hold_did_not_have_it(scene: Scene) -> None:
    subject = f"{NAME}@{scene.old.id}:a.jpg"
    scene.stop(Stop.HOLD, subject)
    during = scene.reader(scene.old, include=[])
    scene.release(subject)
    after = scene.reader(scene.old, include=[])
    notice = scene.withhold()
    assert scene.sent(during) == []
    assert scene.sent(after) == [(notice, RecallAction.PURGE)]


def test_nobody_is_told_twice_what_was_called_back_before(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    withheld = scene.withhold()
    revoked = scene.stop(Stop.REVOKE, f"{NAME}@{scene.old.id}")
    assert scene.sent(reader) == [(withheld, RecallAction.PURGE), (revoked, RecallAction.PURGE)], (
        "two stops, two notices"
    )


# in the same transaction, and those who come late


def test_a_stop_that_does_not_commit_calls_nothing_back(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    command = stops.StopCommand(act=Stop.REVOKE, subject=names.subject(NAME), reason=stops.StopReason.QUALITY)

    def killed() -> None:
        with scene.store.begin() as tx:
            stops.stop(tx, scene.first, command, now=NOW, new_id=new_id)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert scene.sent(reader) == []
    assert builders.events_and_tables_agree(scene.store)


def test_a_download_decided_before_the_stop_and_written_down_after_it_joins_under_a_number_of_its_own(
    scene: Scene,
) -> None:
    early = scene.reader(scene.old, "a.jpg")
    with scene.store.read() as tx:
        before = tx.ledger.position()
    notice = scene.withhold()
    late = scene.reader(scene.old, "a.jpg", as_of=before)
    unconcerned = scene.reader(scene.old, "b.jpg", as_of=before)
    builders.delivered(scene.store, early, scene.old, "a.jpg", as_of=before)
    assert scene.sent(early) == scene.sent(late) == [(notice, RecallAction.PURGE)]
    assert scene.sent(unconcerned) == []
    assert scene.sent(late, after=scene.recall(notice).seq) == [(notice, RecallAction.PURGE)], (
        "whoever read up to there"
    )
    assert builders.events_and_tables_agree(scene.store)


def test_a_download_decided_after_the_release_of_a_hold_joins_nothing(scene: Scene) -> None:
    scene.stop(Stop.HOLD, NAME)
    with scene.store.read() as tx:
        during = tx.ledger.position()
    scene.release(NAME)
    reader = scene.reader(scene.old, "a.jpg", as_of=during - 1)
    assert scene.sent(reader) == []


# holds


def test_a_hold_sets_aside_and_its_release_takes_that_back_from_the_same_accounts(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    notice = scene.stop(Stop.HOLD, NAME)
    assert scene.sent(reader) == [(notice, RecallAction.QUARANTINE)]
    assert scene.recall(notice).deadline_at is None
    scene.release(NAME)
    later = scene.reader(scene.old, "a.jpg")
    assert scene.sent(reader) == [(notice, RecallAction.QUARANTINE), (notice, RecallAction.WITHDRAWN)]
    assert scene.sent(later) == []
    with scene.store.read() as tx:
        withdrawn = tx.recalls.of_notice(notice)[1]
    assert set(withdrawn.versions) == {scene.old.id, scene.new.id}
    assert builders.events_and_tables_agree(scene.store)


def test_what_was_revoked_meanwhile_is_not_given_back_with_the_hold(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    held = scene.stop(Stop.HOLD, NAME)
    revoked = scene.stop(Stop.REVOKE, f"{NAME}@{scene.old.id}")
    scene.release(NAME)
    sent = [(held, RecallAction.QUARANTINE), (revoked, RecallAction.PURGE), (held, RecallAction.WITHDRAWN)]
    assert scene.sent(reader) == sent
    with scene.store.read() as tx:
        assert tx.recalls.of_notice(held)[1].versions == (scene.new.id,)


def test_a_hold_that_something_graver_replaces_is_not_withdrawn(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    held = scene.stop(Stop.HOLD, f"{NAME}@{scene.old.id}:a.jpg")
    final = scene.withhold()
    assert scene.sent(reader) == [(held, RecallAction.QUARANTINE), (final, RecallAction.PURGE)]


def test_an_item_held_at_once_for_a_child_is_set_aside_by_its_holders(scene: Scene) -> None:
    reader = scene.reader(scene.new, "moved/a.jpg")
    command = complaints.FileComplaint(
        kind="child", name="n", contact="c", request="r", links=[], asset=NAME, source="one",
        items=[ComplaintItem(path="moved/a.jpg", version=None, preview=None)],
    )  # fmt: skip
    with scene.store.begin() as tx:
        (notice,) = complaints.file_complaint(tx, command, now=NOW, new_id=new_id).held
    assert scene.sent(reader) == [(notice.id, RecallAction.QUARANTINE)]


# numbers and states


def test_numbers_rise_over_the_whole_installation(scene: Scene) -> None:
    notices = [
        scene.stop(Stop.HOLD, f"{NAME}@{scene.new.id}"),
        scene.withhold(),
        scene.stop(Stop.REVOKE, f"{NAME}@{scene.old.id}"),
    ]
    numbers = [scene.recall(notice).seq for notice in notices]
    assert numbers == sorted(set(numbers))


def test_asking_is_what_makes_a_notice_fetched(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    notice = scene.withhold()
    assert reader.account is not None

    def state() -> HolderState:
        assert reader.account is not None
        with scene.store.read() as tx:
            holder = tx.recalls.holder(notice, reader.account.id)
        assert holder is not None
        return holder.state

    assert state() is HolderState.SENT
    with scene.store.begin() as tx:
        assert receipts.unread(tx, reader.account) == [notice]
        receipts.mark_fetched(tx, reader.account, [notice, "N-of-another"], now=NOW)
        assert receipts.unread(tx, reader.account) == []
    assert state() is HolderState.FETCHED


def test_a_long_feed_comes_in_pages_that_leave_nothing_out(scene: Scene) -> None:
    reader = scene.reader(scene.old, "a.jpg")
    assert reader.account is not None
    subject = f"{NAME}@{scene.old.id}:a.jpg"
    for _ in range(3):
        scene.stop(Stop.HOLD, subject)
        scene.release(subject)
    seen: list[int] = []
    more = True
    while more:
        with scene.store.read() as tx:
            feed = receipts.feed(tx, reader.account, seen[-1] if seen else 0, 4)
        seen += [recall.seq for recall in feed.recalls]
        more = feed.more
    assert len(seen) == 6
    assert seen == sorted(set(seen))


# the rules alone

globs = st.lists(st.sampled_from(["*", "a*", "*.jpg", "b/?", "[ab]", ""]), max_size=3)
paths = st.frozensets(st.sampled_from(["a", "b", "a.jpg", "b/c", "b/dd"]), max_size=4)


@given(globs, paths)
def test_an_archive_carries_what_its_globs_choose_and_without_globs_everything(
    chosen: list[str], there: frozenset[str]
) -> None:
    expected = bool(there) if not chosen else any(fnmatch.fnmatchcase(p, g) for p in there for g in chosen)
    assert rules.selects(json.dumps(chosen), there) is expected
    assert rules.selects(None, there) is bool(there)


@given(st.integers(0, 20), st.integers(0, 20), st.none() | st.integers(0, 20))
@settings(max_examples=200)
def test_an_archive_lacks_an_item_exactly_while_it_is_stopped(as_of: int, start: int, stop: int | None) -> None:
    extent = Extent(versions=("v",), paths={"v": frozenset({"a"})})
    fetch = ArchiveFetch(account_id="a", version_id="v", include="[]", as_of=as_of, size=4096)
    stopped = start <= as_of and (stop is None or as_of < stop)
    assert rules.carried_archive(extent, fetch, [Spell(start=start, stop=stop)]) is not stopped
