"""What was made from what: a stop reaches copies of the content, flags descendants, and bars the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.actions import overdue, receipts, stops
from catalog.errors import Conflict, Invalid, NotFound
from catalog.policy import names
from catalog.ports import Store
from catalog.recalls import RecallAction, TaskAnswer, TaskKind
from catalog.vocabulary import Actor, Item, ItemState, ReleaseReason, Role, Stop, Version
from gateway.jobs.recall import RecallCopies
from gateway.jobs.runner import Runner
from tests import builders
from tests.builders import NOW, new_id

SOURCE, DERIVED, MODEL = "demo/source", "lab/crops", "lab/model"
FACE, OTHER, OWN = builders.item("a.jpg", b"face"), builders.item("b.jpg", b"other"), builders.item("w.bin", b"weights")


class Scene:
    """A source of two items; a set made from it that has one of them; a model made from that set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.first, self.second = (builders.actor(store, Role.OPERATOR) for _ in range(2))
        self.owner, self.lab = (builders.actor(store, Role.PUBLISHER) for _ in range(2))
        builders.published_terms(store)
        self.source = self.publish(self.owner, SOURCE, FACE, OTHER)
        self.derived = self.publish(self.lab, DERIVED, FACE, OWN, parents=[f"{SOURCE}@{self.source.id}"])
        self.model = self.publish(self.lab, MODEL, OWN, parents=[f"{DERIVED}@{self.derived.id}"])

    def publish(self, by: Actor, full_name: str, *items: Item, parents: list[str] | None = None) -> Version:
        keys = builders.warrant(derived_from=parents or [])
        return builders.published(self.store, by, *items, full_name=full_name, keys=keys)

    def stop(self, act: Stop, subject: str) -> str:
        return builders.stopped(self.store, self.first, act, subject).id

    def state(self, version: Version, item: Item) -> ItemState:
        with self.store.read() as tx:
            stopped = tx.stops.stopped(version.asset_id).get(item.sha256)
        return ItemState.SERVED if stopped is None else stopped.state

    def flagged(self) -> dict[str, str]:
        with self.store.read() as tx:
            flags = tx.lineage.flags([version.id for version in (self.source, self.derived, self.model)])
        return {flag.version_id: flag.source_id for flag in flags}

    def tasks(self) -> list[tuple[TaskKind, str, str | None]]:
        """What publishers are asked."""
        with self.store.read() as tx:
            waiting = [task for task in tx.tasks.waiting() if task.kind is TaskKind.SOURCE_STOPPED]
        return sorted((task.kind, task.asset_id, task.assignee_id) for task in waiting)

    def elsewhere(self, notice: str) -> list[str] | None:
        """What the operators are told of other assets, by the jobs that the stop has left."""
        worker = RecallCopies(self.store, clock=lambda: NOW, new_id=new_id)
        runner = Runner(self.store, {worker.kind: worker}, clock=lambda: NOW)
        while runner.run_one():
            pass
        with self.store.read() as tx:
            tasks = [task for task in tx.tasks.of_notice(notice) if task.kind is TaskKind.SERVED_ELSEWHERE]
        assert all(task.assignee_id is None for task in tasks)
        return tasks[0].note.splitlines() if tasks else None


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


# flags and tasks


def test_revoking_a_source_flags_all_that_descends_from_it_and_asks_its_publishers(scene: Scene) -> None:
    scene.stop(Stop.REVOKE, f"{SOURCE}@{scene.source.id}")
    assert scene.flagged() == {scene.derived.id: scene.source.id, scene.model.id: scene.source.id}
    assert scene.lab.account is not None
    asked = sorted(
        (TaskKind.SOURCE_STOPPED, version.asset_id, scene.lab.account.id) for version in (scene.derived, scene.model)
    )
    assert scene.tasks() == asked
    with scene.store.read() as tx:
        due = {task.due_at for task in tx.tasks.waiting()}
    assert all(NOW + timedelta(days=15) <= at <= NOW + timedelta(days=30) for at in due)
    assert builders.events_and_tables_agree(scene.store)


def test_a_hold_flags_nothing(scene: Scene) -> None:
    scene.stop(Stop.HOLD, SOURCE)
    assert scene.flagged() == {}
    assert scene.tasks() == []


