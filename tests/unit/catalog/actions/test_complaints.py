"""Complaints: taken in as written, stopping only what the rule for children stops, and answered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.actions import complaints, publish, stops
from catalog.actions.authority import ANYONE
from catalog.errors import Conflict, Denied, Invalid, NotFound
from catalog.policy import names
from catalog.ports import Store
from catalog.vocabulary import (
    Actor,
    ComplaintItem,
    ComplaintKind,
    ComplaintState,
    ItemState,
    Kind,
    ReleaseReason,
    Role,
    Stop,
    StopReason,
    Version,
)
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"
PATHS = [f"{letter}.jpg" for letter in "abcdef"]
HOUR = timedelta(hours=1)


def command(**changes: object) -> complaints.FileComplaint:
    made = complaints.FileComplaint(
        kind="child", name="Someone", contact="by letter", request="take it down", links=[], asset=NAME, items=[],
        source="one address",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def at(path: str, version: str | None = None) -> ComplaintItem:
    return ComplaintItem(path=path, version=version, preview=None)


def file(store: Store, later: timedelta = timedelta(), **changes: object) -> complaints.Filed:
    with store.begin() as tx:
        return complaints.file_complaint(tx, command(**changes), now=NOW + later, new_id=new_id)


def held(store: Store, version: Version) -> list[str]:
    """Paths of the version that are on hold."""
    with store.read() as tx:
        stopped = tx.stops.stopped(version.asset_id)
        return [item.path for item in tx.assets.items(version.id) if item.sha256 in stopped]


@pytest.fixture
def operator(store: Store) -> Actor:
    return builders.actor(store, Role.OPERATOR)


@pytest.fixture
def version(store: Store, operator: Actor) -> Version:
    builders.published_terms(store)
    return builders.published(store, operator, *(builders.item(path, path.encode()) for path in PATHS))


@pytest.mark.parametrize("kind", [kind for kind in ComplaintKind if kind is not ComplaintKind.CHILD])
def test_no_complaint_but_a_childs_stops_anything_by_itself(store: Store, version: Version, kind: str) -> None:
    filed = file(store, kind=kind, items=[at("a.jpg")])
    assert filed.held == ()
    assert held(store, version) == []
    assert filed.complaint.state is ComplaintState.OPEN


def test_an_item_named_for_a_child_is_held_at_once_and_its_streams_are_cut(store: Store, version: Version) -> None:
    filed = file(store, items=[at("b.jpg")])
    (notice,) = filed.held
    assert held(store, version) == ["b.jpg"]
    assert (notice.act, notice.reason, notice.case) == (Stop.HOLD, StopReason.CHILD, filed.complaint.case)
    feed = store.feed()
    (cut,) = feed.cuts_since(0)
    feed.close()
    sha256 = builders.item("b.jpg", b"b.jpg").sha256
    assert cut.subjects == {f"item:{version.asset_id}:{sha256}", f"archive:{version.asset_id}"}


def test_one_address_holds_three_items_a_day_however_it_spreads_them(store: Store, version: Version) -> None:
    assert len(file(store, items=[at("a.jpg"), at("b.jpg")]).held) == 2
    assert len(file(store, HOUR, items=[at("c.jpg"), at("d.jpg")]).held) == 1
    assert len(file(store, 2 * HOUR, items=[at("e.jpg")]).held) == 0
    assert held(store, version) == PATHS[:3]
    assert len(file(store, 2 * HOUR, items=[at("e.jpg")], source="another address").held) == 1
    assert len(file(store, 25 * HOUR, items=[at("f.jpg")]).held) == 1


def test_what_is_stopped_already_uses_up_none_of_the_three(store: Store, version: Version) -> None:
    file(store, items=[at("a.jpg")], source="another address")
    named = [at("a.jpg"), at("a.jpg"), at("b.jpg"), at("c.jpg"), at("d.jpg"), at("e.jpg")]
    assert len(file(store, items=named).held) == 3
    assert held(store, version) == PATHS[:4]


def test_a_complaint_may_name_a_tile_a_tag_or_a_version(store: Store, version: Version, operator: Actor) -> None:
    newer = builders.published(store, operator, builders.item("new.jpg", b"new"), tag="v2")
    tile = ComplaintItem(path=None, version=version.id, preview=2)
    assert [n.subject for n in file(store, items=[tile, at("new.jpg", "v2")]).held] == [
        f"{NAME}@{version.id}:b.jpg",
        f"{NAME}@{newer.id}:new.jpg",
    ]


@pytest.mark.parametrize(
    "items",
    [
        [at("absent.jpg")],
        [at("../a.jpg")],
        [at("a.jpg", "v9")],
        [ComplaintItem(path=None, version=None, preview=None)],
        [ComplaintItem(path=None, version=None, preview=0)],
        [ComplaintItem(path=None, version=None, preview=7)],
        [ComplaintItem(path=None, version=None, preview=-1)],
        [ComplaintItem(path=None, version=None, preview=10**30)],
    ],
)
def test_what_cannot_be_found_is_taken_in_as_it_was_named(
    store: Store, version: Version, items: Sequence[ComplaintItem]
) -> None:
    filed = file(store, items=items)
    assert filed.held == ()
    with store.read() as tx:
        kept = tx.complaints.get(filed.complaint.case)
    assert kept == filed.complaint
    assert list(kept.items) == items


@pytest.mark.parametrize("asset", ["demo/absent", "no asset at all", "../../etc/passwd", "https://example.org/x"])
def test_a_complaint_about_an_unknown_asset_is_taken_in(store: Store, asset: str) -> None:
    assert file(store, asset=asset, items=[at("a.jpg")]).complaint.asset == asset


@pytest.mark.parametrize("ref", [None, "main"])
def test_what_is_named_stays_what_it_was_on_the_day_of_filing(
    store: Store, version: Version, operator: Actor, ref: str | None
) -> None:
    filed = file(store, kind="self", items=[at("a.jpg", ref)])
    builders.published(store, operator, builders.item("a.jpg", b"another picture"))
    with store.read() as tx:
        (subject,) = complaints.subjects_named(tx, filed.complaint)
    assert subject.version == version.id


def test_a_draft_looks_like_nothing_to_a_complaint(store: Store, version: Version, operator: Actor) -> None:
    with store.begin() as tx:
        draft = publish.open_draft(tx, operator, Kind.DATASET, NAME, now=NOW, new_id=new_id)
        publish.add_items(tx, operator, draft.id, [builders.item("secret.jpg", b"s")])
    assert file(store, items=[at("secret.jpg", draft.id)]).held == ()


def test_links_and_words_are_kept_as_they_were_written(store: Store) -> None:
    links = ["http://127.0.0.1:8000/admin", "javascript:alert(1)", "file:///etc/passwd", "<script>x</script>", "看"]
    words = "'; DROP TABLE complaints; -- \u202e <b>"
    filed = file(store, links=links, request=words, name=words, contact=words, asset=None)
    with store.read() as tx:
        kept = tx.complaints.get(filed.complaint.case)
    assert kept is not None
    assert list(kept.links) == links
    assert kept.request == kept.name == kept.contact == words


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"contact": ""}, "contact"),
        ({"request": "\n"}, "request"),
        ({"name": "x" * 201}, "name"),
        ({"contact": "x" * 401}, "contact"),
        ({"request": "x" * 10_001}, "request"),
        ({"kind": "aliens"}, "kind"),
        ({"links": ["x"] * 21}, "links"),
        ({"links": ["x" * 2001]}, "links"),
        ({"items": [at("a.jpg")] * 101}, "items"),
        ({"items": [at("a.jpg")], "asset": None}, "asset"),
        ({"items": [at("a.jpg")], "asset": " "}, "asset"),
        ({"request": "half \ud800"}, "request"),
        ({"links": ["\udfff"]}, "links"),
        ({"items": [at("\ud800.jpg")]}, "items"),
    ],
)
def test_what_a_complaint_lacks_is_named_and_nothing_is_kept(
    store: Store, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        file(store, **changes)
    assert list(caught.value.fields) == [field]
    with store.read() as tx:
        assert list(tx.complaints.queue(None)) == []


def test_a_complaint_needs_neither_asset_nor_links(store: Store) -> None:
    assert file(store, asset=None, kind="misuse").complaint.asset is None


def test_the_status_opens_to_the_secret_only_and_an_unknown_case_looks_the_same(store: Store, version: Version) -> None:
    filed, other = file(store, items=[at("a.jpg")]), file(store)
    case = filed.complaint.case
    with store.read() as tx:
        assert complaints.status(tx, case, filed.secret) == (filed.complaint, list(filed.held))
        refusals = set()
        for wrong_case, secret in ((case, other.secret), (case, ""), ("C-0", filed.secret), ("C-0", "")):
            with pytest.raises(NotFound) as caught:
                complaints.status(tx, wrong_case, secret)
            refusals.add((type(caught.value), str(caught.value)))
        kept = tx.complaints.get(case)
    assert len(refusals) == 1
    assert filed.secret not in repr(kept)
    assert filed.secret != other.secret


def test_a_dismissal_says_why_and_leaves_the_holds_to_a_release(
    store: Store, version: Version, operator: Actor
) -> None:
    filed = file(store, items=[at("a.jpg")])
    case = filed.complaint.case
    with store.begin() as tx:
        dismissed = complaints.dismiss(tx, operator, case, ReleaseReason.UNFOUNDED, now=NOW + HOUR)
        assert tx.complaints.get(case) == dismissed
        with pytest.raises(Conflict, match="case-closed"):
            complaints.dismiss(tx, operator, case, ReleaseReason.ERROR, now=NOW)
        with pytest.raises(NotFound, match="no-such-case"):
            complaints.dismiss(tx, operator, "C-0", ReleaseReason.ERROR, now=NOW)
    assert (dismissed.state, dismissed.decision_reason) == (ComplaintState.DISMISSED, "unfounded")
    assert held(store, version) == ["a.jpg"]


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.PUBLISHER, Role.AUDITOR, None])
def test_only_an_operator_dismisses(store: Store, role: Role | None) -> None:
    case = file(store).complaint.case
    actor = ANYONE if role is None else builders.actor(store, role)
    with store.begin() as tx:
        with pytest.raises(Denied):
            complaints.dismiss(tx, actor, case, ReleaseReason.UNFOUNDED, now=NOW)
        kept = tx.complaints.get(case)
    assert kept is not None
    assert kept.state is ComplaintState.OPEN


def test_an_upheld_case_is_not_dismissed(store: Store, version: Version, operator: Actor) -> None:
    case = file(store).complaint.case
    withhold = stops.StopCommand(
        act=Stop.WITHHOLD, subject=names.subject(f"{NAME}@main:a.jpg"), reason=StopReason.CHILD, case=case
    )
    with store.begin() as tx:
        stops.stop(tx, operator, withhold, now=NOW, new_id=new_id)
        with pytest.raises(Conflict, match="case-closed"):
            complaints.dismiss(tx, operator, case, ReleaseReason.UNFOUNDED, now=NOW)
        assert {s.state for s in tx.stops.stopped(version.asset_id).values()} == {ItemState.WITHHELD}


def test_the_queue_tells_the_earliest_due_first_and_can_be_kept_to_one_state(store: Store, operator: Actor) -> None:
    late, early = file(store, timedelta(days=30)).complaint, file(store).complaint
    with store.begin() as tx:
        assert [c.case for c in tx.complaints.queue(None)] == [early.case, late.case]
        complaints.dismiss(tx, operator, early.case, ReleaseReason.UNFOUNDED, now=NOW)
        assert [c.case for c in tx.complaints.queue(ComplaintState.OPEN)] == [late.case]
        assert [c.case for c in tx.complaints.queue(ComplaintState.DISMISSED)] == [early.case]
