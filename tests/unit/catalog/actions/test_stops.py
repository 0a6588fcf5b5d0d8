"""Hold, withhold, revoke and release: which state follows which, what is cut, and who must agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from catalog.actions import complaints, publish, stops
from catalog.actions.authority import ANYONE
from catalog.errors import CatalogError, Conflict, Denied, Invalid, NotFound
from catalog.policy import names
from catalog.ports import Store
from catalog.vocabulary import (
    Actor,
    ComplaintState,
    ItemState,
    Kind,
    Notice,
    Release,
    ReleaseReason,
    Role,
    Scope,
    Stop,
    StopReason,
    Version,
    VersionState,
)
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"
PATH = "a.jpg"
HELD, REVOKED, PUBLISHED = VersionState.HELD, VersionState.REVOKED, VersionState.PUBLISHED


class Scene:
    """Two operators, and an asset of two versions that share the item a.jpg under different paths."""

    def __init__(self, store: Store, **keys: object) -> None:
        self.store = store
        self.first, self.second = (builders.actor(store, Role.OPERATOR) for _ in range(2))
        publisher = builders.actor(store, Role.PUBLISHER)
        builders.published_terms(store)
        shared = builders.item(PATH, b"shared")
        moved = builders.item("moved.jpg", b"shared")
        warrant = builders.warrant(**keys)
        self.old = builders.published(store, publisher, shared, builders.item("b.jpg", b"old"), keys=warrant)
        self.new = builders.published(store, publisher, moved, builders.item("b.jpg", b"new"), keys=warrant)
        self.sha256 = shared.sha256
        self.asset_id = self.new.asset_id

    def stop(self, act: Stop, subject: str, case: str | None = None, by: Actor | None = None) -> Notice:
        command = stops.StopCommand(
            act=act, subject=names.subject(subject), reason=StopReason.RIGHTS_COMPLAINT, case=case
        )
        with self.store.begin() as tx:
            return stops.stop(tx, by or self.first, command, now=NOW, new_id=new_id)

    def release(self, subject: str, by: Actor | None = None) -> tuple[Release, bool]:
        ref = names.subject(subject)
        with self.store.begin() as tx:
            return stops.release(tx, by or self.first, ref, ReleaseReason.UNFOUNDED, now=NOW, new_id=new_id)

    def confirm(self, release_id: str, by: Actor | None = None) -> Release:
        with self.store.begin() as tx:
            return stops.confirm(tx, by or self.second, release_id, now=NOW)

    def subject(self, level: str) -> str:
        return {
            "asset": NAME,
            "version": f"{NAME}@{self.new.id}",
            "item": f"{NAME}@{self.old.id}:{PATH}",
        }[level]

    def states(self) -> tuple[VersionState, VersionState]:
        with self.store.read() as tx:
            old, new = tx.assets.version(self.old.id), tx.assets.version(self.new.id)
        assert old is not None
        assert new is not None
        return old.state, new.state

    def item_state(self) -> ItemState:
        """Of the shared item, as either version shows it."""
        with self.store.read() as tx:
            seen = set()
            for version, path in ((self.old, PATH), (self.new, "moved.jpg")):
                ground = tx.facts.ground(account_id=None, ns="demo", name="street-faces", ref=version.id)
                seen.add(ground.at(tx.assets.item(version.id, path)).item)
        (state,) = seen
        return state

    def standing(self) -> list[str]:
        with self.store.read() as tx:
            return [notice.id for notice in tx.stops.open_notices()]

    def cuts(self, after: int = 0) -> list[frozenset[str]]:
        feed = self.store.feed()
        found = [cut.subjects for cut in feed.cuts_since(after)]
        feed.close()
        return found


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def fails(act: Callable[[], object], kind: type[CatalogError], code: str) -> None:
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.code == code


# what follows what


def test_a_hold_of_the_asset_holds_every_released_version_and_cuts_its_streams(scene: Scene) -> None:
    notice = scene.stop(Stop.HOLD, NAME)
    assert scene.states() == (HELD, HELD)
    assert scene.cuts() == [{f"asset:{scene.asset_id}"}]
    assert (notice.version_id, notice.sha256, notice.lifted_at) == (None, None, None)


def test_a_hold_of_a_version_holds_that_one_and_cuts_its_streams(scene: Scene) -> None:
    scene.stop(Stop.HOLD, f"{NAME}@{scene.old.id}")
    assert scene.states() == (HELD, PUBLISHED)
    assert scene.cuts() == [{f"version:{scene.old.id}"}]


@pytest.mark.parametrize(("act", "state"), [(Stop.HOLD, ItemState.HELD), (Stop.WITHHOLD, ItemState.WITHHELD)])
def test_an_item_is_stopped_by_its_digest_in_every_version_and_archives_are_cut(
    scene: Scene, act: Stop, state: ItemState
) -> None:
    scene.stop(act, scene.subject("item"))
    assert scene.item_state() is state
    assert scene.states() == (PUBLISHED, PUBLISHED)
    assert scene.cuts() == [{f"item:{scene.asset_id}:{scene.sha256}", f"archive:{scene.asset_id}"}]


def test_a_revocation_of_the_asset_revokes_all_its_versions_and_a_later_release_is_served(
    scene: Scene, store: Store
) -> None:
    scene.stop(Stop.REVOKE, NAME)
    assert scene.states() == (REVOKED, REVOKED)
    later = builders.published(store, scene.first, builders.item("c.jpg", b"later"))
    with store.read() as tx:
        assert tx.assets.resolve(scene.asset_id, "main") == later


def test_main_and_tags_name_the_version_that_they_stand_for_now(scene: Scene) -> None:
    notice = scene.stop(Stop.HOLD, f"{NAME}@main")
    assert notice.subject == f"{NAME}@{scene.new.id}"
    assert scene.states() == (PUBLISHED, HELD)


@pytest.mark.parametrize(
    ("before", "act", "level"),
    [
        (Stop.HOLD, Stop.HOLD, "asset"),
        (Stop.HOLD, Stop.HOLD, "version"),
        (Stop.HOLD, Stop.HOLD, "item"),
        (Stop.REVOKE, Stop.HOLD, "asset"),
        (Stop.REVOKE, Stop.HOLD, "version"),
        (Stop.REVOKE, Stop.REVOKE, "asset"),
        (Stop.REVOKE, Stop.REVOKE, "version"),
        (Stop.WITHHOLD, Stop.HOLD, "item"),
        (Stop.WITHHOLD, Stop.WITHHOLD, "item"),
    ],
)
def test_what_is_stopped_is_not_stopped_again_by_the_same_or_a_milder_act(
    scene: Scene, before: Stop, act: Stop, level: str
) -> None:
    first = scene.stop(before, scene.subject(level))
    with pytest.raises(Conflict, match="already-stopped") as caught:
        scene.stop(act, scene.subject(level))
    assert caught.value.params["notice"] == first.id
    assert len(scene.cuts()) == 1


@pytest.mark.parametrize("level", ["asset", "version"])
def test_a_hold_becomes_a_revocation_and_stands_no_more(scene: Scene, level: str) -> None:
    held = scene.stop(Stop.HOLD, scene.subject(level))
    assert scene.standing() == [held.id]
    scene.stop(Stop.REVOKE, scene.subject(level))
    assert scene.standing() == []
    assert scene.states()[1] is REVOKED


def test_a_held_item_is_withheld_and_its_hold_stands_no_more(scene: Scene) -> None:
    scene.stop(Stop.HOLD, scene.subject("item"))
    scene.stop(Stop.WITHHOLD, scene.subject("item"))
    assert scene.standing() == []
    assert scene.item_state() is ItemState.WITHHELD


def test_a_hold_of_the_asset_stands_while_one_of_its_versions_is_revoked(scene: Scene) -> None:
    held = scene.stop(Stop.HOLD, NAME)
    scene.stop(Stop.REVOKE, f"{NAME}@{scene.old.id}")
    assert scene.standing() == [held.id]
    assert scene.states() == (REVOKED, HELD)
    scene.stop(Stop.REVOKE, f"{NAME}@{scene.new.id}")
    assert scene.standing() == []


def test_a_hold_of_the_asset_leaves_a_version_that_was_held_before_to_its_own_hold(scene: Scene) -> None:
    scene.stop(Stop.HOLD, f"{NAME}@{scene.old.id}")
    scene.stop(Stop.HOLD, NAME)
    scene.confirm(scene.release(NAME)[0].id)
    assert scene.states() == (HELD, PUBLISHED)


@pytest.mark.parametrize(
    ("act", "level"), [(Stop.WITHHOLD, "asset"), (Stop.WITHHOLD, "version"), (Stop.REVOKE, "item")]
)
def test_an_act_that_its_subject_cannot_bear_is_refused(scene: Scene, act: Stop, level: str) -> None:
    fails(lambda: scene.stop(act, scene.subject(level)), Invalid, "invalid")
    assert scene.cuts() == []


def test_what_is_not_there_or_still_a_draft_cannot_be_stopped(scene: Scene, store: Store) -> None:
    with store.begin() as tx:
        draft = publish.open_draft(tx, scene.first, Kind.DATASET, "demo/draft", now=NOW, new_id=new_id)
        publish.add_items(tx, scene.first, draft.id, [builders.item(PATH)])
    for subject in (
        "demo/absent",
        f"{NAME}@v9",
        f"{NAME}@{'0' * 40}",
        f"{NAME}@{scene.new.id}:absent.jpg",
        f"{NAME}@{draft.id}",
        f"demo/draft@{draft.id}",
        f"demo/draft@{draft.id}:{PATH}",
        "demo/draft@main",
    ):
        fails(lambda subject=subject: scene.stop(Stop.HOLD, subject), NotFound, "no-such-subject")  # type: ignore[misc]
    fails(lambda: scene.stop(Stop.HOLD, "demo/draft"), Conflict, "nothing-released")


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.PUBLISHER, Role.AUDITOR, None])
def test_only_an_operator_stops_and_releases(scene: Scene, store: Store, role: Role | None) -> None:
    actor = ANYONE if role is None else builders.actor(store, role)
    with pytest.raises(Denied):
        scene.stop(Stop.HOLD, NAME, by=actor)
    scene.stop(Stop.HOLD, NAME)
    with pytest.raises(Denied):
        scene.release(NAME, by=actor)
    proposal, _ = scene.release(NAME)
    with pytest.raises(Denied):
        scene.confirm(proposal.id, by=actor)
    assert scene.states() == (HELD, HELD)


def test_an_operators_token_without_the_scope_stops_nothing(scene: Scene) -> None:
    reading = Actor(account=scene.first.account, scopes=frozenset({Scope.READ, Scope.ACCEPT, Scope.PUBLISH}))
    with pytest.raises(Denied, match="scope-missing"):
        scene.stop(Stop.HOLD, NAME, by=reading)


# notices and cases


def test_a_notice_tells_the_act_its_reason_and_its_place_in_the_ledger(scene: Scene, store: Store) -> None:
    notice = scene.stop(Stop.HOLD, scene.subject("item"))
    with store.read() as tx:
        assert tx.stops.notice(notice.id) == notice
        (event,) = tx.ledger.events(notice.position - 1, 1)
        assert tx.stops.notices(scene.asset_id) == [notice]
    assert (event.kind, event.subject, event.data["reason"]) == (
        "notice:issued", f"notice:{notice.id}", "rights_complaint",
    )  # fmt: skip


def filed(store: Store) -> str:
    command = complaints.FileComplaint(
        kind="self", name="n", contact="c", request="r", links=[], asset=NAME, items=[], source="s"
    )
    with store.begin() as tx:
        return complaints.file_complaint(tx, command, now=NOW, new_id=new_id).complaint.case


def state_of(store: Store, case: str) -> ComplaintState:
    with store.read() as tx:
        complaint = tx.complaints.get(case)
    assert complaint is not None
    return complaint.state


@pytest.mark.parametrize(("act", "level"), [(Stop.REVOKE, "asset"), (Stop.REVOKE, "version"), (Stop.WITHHOLD, "item")])
def test_a_final_stop_upholds_its_case_and_a_hold_leaves_it_open(
    scene: Scene, store: Store, act: Stop, level: str
) -> None:
    case = filed(store)
    held = scene.stop(Stop.HOLD, scene.subject(level), case)
    assert state_of(store, case) is ComplaintState.OPEN
    final = scene.stop(act, scene.subject(level), case)
    assert state_of(store, case) is ComplaintState.UPHELD
    with store.read() as tx:
        assert [notice.id for notice in tx.complaints.notices(case)] == [held.id, final.id]


def test_more_may_be_stopped_for_a_case_that_was_upheld_and_nothing_for_one_that_was_dismissed(
    scene: Scene, store: Store
) -> None:
    upheld, dismissed = filed(store), filed(store)
    scene.stop(Stop.WITHHOLD, scene.subject("item"), upheld)
    scene.stop(Stop.REVOKE, scene.subject("version"), upheld)
    assert state_of(store, upheld) is ComplaintState.UPHELD
    with store.begin() as tx:
        complaints.dismiss(tx, scene.first, dismissed, ReleaseReason.UNFOUNDED, now=NOW)
    fails(lambda: scene.stop(Stop.HOLD, f"{NAME}@{scene.old.id}", dismissed), Conflict, "case-closed")
    fails(lambda: scene.stop(Stop.HOLD, f"{NAME}@{scene.old.id}", "C-0"), NotFound, "no-such-case")
    assert scene.states() == (PUBLISHED, REVOKED)


# release


@pytest.mark.parametrize(
    "keys", [{"class": "public", "persons": "none"}, {"class": "model", "persons": "none"}], ids=["public", "model"]
)
@pytest.mark.parametrize("level", ["asset", "version", "item"])
def test_below_class_2_one_person_lifts_a_hold(store: Store, keys: dict[str, object], level: str) -> None:
    scene = Scene(store, **keys)
    scene.stop(Stop.HOLD, scene.subject(level))
    release, lifted = scene.release(scene.subject(level))
    assert lifted
    assert release.confirmed_by == release.proposed_by
    assert scene.states() == (PUBLISHED, PUBLISHED)
    assert scene.item_state() is ItemState.SERVED
    assert scene.standing() == []
    fails(lambda: scene.confirm(release.id), Conflict, "already-released")


@pytest.mark.parametrize(
    "keys", [{"class": "face"}, {"class": "body"}, {"persons": "minors"}], ids=["face", "body", "minor"]
)
@pytest.mark.parametrize("level", ["asset", "version", "item"])
def test_from_class_2_on_a_second_person_must_agree(store: Store, keys: dict[str, object], level: str) -> None:
    scene = Scene(store, **keys)
    notice = scene.stop(Stop.HOLD, scene.subject(level))
    before = (scene.states(), scene.item_state())
    proposal, lifted = scene.release(scene.subject(level))
    assert not lifted
    assert (scene.states(), scene.item_state()) == before
    fails(lambda: scene.confirm(proposal.id, by=scene.first), Conflict, "second-person")
    fails(lambda: scene.release(scene.subject(level), by=scene.second), Conflict, "already-proposed")
    assert scene.standing() == [notice.id]
    done = scene.confirm(proposal.id)
    assert done.confirmed_by != done.proposed_by
    assert scene.states() == (PUBLISHED, PUBLISHED)
    assert scene.item_state() is ItemState.SERVED
    assert scene.standing() == []
    fails(lambda: scene.confirm(proposal.id), Conflict, "already-released")


def test_a_milder_release_does_not_make_an_older_version_of_faces_one_persons_business(store: Store) -> None:
    scene = Scene(store)
    milder = builders.warrant(**{"class": "public", "persons": "none"})
    builders.published(store, scene.first, builders.item("c.jpg", b"c"), keys=milder)
    for subject in (f"{NAME}@{scene.old.id}", NAME):
        scene.stop(Stop.HOLD, subject)
        proposal, lifted = scene.release(subject)
        assert not lifted
        scene.confirm(proposal.id)


def test_what_was_withheld_or_revoked_is_never_lifted(scene: Scene) -> None:
    scene.stop(Stop.WITHHOLD, scene.subject("item"))
    scene.stop(Stop.REVOKE, scene.subject("version"))
    for level in ("item", "version", "asset"):
        fails(lambda level=level: scene.release(scene.subject(level)), Conflict, "not-held")  # type: ignore[misc]
    assert scene.item_state() is ItemState.WITHHELD
    assert scene.states() == (PUBLISHED, REVOKED)


def test_a_version_is_released_by_the_hold_that_held_it(scene: Scene) -> None:
    scene.stop(Stop.HOLD, NAME)
    fails(lambda: scene.release(scene.subject("version")), Conflict, "held-with-asset")
    scene.confirm(scene.release(NAME)[0].id)
    fails(lambda: scene.release(NAME), Conflict, "not-held")


def test_a_held_item_is_released_under_any_of_its_names(scene: Scene) -> None:
    scene.stop(Stop.HOLD, scene.subject("item"))
    scene.confirm(scene.release(f"{NAME}@{scene.new.id}:moved.jpg")[0].id)
    assert scene.item_state() is ItemState.SERVED


def test_a_proposal_is_void_once_the_hold_became_a_revocation(scene: Scene, store: Store) -> None:
    scene.stop(Stop.HOLD, NAME)
    proposal, _ = scene.release(NAME)
    with store.read() as tx:
        assert [waiting.id for waiting in tx.stops.proposals()] == [proposal.id]
    scene.stop(Stop.REVOKE, NAME)
    with store.read() as tx:
        assert list(tx.stops.proposals()) == []
    fails(lambda: scene.confirm(proposal.id), Conflict, "already-released")
    assert scene.states() == (REVOKED, REVOKED)


def test_a_proposal_does_not_serve_for_a_hold_placed_later(scene: Scene) -> None:
    scene.stop(Stop.HOLD, NAME)
    first, _ = scene.release(NAME)
    scene.confirm(first.id)
    scene.stop(Stop.HOLD, NAME)
    fails(lambda: scene.confirm(first.id), Conflict, "already-released")
    assert scene.states() == (HELD, HELD)


def test_an_unknown_proposal_is_not_found(scene: Scene) -> None:
    fails(lambda: scene.confirm("R-0"), NotFound, "no-such-release")


def test_a_released_hold_can_be_placed_again(scene: Scene) -> None:
    for _ in range(2):
        scene.stop(Stop.HOLD, scene.subject("version"))
        scene.confirm(scene.release(scene.subject("version"))[0].id)
    assert scene.states() == (PUBLISHED, PUBLISHED)


def test_a_release_cuts_nothing(scene: Scene) -> None:
    notice = scene.stop(Stop.HOLD, NAME)
    scene.confirm(scene.release(NAME)[0].id)
    assert scene.cuts(after=notice.position) == []


def test_a_stop_of_one_asset_touches_no_other(scene: Scene, store: Store) -> None:
    twin: Version = builders.published(store, scene.first, builders.item(PATH, b"shared"), full_name="demo/twin")
    scene.stop(Stop.WITHHOLD, scene.subject("item"))
    scene.stop(Stop.REVOKE, NAME)
    with store.read() as tx:
        assert tx.assets.version(twin.id) == twin
        assert tx.stops.stopped(twin.asset_id) == {}
