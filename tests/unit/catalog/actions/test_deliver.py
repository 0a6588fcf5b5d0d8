"""What a door leads to, what would cut it, and which preview tiles are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.actions import credentials, deliver, previews, stops
from catalog.actions.authority import ANYONE
from catalog.policy import names
from catalog.ports import Store
from catalog.vocabulary import (
    Actor,
    DataClass,
    Door,
    Item,
    PreviewState,
    Reason,
    Role,
    Scope,
    Stop,
    StopReason,
    Version,
)
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"
ITEM = builders.item("a.jpg", b"a")
OTHER = builders.item("b.jpg", b"b")


@pytest.fixture
def operator(store: Store) -> Actor:
    return builders.actor(store, Role.OPERATOR)


@pytest.fixture
def version(store: Store, operator: Actor) -> Version:
    builders.published_terms(store)
    return builders.published(store, operator, ITEM, OTHER)


@pytest.fixture
def reader(store: Store, version: Version) -> Actor:
    made = builders.actor(store)
    builders.accepted(store, made)
    return made


def access(
    store: Store, actor: Actor, *, item: Item | None = ITEM, one: bool = True, door: Door = Door.BYTES
) -> deliver.Access:
    with store.read() as tx:
        ground = deliver.ground(tx, actor, ns="demo", name="street-faces", ref="main")
    return deliver.judge(ground, actor, door, item=item, one=one)


def stop(store: Store, by: Actor, act: Stop, subject: str) -> str:
    command = stops.StopCommand(act=act, subject=names.subject(subject), reason=StopReason.QUALITY)
    with store.begin() as tx:
        return stops.stop(tx, by, command, now=NOW, new_id=new_id).id


def test_a_reader_who_accepted_gets_an_item_and_everything_that_could_stop_it_is_watched(
    store: Store, version: Version, reader: Actor
) -> None:
    with store.begin() as tx:
        assert reader.account is not None
        secret, token = credentials.create_token(tx, reader.account, scopes=None, now=NOW, new_id=new_id)
        known = credentials.by_token(tx, secret, now=NOW)
    assert known is not None
    granted = access(store, known[0])
    assert granted.decision.allowed
    assert granted.subjects(known[0]) == {
        f"asset:{version.asset_id}",
        f"version:{version.id}",
        f"item:{version.asset_id}:{ITEM.sha256}",
        f"account:{reader.account.id}",
        f"token:{token.id}",
        f"grant:{version.asset_id}:{reader.account.id}",
    }
    archive = access(store, reader, item=None, one=False).subjects(reader)
    assert f"archive:{version.asset_id}" in archive
    assert not any(subject.startswith("item:") for subject in archive)


def test_every_stop_cuts_a_subject_that_an_open_stream_of_it_is_known_by(
    store: Store, version: Version, reader: Actor, operator: Actor
) -> None:
    one = access(store, reader).subjects(reader)
    archive = access(store, reader, item=None, one=False).subjects(reader)
    feed = store.feed()
    stop(store, operator, Stop.HOLD, f"{NAME}@main:a.jpg")
    stop(store, operator, Stop.WITHHOLD, f"{NAME}@main:a.jpg")
    stop(store, operator, Stop.HOLD, f"{NAME}@main")
    stop(store, operator, Stop.REVOKE, NAME)
    cuts = feed.cuts_since(0)
    feed.close()
    assert len(cuts) == 4
    for cut in cuts:
        assert cut.subjects & one
        assert cut.subjects & archive


def test_a_stop_of_one_item_does_not_cut_a_stream_of_another(
    store: Store, version: Version, reader: Actor, operator: Actor
) -> None:
    other = access(store, reader, item=OTHER).subjects(reader)
    stop(store, operator, Stop.HOLD, f"{NAME}@main:a.jpg")
    feed = store.feed()
    (cut,) = feed.cuts_since(0)
    feed.close()
    assert not cut.subjects & other


@pytest.mark.parametrize(
    ("act", "subject", "reason"),
    [
        (Stop.HOLD, f"{NAME}@main:a.jpg", Reason.ITEM_HELD),
        (Stop.WITHHOLD, f"{NAME}@main:a.jpg", Reason.ITEM_WITHHELD),
        (Stop.HOLD, f"{NAME}@main", Reason.HELD),
        (Stop.HOLD, NAME, Reason.HELD),
        (Stop.REVOKE, f"{NAME}@main", Reason.REVOKED),
        (Stop.REVOKE, NAME, Reason.REVOKED),
    ],
)
def test_what_is_stopped_is_refused_with_its_reason_and_notice(
    store: Store, version: Version, reader: Actor, operator: Actor, act: Stop, subject: str, reason: Reason
) -> None:
    before = access(store, reader).decision
    notice = stop(store, operator, act, subject)
    refused = access(store, reader)
    assert (refused.decision.reason, refused.notice_id) == (reason, notice)
    assert refused.decision.as_of > before.as_of


def test_who_may_not_is_told_why(store: Store, version: Version, reader: Actor) -> None:
    assert access(store, ANYONE).decision.reason is Reason.UNAUTHENTICATED
    assert access(store, builders.actor(store)).decision.reason is Reason.TERMS_NOT_ACCEPTED
    assert access(store, replace(reader, scopes=frozenset({Scope.ACCEPT}))).decision.reason is Reason.SCOPE_MISSING
    assert access(store, reader, item=None).decision.reason is Reason.NOT_FOUND
    assert access(store, ANYONE, item=None, one=False, door=Door.CARD).decision.allowed


@pytest.mark.parametrize(("name", "ref"), [("absent", "main"), ("street-faces", "v9"), ("street-faces", "0" * 40)])
def test_what_is_not_there_is_not_found_at_every_door(store: Store, reader: Actor, name: str, ref: str) -> None:
    with store.read() as tx:
        ground = deliver.ground(tx, reader, ns="demo", name=name, ref=ref)
    for door in Door:
        assert deliver.judge(ground, reader, door).decision.reason is Reason.NOT_FOUND


# tiles


def built(store: Store, version: Version) -> None:
    """The first tile is blurred, the second refused."""
    with store.begin() as tx:
        first, second = previews.to_build(tx, version.id)
        blurred = replace(first, state=PreviewState.BLURRED, blob="digest", width=320, height=200)
        refused = replace(second, state=PreviewState.REFUSED, why="no-face-found")
        previews.record(tx, version.id, [blurred, refused], now=NOW)


def tiles(store: Store, version: Version) -> list[previews.Tile]:
    with store.read() as tx:
        asset, kept = tx.assets.get(version.asset_id), tx.assets.version(version.id)
        assert asset is not None
        assert kept is not None
        return previews.tiles(tx, asset, kept)


def test_a_tile_shows_its_blurred_picture_or_says_why_it_does_not(store: Store, version: Version) -> None:
    assert [(tile.blob, tile.why) for tile in tiles(store, version)] == [(None, "pending")] * 2
    built(store, version)
    assert tiles(store, version) == [
        previews.Tile(n=1, blob="digest", why=None, width=320, height=200),
        previews.Tile(n=2, blob=None, why="no-face-found", width=None, height=None),
    ]
    with store.read() as tx:
        assert previews.to_build(tx, version.id) == []


@pytest.mark.parametrize(("act", "why"), [(Stop.HOLD, "item-held"), (Stop.WITHHOLD, "item-withheld")])
def test_a_stopped_item_keeps_its_tiles_number_and_loses_its_picture(
    store: Store, version: Version, operator: Actor, act: Stop, why: str
) -> None:
    built(store, version)
    stop(store, operator, act, f"{NAME}@main:a.jpg")
    assert [(tile.n, tile.blob, tile.why) for tile in tiles(store, version)] == [
        (1, None, why),
        (2, None, "no-face-found"),
    ]


@pytest.fixture
def shard(store: Store, operator: Actor) -> Version:
    """A version whose one item holds pictures."""
    builders.published_terms(store)
    return builders.published(store, operator, builders.item("shard.tar"), full_name="demo/shards")


def test_tiles_of_a_container_turn_up_with_its_pictures_and_no_more_than_those(
    store: Store, shard: Version, operator: Actor
) -> None:
    assert [(tile.n, tile.why) for tile in tiles(store, shard)] == [(1, "pending")]
    with store.begin() as tx:
        planned = previews.to_build(tx, shard.id)
        assert [preview.part for preview in planned] == list(range(1, 101))
        assert previews.parts(tx, shard.id) == {"shard.tar": 100}
        done = [
            replace(planned[0], state=PreviewState.REFUSED, why="truncated"),
            replace(planned[1], state=PreviewState.BLURRED, blob="digest", width=320, height=200),
            *(replace(preview, state=PreviewState.ABSENT) for preview in planned[2:]),
        ]
        previews.record(tx, shard.id, done, now=NOW)
    assert [(tile.n, tile.blob, tile.why) for tile in tiles(store, shard)] == [
        (1, None, "truncated"),
        (2, "digest", None),
    ]
    with store.read() as tx:
        assert previews.to_build(tx, shard.id) == []
        assert previews.parts(tx, shard.id) == {"shard.tar": 100}, "what was planned stays known for a second run"
        (event,) = [event for event in tx.ledger.events(0, 99) if event.kind == "previews:built"]
        assert (event.data["blurred"], event.data["refused"]) == (1, 1)
    stop(store, operator, Stop.WITHHOLD, "demo/shards@main:shard.tar")
    assert [(tile.n, tile.why) for tile in tiles(store, shard)] == [(1, "item-withheld"), (2, "item-withheld")]


@pytest.mark.parametrize("act", [Stop.HOLD, Stop.REVOKE])
def test_nothing_is_built_for_a_version_that_was_stopped_meanwhile(
    store: Store, version: Version, operator: Actor, act: Stop
) -> None:
    stop(store, operator, act, f"{NAME}@main")
    with store.read() as tx:
        assert previews.to_build(tx, version.id) == []
        assert previews.to_build(tx, "0" * 40) == []


def test_a_version_shows_no_tiles_once_its_asset_concerns_minors(store: Store, version: Version) -> None:
    built(store, version)
    with store.begin() as tx:
        asset = tx.assets.get(version.asset_id)
        assert asset is not None
        tx.assets.update(replace(asset, data_class=DataClass.MINOR))
    assert tiles(store, version) == []