def test_withholding_an_item_flags_what_was_made_from_versions_that_have_it(scene: Scene) -> None:
    scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg")
    assert set(scene.flagged()) == {scene.derived.id, scene.model.id}


def test_what_is_revoked_already_is_flagged_and_nobody_is_asked_about_it(scene: Scene) -> None:
    scene.stop(Stop.REVOKE, MODEL)
    scene.stop(Stop.REVOKE, SOURCE)
    assert set(scene.flagged()) == {scene.derived.id, scene.model.id}
    assert [asset for _, asset, _ in scene.tasks()] == [scene.derived.asset_id]


def test_two_stops_of_a_source_are_two_flags_and_two_questions(scene: Scene) -> None:
    scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg")
    scene.stop(Stop.REVOKE, SOURCE)
    with scene.store.read() as tx:
        assert len(tx.lineage.flags([scene.model.id])) == 2
    assert len(scene.tasks()) == 4


def test_operators_are_told_of_other_assets_that_still_serve_what_was_stopped_for_good(scene: Scene) -> None:
    twice = [builders.item(f"{n}/b.jpg", b"other") for n in range(2)]
    other = scene.publish(scene.lab, "lab/other", *twice, builders.item("LICENSE", b"Apache"))
    served = [f"lab/other@{other.id}:0/b.jpg", f"lab/other@{other.id}:1/b.jpg"]
    assert scene.elsewhere(scene.stop(Stop.HOLD, f"{SOURCE}@{scene.source.id}:b.jpg")) is None
    assert scene.elsewhere(scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg")) == served
    revoked = scene.stop(Stop.REVOKE, f"{SOURCE}@{scene.source.id}")
    assert scene.elsewhere(revoked) == [f"{DERIVED}@{scene.derived.id}:a.jpg", *served]
    with scene.store.read() as tx:
        (task,) = [task for task in tx.tasks.of_notice(revoked) if task.kind is TaskKind.SERVED_ELSEWHERE]
    with scene.store.begin() as tx:
        closed = overdue.answer_task(tx, scene.first, task.id, TaskAnswer.SEEN_TO, "left: consented", now=NOW)
    assert (list(closed.named), closed.said) == (task.note.splitlines(), "left: consented")
    assert scene.elsewhere(scene.stop(Stop.REVOKE, "lab/other")) is None
    assert builders.events_and_tables_agree(scene.store)


def test_copies_that_only_a_hold_keeps_from_being_served_are_named(scene: Scene) -> None:
    whole = scene.publish(scene.lab, "lab/whole", OTHER)
    part = scene.publish(scene.lab, "lab/part", OTHER, OWN)
    scene.stop(Stop.HOLD, "lab/whole")
    scene.stop(Stop.HOLD, f"lab/part@{part.id}:b.jpg")
    told = scene.elsewhere(scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg"))
    assert told == [f"lab/part@{part.id}:b.jpg (held)", f"lab/whole@{whole.id}:b.jpg (held)"]


def test_doing_what_a_task_about_copies_asks_opens_no_other_and_empties_its_list(scene: Scene) -> None:
    copies = [scene.publish(scene.lab, f"lab/copy{n}", OTHER) for n in range(3)]
    places = [f"lab/copy{n}@{version.id}:b.jpg" for n, version in enumerate(copies)]
    first = scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg")
    assert scene.elsewhere(first) == places

    def found() -> list[str]:
        with scene.store.read() as tx:
            (task,) = [task for task in tx.tasks.of_notice(first) if task.kind is TaskKind.SERVED_ELSEWHERE]
            still = overdue.still_elsewhere(tx, task)
        return ["closed"] if still is None else list(still.lines)

    assert scene.elsewhere(scene.stop(Stop.WITHHOLD, places[0])) is None
    assert found() == places[1:]
    assert scene.elsewhere(scene.stop(Stop.REVOKE, "lab/copy1")) is None
    assert found() == places[2:]
    with scene.store.begin() as tx:
        (task,) = [task for task in tx.tasks.waiting() if task.kind is TaskKind.SERVED_ELSEWHERE]
        overdue.answer_task(tx, scene.first, task.id, TaskAnswer.SEEN_TO, "the last one stays", now=NOW)
    assert found() == ["closed"]
    more = scene.publish(scene.lab, "lab/more", OWN)
    assert scene.elsewhere(scene.stop(Stop.REVOKE, f"lab/more@{more.id}")) == [
        f"{DERIVED}@{scene.derived.id}:w.bin",
        f"{MODEL}@{scene.model.id}:w.bin",
    ]


def test_an_open_task_about_copies_does_not_hide_what_the_stopped_asset_itself_serves_elsewhere(scene: Scene) -> None:
    corrected = scene.publish(scene.owner, SOURCE, OTHER)
    copy = scene.publish(scene.lab, "lab/copy", OTHER)
    told = scene.elsewhere(scene.stop(Stop.REVOKE, f"{SOURCE}@{scene.source.id}"))
    assert told == [f"lab/copy@{copy.id}:b.jpg", f"{DERIVED}@{scene.derived.id}:a.jpg"]
    assert scene.elsewhere(scene.stop(Stop.WITHHOLD, f"lab/copy@{copy.id}:b.jpg")) == [f"{SOURCE}@{corrected.id}:b.jpg"]


def test_nobody_is_told_of_the_text_of_a_licence_or_of_a_newer_version_of_the_same(scene: Scene) -> None:
    licence, empty = builders.item("LICENSE", b"Apache"), builders.item("__init__.py", b"")
    first = scene.publish(scene.owner, "demo/one", licence, empty, builders.item("c.jpg", b"c"))
    scene.publish(scene.owner, "demo/one", builders.item("c.jpg", b"c"))
    scene.publish(scene.lab, "lab/two", builders.item("docs/Licence.md", b"Apache"), empty)
    assert scene.elsewhere(scene.stop(Stop.REVOKE, f"demo/one@{first.id}")) is None


def test_of_many_copies_elsewhere_the_first_are_named_and_all_are_counted(scene: Scene) -> None:
    scene.publish(scene.lab, "lab/many", *(builders.item(f"{n:03}.jpg", b"other") for n in range(30)))
    told = scene.elsewhere(scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:b.jpg")) or []
    assert (len(told), told[-1]) == (21, "+ 10")


def test_a_publisher_answers_for_what_is_theirs(scene: Scene) -> None:
    scene.stop(Stop.REVOKE, SOURCE)
    with scene.store.read() as tx:
        task = next(task for task in tx.tasks.waiting() if task.asset_id == scene.model.asset_id)

    def answer(by: Actor, word: TaskAnswer = TaskAnswer.RETRAINED) -> None:
        with scene.store.begin() as tx:
            overdue.answer_task(tx, by, task.id, word, "trained anew without it", now=NOW)

    with pytest.raises(NotFound):
        answer(scene.owner)
    with pytest.raises(Invalid):
        answer(scene.lab, TaskAnswer.SEEN_TO)
    answer(scene.lab)
    with scene.store.read() as tx:
        closed = tx.tasks.get(task.id)
    assert closed is not None
    assert (closed.answer, closed.note) == (TaskAnswer.RETRAINED, "trained anew without it")


# the content itself, in what was made from it


@pytest.mark.parametrize(("act", "state"), [(Stop.HOLD, ItemState.HELD), (Stop.WITHHOLD, ItemState.WITHHELD)])
def test_a_stopped_item_is_stopped_in_what_was_made_from_its_set_and_called_back_there(
    scene: Scene, act: Stop, state: ItemState
) -> None:
    reader = builders.actor(scene.store)
    builders.delivered(scene.store, reader, scene.derived, "a.jpg")
    notice = scene.stop(act, f"{SOURCE}@{scene.source.id}:a.jpg")
    assert (scene.state(scene.source, FACE), scene.state(scene.derived, FACE)) == (state, state)
    assert scene.state(scene.derived, OWN) is ItemState.SERVED
    feed = scene.store.feed()
    cuts = {subject for cut in feed.cuts_since(0) for subject in cut.subjects}
    feed.close()
    assert {f"item:{v.asset_id}:{FACE.sha256}" for v in (scene.source, scene.derived)} <= cuts
    assert f"archive:{scene.derived.asset_id}" in cuts
    assert reader.account is not None
    with scene.store.read() as tx:
        (recall,) = receipts.feed(tx, reader.account, 0, 10).recalls
    assert (recall.notice_id, set(recall.versions)) == (notice, {scene.source.id, scene.derived.id})
    assert builders.events_and_tables_agree(scene.store)


def test_the_same_content_in_an_asset_that_was_not_made_from_it_stays(scene: Scene) -> None:
    unrelated = scene.publish(scene.lab, "lab/unrelated", FACE)
    scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:a.jpg")
    assert scene.state(unrelated, FACE) is ItemState.SERVED


def test_a_hold_is_released_wherever_it_reached_and_only_as_a_whole(scene: Scene) -> None:
    notice = scene.stop(Stop.HOLD, f"{SOURCE}@{scene.source.id}:a.jpg")

    def release(subject: str) -> None:
        with scene.store.begin() as tx:
            ref = names.subject(subject)
            proposal, _ = stops.release(tx, scene.first, ref, ReleaseReason.RESOLVED, now=NOW, new_id=new_id)
        with scene.store.begin() as tx:
            stops.confirm(tx, scene.second, proposal.id, now=NOW)

    with pytest.raises(Conflict, match="held-with-asset"):
        release(f"{DERIVED}@{scene.derived.id}:a.jpg")
    release(f"{SOURCE}@{scene.source.id}:a.jpg")
    assert scene.state(scene.source, FACE) is scene.state(scene.derived, FACE) is ItemState.SERVED
    with scene.store.read() as tx:
        sent = tx.recalls.of_notice(notice)
    assert [recall.action for recall in sent] == [RecallAction.QUARANTINE, RecallAction.WITHDRAWN]
    assert set(sent[1].versions) == {scene.source.id, scene.derived.id}
    assert builders.events_and_tables_agree(scene.store)


def test_a_milder_source_does_not_let_one_person_release_what_a_graver_set_holds(store: Store) -> None:
    scene = Scene(store)
    public = builders.warrant(**{"class": "public", "persons": "none", "pia": None})
    mild = builders.published(store, scene.owner, OTHER, full_name="demo/mild", keys=public)
    scene.publish(scene.lab, "lab/grave", OTHER, parents=[f"demo/mild@{mild.id}"])
    scene.stop(Stop.HOLD, f"demo/mild@{mild.id}:b.jpg")
    with store.begin() as tx:
        ref = names.subject(f"demo/mild@{mild.id}:b.jpg")
        _, lifted = stops.release(tx, scene.first, ref, ReleaseReason.RESOLVED, now=NOW, new_id=new_id)
    assert not lifted


def test_withholding_in_the_derived_set_alone_leaves_the_source(scene: Scene) -> None:
    held = scene.stop(Stop.HOLD, f"{SOURCE}@{scene.source.id}:a.jpg")
    scene.stop(Stop.WITHHOLD, f"{DERIVED}@{scene.derived.id}:a.jpg")
    assert (scene.state(scene.source, FACE), scene.state(scene.derived, FACE)) == (ItemState.HELD, ItemState.WITHHELD)
    with scene.store.read() as tx:
        assert [notice.id for notice in tx.stops.open_notices()] == [held]
    scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:a.jpg")
    with scene.store.read() as tx:
        assert tx.stops.open_notices() == []
    assert builders.events_and_tables_agree(scene.store)


# what a warrant may name


@pytest.mark.parametrize(
    "parent", [SOURCE, "nonsense", f"{SOURCE}@nothing", "demo/nothing@main", f"{SOURCE}@main:a.jpg", "demo/faces@"]
)
def test_a_source_is_a_released_version_of_this_gateway(scene: Scene, parent: str) -> None:
    with pytest.raises(Invalid) as caught:
        scene.publish(scene.lab, "lab/new", OWN, parents=[parent])
    assert list(caught.value.fields) == ["derived_from"]


def test_a_source_may_be_named_by_its_tag_and_is_kept_by_its_id(scene: Scene) -> None:
    new = scene.publish(scene.lab, "lab/new", OWN, parents=[f"{SOURCE}@main", f"{SOURCE}@{scene.source.id}"])
    with scene.store.read() as tx:
        assert tx.lineage.parents(new.id) == [scene.source.id]


def test_what_the_publisher_cannot_see_is_no_source_for_them(scene: Scene) -> None:
    hidden = builders.warrant(**{"class": "minor", "persons": "minors"})
    minors = builders.published(scene.store, scene.owner, OTHER, full_name="demo/minors", keys=hidden)
    with pytest.raises(Invalid):
        scene.publish(scene.lab, "lab/new", OWN, parents=[f"demo/minors@{minors.id}"])


@pytest.mark.parametrize("act", [Stop.HOLD, Stop.REVOKE])
def test_nothing_new_is_made_from_a_stopped_source(scene: Scene, act: Stop) -> None:
    notice = scene.stop(act, SOURCE)
    with pytest.raises(Conflict, match="source-stopped") as caught:
        scene.publish(scene.lab, "lab/new", OWN, parents=[f"{SOURCE}@{scene.source.id}"])
    assert caught.value.params["notice"] == notice


# the way back


def barred(scene: Scene, *items: Item, full_name: str = "lab/other") -> dict[str, str]:
    with pytest.raises(Conflict, match="content-stopped") as caught:
        scene.publish(scene.lab, full_name, *items)
    return dict(caught.value.params)


def test_withheld_content_does_not_come_back_under_another_name_or_in_another_asset(scene: Scene) -> None:
    notice = scene.stop(Stop.WITHHOLD, f"{SOURCE}@{scene.source.id}:a.jpg")
    told = barred(scene, builders.item("renamed.jpg", b"face"), builders.item("new.jpg", b"new"))
    assert told == {"path": "renamed.jpg", "count": "1", "notice": notice}
    assert barred(scene, builders.item("again.jpg", b"face"), full_name=DERIVED)["notice"] == notice
    scene.publish(scene.lab, "lab/other", builders.item("new.jpg", b"new"))


def test_the_content_of_a_revoked_version_does_not_come_back_but_in_an_asset_that_has_it_and_stands(
    scene: Scene,
) -> None:
    notice = scene.stop(Stop.REVOKE, SOURCE)
    assert barred(scene, OTHER) == {"path": "b.jpg", "count": "1", "notice": notice}
    assert barred(scene, FACE, full_name="lab/third")["notice"] == notice, (
        "that lab/crops has it is no leave for others"
    )
    scene.publish(scene.lab, DERIVED, FACE, builders.item("more.jpg", b"more"))
    scene.stop(Stop.REVOKE, DERIVED)
    assert barred(scene, FACE)["path"] == "a.jpg"


def test_a_corrected_version_that_was_published_before_the_faulty_one_was_revoked_may_be_built_upon(
    scene: Scene,
) -> None:
    scene.publish(scene.owner, SOURCE, FACE, builders.item("c.jpg", b"corrected"))
    scene.stop(Stop.REVOKE, f"{SOURCE}@{scene.source.id}")
    scene.publish(scene.owner, SOURCE, FACE, builders.item("d.jpg", b"more"))
    assert barred(scene, OTHER, full_name="lab/other")["count"] == "1"


@pytest.mark.parametrize("name", ["LICENSE", "docs/LICENCE.md", "copying", "NOTICE.txt"])
def test_the_text_of_a_licence_and_an_empty_file_may_come_back(scene: Scene, name: str) -> None:
    licence, empty = builders.item(name, b"Apache"), builders.item("__init__.py", b"")
    scene.publish(scene.owner, "demo/withdrawn", licence, empty)
    scene.stop(Stop.REVOKE, "demo/withdrawn")
    assert barred(scene, builders.item("face.jpg", b"Apache"))["path"] == "face.jpg"
    scene.publish(scene.lab, "lab/new", licence, empty)


def test_content_on_hold_elsewhere_waits(scene: Scene) -> None:
    notice = scene.stop(Stop.HOLD, f"{SOURCE}@{scene.source.id}:b.jpg")
    assert barred(scene, OTHER)["notice"] == notice
