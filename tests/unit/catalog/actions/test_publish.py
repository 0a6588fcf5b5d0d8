"""From a draft to a release: what is vouched for, whose it is, and what comes of doing it twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from catalog.actions import publish, stops
from catalog.actions.authority import ANYONE
from catalog.errors import Conflict, Denied, Invalid, NotFound
from catalog.policy import names
from catalog.ports import Store
from catalog.vocabulary import (
    Actor,
    Content,
    DataClass,
    Item,
    Kind,
    PreviewState,
    Role,
    ScanRefusal,
    ScanVerdict,
    Scope,
    Stop,
    StopReason,
    Version,
    VersionState,
)
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"


@pytest.fixture
def publisher(store: Store) -> Actor:
    builders.published_terms(store)
    return builders.actor(store, Role.PUBLISHER)


def publication(**changes: object) -> publish.Publication:
    made = publish.Publication(
        kind=Kind.DATASET, full_name=NAME, terms_id="research-use", warrant=builders.warrant(), class_override=None,
        tag=None, card="# Street faces",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def opened(store: Store, by: Actor, full_name: str = NAME, kind: Kind = Kind.DATASET) -> Version:
    with store.begin() as tx:
        return publish.open_draft(tx, by, kind, full_name, now=NOW, new_id=new_id)


def released(
    store: Store, by: Actor, draft: Version, items: Sequence[Item] = (), **changes: object
) -> publish.Released:
    with store.begin() as tx:
        if items:
            publish.keep_only(tx, by, draft.id, items)
            publish.record_scans(tx, by, draft.id, [builders.scan(item) for item in items])
        return publish.release(tx, by, draft.id, publication(**changes), previews_per_version=3, now=NOW)


def state_of(store: Store, version: Version) -> VersionState:
    with store.read() as tx:
        kept = tx.assets.version(version.id)
    assert kept is not None
    return kept.state


def hold(store: Store, subject: str, act: Stop = Stop.HOLD) -> None:
    operator = builders.actor(store, Role.OPERATOR)
    with store.begin() as tx:
        command = stops.StopCommand(act=act, subject=names.subject(subject), reason=StopReason.QUALITY)
        stops.stop(tx, operator, command, now=NOW, new_id=new_id)


def test_a_release_takes_title_class_and_terms_from_its_warrant_and_becomes_main(
    store: Store, publisher: Actor
) -> None:
    items = [builders.item("b.txt", b"12"), builders.item("a.jpg", b"345")]
    draft = opened(store, publisher)
    done = released(store, publisher, draft, items, tag="v1")
    assert (done.new, done.warnings, done.version.id) == (True, (), draft.id)
    assert (done.version.item_count, done.version.total_size) == (2, 5)
    assert done.version.manifest_sha256 == publish.manifest_digest(items[::-1])
    with store.read() as tx:
        asset = tx.assets.named("demo", "street-faces")
        assert asset is not None
        assert (asset.data_class, asset.terms_id, asset.title.zh) == (DataClass.FACE, "research-use", "街头人脸")
        assert tx.assets.resolve(asset.id, "main") == tx.assets.resolve(asset.id, "v1") == done.version


@pytest.mark.parametrize("key", sorted(set(builders.warrant()) - {"derived_from"}))
def test_a_gap_in_the_warrant_is_named_and_keeps_the_draft_with_its_items(
    store: Store, publisher: Actor, key: str
) -> None:
    draft = opened(store, publisher)
    gap = {kept: value for kept, value in builders.warrant().items() if kept != key}
    with store.begin() as tx:
        publish.keep_only(tx, publisher, draft.id, [builders.item()])
    with pytest.raises(Invalid) as caught:
        released(store, publisher, draft, warrant=gap)
    assert caught.value.code == "warrant-incomplete"
    assert {field.partition(".")[0] for field in caught.value.fields} == {key}
    assert state_of(store, draft) is VersionState.DRAFT
    assert released(store, publisher, draft).version.id == draft.id, "the corrected warrant releases the same draft"


def test_a_release_without_terms_or_items_names_both(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher)
    with pytest.raises(Invalid) as caught:
        released(store, publisher, draft, terms_id="absent")
    assert set(caught.value.fields) == {"terms", "items"}


def test_a_draft_is_resumed_with_what_it_held_and_only_one_is_open(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher)
    with store.begin() as tx:
        publish.add_items(tx, publisher, draft.id, [builders.item("a.jpg", b"1")])
    again = opened(store, publisher)
    assert again.id == draft.id
    with store.begin() as tx:
        publish.add_items(tx, publisher, draft.id, [builders.item("a.jpg", b"2"), builders.item("b.jpg", b"3")])
        assert [item.path for item in tx.assets.items(draft.id)] == ["a.jpg", "b.jpg"]
        assert sum(event.kind == "version:opened" for event in tx.ledger.events(0, 100)) == 1
        publish.keep_only(tx, publisher, draft.id, [builders.item("c.jpg")])
        assert [item.path for item in tx.assets.items(draft.id)] == ["c.jpg"]


def test_an_equal_manifest_is_the_version_that_is_there(store: Store, publisher: Actor) -> None:
    first = released(store, publisher, opened(store, publisher), [builders.item("a.jpg"), builders.item("b.jpg")])
    draft = opened(store, publisher)
    again = released(store, publisher, draft, [builders.item("b.jpg"), builders.item("a.jpg")])
    assert (again.version.id, again.new, again.preview_job) == (first.version.id, False, None)
    with store.read() as tx:
        assert tx.assets.version(draft.id) is None, "the next draft would begin with what is not served any more"
    other = released(store, publisher, opened(store, publisher), [builders.item("a.jpg"), builders.item("c.jpg")])
    assert other.new
    assert builders.events_and_tables_agree(store)


def test_a_folder_does_not_take_the_place_of_what_clients_have_sent(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher)

    def again() -> Version:
        with store.begin() as tx:
            return publish.folders_draft(tx, publisher, Kind.DATASET, NAME, now=NOW, new_id=new_id)

    assert again() == draft, "what a crash has left is taken up"
    sent = builders.item()
    with store.begin() as tx:
        tx.uploads.add(draft.id, [Content(sha256=sent.sha256, git_sha1=sent.git_sha1, size=sent.size)], NOW)
    with pytest.raises(Conflict, match="draft-begun"):
        again()


def test_another_warrant_for_a_manifest_that_is_there_is_not_taken_in_silence(store: Store, publisher: Actor) -> None:
    first = released(store, publisher, opened(store, publisher), [builders.item()])
    changed = builders.warrant(contact="other@example.org")
    again = released(store, publisher, opened(store, publisher), [builders.item()], warrant=changed)
    assert (again.version.id, again.warnings) == (first.version.id, ("warrant-not-taken",))
    assert again.version.warrant == first.version.warrant


def test_an_equal_manifest_of_a_held_version_is_released_anew(store: Store, publisher: Actor) -> None:
    first = released(store, publisher, opened(store, publisher), [builders.item()])
    hold(store, f"{NAME}@{first.version.id}")
    again = released(store, publisher, opened(store, publisher), [builders.item()])
    assert again.new
    assert again.version.id != first.version.id


def test_a_held_item_stays_held_in_a_later_release_that_has_it(store: Store, publisher: Actor) -> None:
    kept, held = builders.item("a.jpg", b"1"), builders.item("b.jpg", b"2")
    first = released(store, publisher, opened(store, publisher), [kept, held])
    hold(store, f"{NAME}@{first.version.id}:b.jpg")
    renamed = replace(held, path="renamed.jpg")
    second = released(store, publisher, opened(store, publisher), [kept, renamed])
    with store.read() as tx:
        ground = tx.facts.ground(account_id=None, ns="demo", name="street-faces", ref=second.version.id)
    assert ground.at(renamed).item.value == "held"
    assert ground.at(kept).item.value == "served"


def test_nothing_is_released_while_the_whole_asset_is_on_hold(store: Store, publisher: Actor) -> None:
    released(store, publisher, opened(store, publisher), [builders.item()])
    hold(store, NAME)
    draft = opened(store, publisher)
    with pytest.raises(Conflict, match="asset-held"):
        released(store, publisher, draft, [builders.item("b.jpg")])
    assert state_of(store, draft) is VersionState.DRAFT


def test_a_release_under_a_tag_takes_the_tag_from_the_version_that_had_it(store: Store, publisher: Actor) -> None:
    first = released(store, publisher, opened(store, publisher), [builders.item("a.jpg")], tag="v1")
    second = released(store, publisher, opened(store, publisher), [builders.item("b.jpg")], tag="v1")
    with store.read() as tx:
        tagged = tx.assets.resolve(second.version.asset_id, "v1")
        former = tx.assets.version(first.version.id)
    assert tagged == second.version
    assert former == replace(first.version, tag=None)
    assert (first.warnings, second.warnings) == ((), ("tag-moved",))


@pytest.mark.parametrize("tag", ["main", "a" * 40, "", "-v1", "v/1", "v 1", "v1\n", "v" * 65])
def test_a_tag_that_could_be_mistaken_is_refused(store: Store, publisher: Actor, tag: str) -> None:
    draft = opened(store, publisher)
    with pytest.raises(Invalid, match="tag"):
        released(store, publisher, draft, [builders.item()], tag=tag)
    assert state_of(store, draft) is VersionState.DRAFT


@pytest.mark.parametrize(("one", "two"), [("A.jpg", "a.jpg"), ("é.jpg", "e\u0301.jpg"), ("dir/x", "DIR/x")])
def test_paths_that_are_one_file_on_some_systems_are_not_released(
    store: Store, publisher: Actor, one: str, two: str
) -> None:
    draft = opened(store, publisher)
    with pytest.raises(Invalid, match="same-file"):
        released(store, publisher, draft, [builders.item(one, b"1"), builders.item(two, b"2")])


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\\b", "", "a\nb", "a\0b"])
def test_a_path_that_leaves_its_folder_is_not_added(store: Store, publisher: Actor, path: str) -> None:
    draft = opened(store, publisher)
    for add in (publish.add_items, publish.keep_only):
        with pytest.raises(Invalid, match="path"), store.begin() as tx:
            add(tx, publisher, draft.id, [builders.item("ok.jpg"), builders.item(path)])
    with store.read() as tx:
        assert list(tx.assets.items(draft.id)) == []


@pytest.mark.parametrize("name", ["", "demo", "demo/", "/x", "a/b/c", "a--b/x", "a..b/x", "demo/x.git", "demo/x y"])
def test_an_asset_needs_a_name_of_two_plain_parts(store: Store, publisher: Actor, name: str) -> None:
    with pytest.raises(Invalid, match="asset"):
        opened(store, publisher, name)


def test_a_released_version_takes_no_more_items_and_is_not_released_twice(store: Store, publisher: Actor) -> None:
    done = released(store, publisher, opened(store, publisher), [builders.item()])
    for act in (publish.add_items, publish.keep_only):
        with pytest.raises(Conflict, match="not-a-draft"), store.begin() as tx:
            act(tx, publisher, done.version.id, [builders.item("b.jpg")])
    with pytest.raises(Conflict, match="not-a-draft"):
        released(store, publisher, done.version)
    with pytest.raises(NotFound), store.begin() as tx:
        publish.add_items(tx, publisher, "0" * 40, [builders.item()])


def test_another_publisher_may_not_touch_an_asset_and_an_operator_may(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher)
    other, operator = builders.actor(store, Role.PUBLISHER), builders.actor(store, Role.OPERATOR)
    with pytest.raises(Denied):
        opened(store, other)
    with pytest.raises(Denied):
        released(store, other, draft, [builders.item()])
    assert opened(store, operator).id == draft.id
    assert released(store, operator, draft, [builders.item()]).new


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.AUDITOR, None])
def test_who_is_no_publisher_opens_no_draft(store: Store, role: Role | None) -> None:
    with pytest.raises(Denied):
        opened(store, ANYONE if role is None else builders.actor(store, role))
    with store.read() as tx:
        assert tx.assets.named("demo", "street-faces") is None


def test_a_token_without_the_publish_scope_opens_no_draft(store: Store, publisher: Actor) -> None:
    with pytest.raises(Denied, match="scope-missing"):
        opened(store, replace(publisher, scopes=frozenset({Scope.READ, Scope.ACCEPT})))


def test_a_dataset_is_never_continued_as_a_model(store: Store, publisher: Actor) -> None:
    opened(store, publisher)
    with pytest.raises(Conflict, match="other-kind"):
        opened(store, publisher, kind=Kind.MODEL)


def test_previews_are_planned_for_pictures_up_to_the_limit_and_promised_with_the_release(
    store: Store, publisher: Actor
) -> None:
    items = [builders.item(f"{n}.jpg", b"%d" % n) for n in range(7)] + [builders.item("notes.txt")]
    done = released(store, publisher, opened(store, publisher), items)
    assert done.preview_job is not None
    with store.begin() as tx:
        planned = tx.previews.of_version(done.version.id)
        assert [(p.n, p.path, p.state) for p in planned] == [
            (1, "1.jpg", PreviewState.PENDING),
            (2, "3.jpg", PreviewState.PENDING),
            (3, "5.jpg", PreviewState.PENDING),
        ]
        job = tx.outbox.take(["previews"], NOW, NOW)
    assert job is not None
    assert (job.id, job.payload) == (done.preview_job, {"version": done.version.id})


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (Kind.DATASET, {"persons": "minors"}),
        (Kind.DATASET, {"class": "minor"}),
        (Kind.MODEL, {"class": "model", "persons": "none"}),
    ],
)
def test_nothing_about_minors_and_no_model_is_ever_planned_a_preview(
    store: Store, publisher: Actor, kind: Kind, keys: dict[str, object]
) -> None:
    draft = opened(store, publisher, kind=kind)
    done = released(store, publisher, draft, [builders.item()], kind=kind, warrant=builders.warrant(**keys))
    assert done.preview_job is None
    with store.read() as tx:
        assert list(tx.previews.of_version(done.version.id)) == []
        assert tx.outbox.waiting() == 0


@pytest.mark.parametrize(("data_class", "warned"), [("face", True), ("body", True), ("public", False)])
def test_persons_unknown_warns_where_faces_or_bodies_are_shown(
    store: Store, publisher: Actor, data_class: str, warned: bool
) -> None:
    keys = builders.warrant(**{"class": data_class, "persons": "unknown"})
    done = released(store, publisher, opened(store, publisher), [builders.item()], warrant=keys)
    assert done.warnings == (("persons-unknown",) if warned else ())


def test_the_class_on_the_command_line_overrides_but_never_the_minors(store: Store, publisher: Actor) -> None:
    body = released(store, publisher, opened(store, publisher), [builders.item()], class_override="body")
    assert body.version.warrant is not None
    assert body.version.warrant.data_class is DataClass.BODY
    draft = opened(store, publisher, "demo/young")
    minors = released(
        store, publisher, draft, [builders.item()], full_name="demo/young", class_override="public",
        warrant=builders.warrant(persons="minors"),
    )  # fmt: skip
    assert minors.version.warrant is not None
    assert minors.version.warrant.data_class is DataClass.MINOR


def test_an_asset_that_was_never_released_counts_as_the_gravest_class(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher)
    with store.read() as tx:
        asset = tx.assets.get(draft.asset_id)
    assert asset is not None
    assert asset.data_class is DataClass.MINOR


def test_the_digest_of_a_manifest_depends_on_paths_and_contents_and_on_no_order() -> None:
    one, two = builders.item("a.jpg", b"1"), builders.item("b.jpg", b"2")
    digest = publish.manifest_digest([one, two])
    assert digest == publish.manifest_digest([two, one])
    swapped = [replace(one, sha256=two.sha256), replace(two, sha256=one.sha256)]
    others = [[one], [two], swapped, [one, replace(two, path="c.jpg")]]
    assert len({digest, *(publish.manifest_digest(items) for items in others)}) == 5


def test_a_model_whose_files_nobody_looked_through_is_not_released(store: Store, publisher: Actor) -> None:
    seen, unseen = builders.item("seen.pth", b"1"), builders.item("unseen.pth", b"2")
    draft = opened(store, publisher, kind=Kind.MODEL)
    keys = builders.warrant(**{"class": "model", "persons": "none"})
    with store.begin() as tx:
        publish.keep_only(tx, publisher, draft.id, [seen, unseen])
        publish.record_scans(tx, publisher, draft.id, [builders.scan(seen)])
        with pytest.raises(Invalid) as refused:
            publish.release(
                tx, publisher, draft.id, publication(kind=Kind.MODEL, warrant=keys), previews_per_version=3, now=NOW
            )
    assert refused.value.code == "model-refused"
    assert dict(refused.value.fields) == {"unseen.pth": "not-scanned"}
    assert state_of(store, draft) is VersionState.DRAFT


@pytest.mark.parametrize("why", ScanRefusal)
def test_a_file_that_may_not_be_loaded_keeps_the_model_a_draft_and_says_why(
    store: Store, publisher: Actor, why: ScanRefusal
) -> None:
    bad = builders.item("bad.pth", b"3")
    draft = opened(store, publisher, kind=Kind.MODEL)
    keys = builders.warrant(**{"class": "model", "persons": "none"})
    with store.begin() as tx:
        publish.keep_only(tx, publisher, draft.id, [bad])
        publish.record_scans(tx, publisher, draft.id, [builders.scan(bad, ScanVerdict.REFUSED, why, "os.system")])
        with pytest.raises(Invalid) as refused:
            publish.release(
                tx, publisher, draft.id, publication(kind=Kind.MODEL, warrant=keys), previews_per_version=3, now=NOW
            )
    assert dict(refused.value.fields) == {"bad.pth": f"pickle-{why}"}
    assert refused.value.fields["bad.pth"].params == {"names": "os.system"}


def test_only_the_publisher_of_a_draft_writes_down_what_was_found_in_it(store: Store, publisher: Actor) -> None:
    draft = opened(store, publisher, kind=Kind.MODEL)
    other = builders.actor(store, Role.PUBLISHER)
    with store.begin() as tx, pytest.raises(Denied):
        publish.record_scans(tx, other, draft.id, [builders.scan(builders.item())])
