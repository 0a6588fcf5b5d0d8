"""Shards of a real store: made at publish, stopped with what is in them, made anew without it."""

from __future__ import annotations

import errno
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.actions import packing, publish, stops
from catalog.actions.authority import in_person
from catalog.errors import Conflict, Invalid
from catalog.policy import names
from catalog.policy import packing as rules
from catalog.ports import Store
from catalog.vocabulary import (
    Actor,
    Item,
    ItemState,
    Kind,
    Notice,
    ReleaseReason,
    Role,
    Shard,
    Stop,
    Version,
)
from gateway import shards
from gateway.blobs.base import BlobMismatch, BlobMissing, BlobsFull
from gateway.blobs.filesystem import FileOriginals
from gateway.jobs import packing as jobs
from gateway.jobs.packing import Repacker
from gateway.shards import make_shard, pack_draft
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"


class Packed:
    """A released set of samples, a picture and a label each, in one shard for each of two splits."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.originals = FileOriginals(folder / "originals")
        self.operator, self.second = (builders.actor(store, Role.OPERATOR) for _ in range(2))
        builders.published_terms(store)
        self.version = self.publish({f"{split}/{n}": f"{split}{n}" for split in ("test", "train") for n in range(4)})

    def publish(self, samples: dict[str, str], *, name: str = NAME, **keys: object) -> Version:
        files = {f"{key}.{field}": f"{field} of {text}" for key, text in samples.items() for field in ("jpg", "json")}
        items = []
        for path, text in files.items():
            data = text.encode()
            self.originals.put(io.BytesIO(data), len(data))
            items.append(builders.item(path, data))
        found = rules.arrange((rules.File(item.path, item.size) for item in items), wanted=True)
        assert found is not None
        with self.store.begin() as tx:
            draft = publish.open_draft(tx, self.operator, Kind.DATASET, name, now=NOW, new_id=new_id)
            publish.keep_only(tx, self.operator, draft.id, items)
        pack_draft(self.store, self.originals, self.operator, draft.id, found.slots, lambda _: None)
        return self.release_draft(draft.id, name, **keys)

    def release_draft(self, version_id: str, name: str = NAME, **keys: object) -> Version:
        publication = publish.Publication(
            kind=Kind.DATASET,
            full_name=name,
            terms_id="research-use",
            warrant=builders.warrant(**keys),
            class_override=None,
            tag=None,
            card="",
        )
        with self.store.begin() as tx:
            return publish.release(
                tx, self.operator, version_id, publication, previews_per_version=100, now=NOW
            ).version

    def stop(self, act: Stop, path: str, version: Version | None = None) -> Notice:
        return builders.stopped(self.store, self.operator, act, f"{NAME}@{(version or self.version).id}:{path}")

    def release(self, path: str) -> None:
        with self.store.begin() as tx:
            subject = names.subject(f"{NAME}@{self.version.id}:{path}")
            proposal, _ = stops.release(tx, self.operator, subject, ReleaseReason.ERROR, now=NOW, new_id=new_id)
        with self.store.begin() as tx:
            stops.confirm(tx, self.second, proposal.id, now=NOW)

    def repack(self) -> int:
        """Do what was asked for; gives how many jobs that were."""
        done = 0
        while True:
            with self.store.begin() as tx:
                job = tx.outbox.take([packing.REPACK_JOB], NOW, NOW)
                if job is None:
                    return done
                tx.outbox.done(job.id, NOW)
            Repacker(self.store, self.originals, clock=lambda: NOW).run(job.payload, lambda: None)
            done += 1

    def shards(self, version: Version | None = None) -> dict[str, Item]:
        with self.store.read() as tx:
            return {item.path: item for item in tx.shards.of((version or self.version).id)}

    def listed(self, split: str) -> Item | None:
        found = [
            item for path, item in self.shards().items() if f"/{split}-" in path and item.shard and item.shard.listed
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def shard(self, split: str) -> Item:
        found = self.listed(split)
        assert found is not None
        return found

    def names(self, item: Item) -> list[str]:
        blob = self.originals.open(item.sha256)
        return tarfile.open(fileobj=io.BytesIO(blob.read(0, blob.size))).getnames()

    def state(self, item: Item) -> ItemState:
        with self.store.read() as tx:
            stop = tx.stops.stopped(self.version.asset_id).get(item.sha256)
        return ItemState.SERVED if stop is None else stop.state

    def packing(self) -> int:
        with self.store.read() as tx:
            version = tx.assets.version(self.version.id)
        assert version is not None
        return version.packing


def both_files_of(*numbers: int) -> list[str]:
    return [f"train/{n}.{field}" for n in numbers for field in ("jpg", "json")]


@pytest.fixture
def packed(store: Store, tmp_path: Path) -> Packed:
    return Packed(store, tmp_path)


def test_a_shard_is_a_plain_tar_of_the_files_themselves(packed: Packed) -> None:
    shard = packed.shard("train")
    blob = packed.originals.open(shard.sha256)
    with tarfile.open(fileobj=io.BytesIO(blob.read(0, blob.size))) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == both_files_of(0, 1, 2, 3)
        assert {(member.mtime, member.uid, member.gid, member.mode, member.uname) for member in members} == {
            (0, 0, 0, 0o644, "")
        }
        content = tar.extractfile("train/2.json")
        assert content is not None
        assert content.read() == b"json of train2"
    assert shard.size == blob.size
    assert packed.version.item_count == 16, "shards hold nothing that is not there already"


def test_the_same_files_make_the_same_bytes_wherever_they_are_published(packed: Packed) -> None:
    samples = {f"{split}/{n}": f"{split}{n}" for split in ("train", "test") for n in reversed(range(4))}
    other = packed.publish(samples, name="demo/again")
    mine, theirs = packed.shards(), packed.shards(other)
    assert {path: item.sha256 for path, item in mine.items()} == {path: item.sha256 for path, item in theirs.items()}


def test_a_file_that_was_altered_in_the_store_is_not_packed(packed: Packed) -> None:
    item = builders.item("x.jpg", b"right")
    place = packed.originals._root
    packed.originals.put(io.BytesIO(b"right"), 5)
    folder = Path(f"/proc/self/fd/{place}") / item.sha256[:2] / item.sha256[2:4]
    (folder / item.sha256[4:]).write_bytes(b"wrong")
    with pytest.raises(BlobMismatch):
        make_shard(packed.originals, "x.tar", Shard(slot=0, without=(), listed=True), [item], lambda _: None)


@pytest.mark.parametrize(("act", "state"), [(Stop.HOLD, ItemState.HELD), (Stop.WITHHOLD, ItemState.WITHHELD)])
def test_a_stop_of_a_file_stops_its_shard_in_the_same_commit_and_cuts_its_streams(
    packed: Packed, act: Stop, state: ItemState
) -> None:
    shard, other = packed.shard("train"), packed.shard("test")
    before = packed.packing()
    notice = packed.stop(act, "train/1.jpg")
    assert (packed.state(shard), packed.state(other)) == (state, ItemState.SERVED)
    with packed.store.read() as tx:
        (event,) = tx.ledger.events(notice.position - 1, 1)
        assert f"item:{packed.version.asset_id}:{shard.sha256}" in event.data["cuts"]  # type: ignore[operator]
        assert f"item:{packed.version.asset_id}:{other.sha256}" not in event.data["cuts"]  # type: ignore[operator]
    assert packed.packing() == before
    assert builders.events_and_tables_agree(packed.store)


def test_a_shard_is_made_anew_without_the_sample(packed: Packed) -> None:
    former = packed.shard("train")
    packed.stop(Stop.WITHHOLD, "train/1.jpg")
    assert packed.repack() == 1
    new = packed.shard("train")
    assert new.sha256 != former.sha256
    assert new.path != former.path, "bytes at an address never change"
    assert packed.state(new) is ItemState.SERVED
    assert packed.state(former) is ItemState.WITHHELD
    assert packed.names(new) == both_files_of(0, 2, 3)
    assert new.shard is not None
    assert new.shard.without == ("train/1.jpg", "train/1.json")
    assert packed.shard("test").path in packed.shards()
    with packed.store.read() as tx:
        assert not packing.due(tx, packed.version.id)
    assert builders.events_and_tables_agree(packed.store)


def test_one_after_the_other(packed: Packed) -> None:
    made = [packed.shard("train")]
    for number in range(3):
        packed.stop(Stop.WITHHOLD, f"train/{number}.jpg")
        assert packed.state(made[-1]) is ItemState.WITHHELD
        packed.repack()
        made.append(packed.shard("train"))
    assert packed.names(made[-1]) == ["train/3.jpg", "train/3.json"]
    packed.stop(Stop.WITHHOLD, "train/3.json")
    packed.repack()
    assert packed.listed("train") is None, "nothing is left to pack"
    assert [packed.state(item) for item in made] == [ItemState.WITHHELD] * 4
    assert builders.events_and_tables_agree(packed.store)


def test_two_stops_before_the_job_are_one_shard(packed: Packed) -> None:
    packed.stop(Stop.WITHHOLD, "train/0.jpg")
    packed.stop(Stop.HOLD, "train/2.json")
    packed.repack()
    assert packed.names(packed.shard("train")) == both_files_of(1, 3)
    assert len(packed.shards()) == 3


def test_a_lifted_hold_brings_the_former_shard_back(packed: Packed) -> None:
    former = packed.shard("train")
    packed.stop(Stop.HOLD, "train/1.jpg")
    packed.repack()
    meanwhile = packed.shard("train")
    packed.release("train/1.jpg")
    assert packed.state(former) is ItemState.SERVED
    packed.repack()
    assert packed.shard("train") == former
    assert packed.state(meanwhile) is ItemState.SERVED, "it holds nothing that is stopped; it is listed no more"
    assert builders.events_and_tables_agree(packed.store)


def test_a_lifted_hold_leaves_the_shard_stopped_while_another_file_in_it_is(packed: Packed) -> None:
    shard = packed.shard("train")
    packed.stop(Stop.HOLD, "train/1.jpg")
    packed.stop(Stop.HOLD, "train/2.jpg")
    packed.release("train/1.jpg")
    assert packed.state(shard) is ItemState.HELD
    packed.repack()
    assert packed.names(packed.shard("train")) == both_files_of(0, 1, 3)
    packed.release("train/2.jpg")
    assert packed.state(shard) is ItemState.SERVED
    packed.repack()
    assert packed.shard("train") == shard
    assert builders.events_and_tables_agree(packed.store)


def test_a_withheld_file_keeps_the_shard_withheld_whatever_is_lifted(packed: Packed) -> None:
    shard = packed.shard("train")
    packed.stop(Stop.HOLD, "train/1.jpg")
    packed.stop(Stop.WITHHOLD, "train/2.jpg")
    packed.release("train/1.jpg")
    assert packed.state(shard) is ItemState.WITHHELD
    assert builders.events_and_tables_agree(packed.store)


def test_a_stop_while_a_shard_is_being_made_makes_it_useless(packed: Packed) -> None:
    packed.stop(Stop.WITHHOLD, "train/0.jpg")
    with packed.store.read() as tx:
        (remake,) = packing.due(tx, packed.version.id)
    assert remake.path is not None
    item = make_shard(packed.originals, remake.path, remake.shard, remake.members, lambda _: None)
    packed.stop(Stop.WITHHOLD, "train/1.jpg")
    with packed.store.begin() as tx:
        assert not packing.put_in_place(tx, packed.version.id, remake, item, now=NOW)
    assert item.path not in packed.shards()
    packed.repack()
    assert packed.names(packed.shard("train")) == both_files_of(2, 3)


def test_a_full_disk_leaves_the_shard_stopped_until_there_is_room(
    packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = packed.shard("train")
    packed.stop(Stop.WITHHOLD, "train/0.jpg")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    job = Repacker(packed.store, packed.originals, clock=lambda: NOW)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(BlobsFull, match="No space"):
            job.run({"version": packed.version.id}, lambda: None)
    assert packed.shard("train") == former
    assert packed.state(former) is ItemState.WITHHELD
    job.run({"version": packed.version.id}, lambda: None)
    assert packed.state(packed.shard("train")) is ItemState.SERVED


def test_a_version_that_is_revoked_is_not_packed_again(packed: Packed) -> None:
    packed.stop(Stop.WITHHOLD, "train/0.jpg")
    builders.stopped(packed.store, packed.operator, Stop.REVOKE, f"{NAME}@{packed.version.id}")
    before = packed.shards()
    packed.repack()
    assert packed.shards() == before


def test_a_shard_may_be_stopped_by_itself(packed: Packed) -> None:
    shard = packed.shard("train")
    packed.stop(Stop.HOLD, shard.path)
    packed.repack()
    assert packed.shard("train") == shard
    assert packed.state(shard) is ItemState.HELD
    packed.release(shard.path)
    assert packed.state(shard) is ItemState.SERVED


def test_a_version_released_with_a_held_file_has_its_shard_held(packed: Packed) -> None:
    packed.stop(Stop.HOLD, "train/1.jpg")
    samples = {f"train/{n}": f"train{n}" for n in range(4)} | {"train/9": "nine"}
    version = packed.publish(samples)
    (shard,) = packed.shards(version).values()
    assert packed.state(shard) is ItemState.HELD
    packed.repack()
    served = [item for item in packed.shards(version).values() if packed.state(item) is ItemState.SERVED]
    assert ["train/1.jpg" in packed.names(item) for item in served] == [False]
    packed.release("train/1.jpg")
    assert packed.state(shard) is ItemState.SERVED
    assert builders.events_and_tables_agree(packed.store)


def test_a_version_released_with_a_shard_that_is_held_already_gets_one_of_its_own(packed: Packed) -> None:
    packed.stop(Stop.HOLD, "train/1.jpg")
    packed.repack()
    samples = {f"train/{n}": f"train{n}" for n in range(4)} | {"test/9": "nine"}
    version = packed.publish(samples)
    held = packed.shards(version).keys() & packed.shards().keys()
    assert len(held) == 1
    packed.repack()
    listed = [item for item in packed.shards(version).values() if item.shard is not None and item.shard.listed]
    assert [packed.state(item) for item in listed] == [ItemState.SERVED] * 2
    assert packed.shard("train") in listed or packed.shard("train").sha256 in {item.sha256 for item in listed}


def test_what_was_made_of_it_and_packed_anew_is_stopped_too(packed: Packed) -> None:
    derived = packed.publish(
        {"mine/1": "train1", "mine/2": "mine2"}, name="lab/derived", derived_from=[f"{NAME}@{packed.version.id}"]
    )
    (shard,) = packed.shards(derived).values()
    notice = packed.stop(Stop.WITHHOLD, "train/1.jpg")
    with packed.store.read() as tx:
        stopped = tx.stops.stopped(derived.asset_id)
    assert stopped[shard.sha256].notice_id == notice.id
    packed.repack()
    (new,) = [item for item in packed.shards(derived).values() if item.shard is not None and item.shard.listed]
    assert packed.names(new) == ["mine/2.jpg", "mine/2.json"]


def test_the_place_of_shards_is_nobody_elses(packed: Packed) -> None:
    with packed.store.begin() as tx:
        draft = publish.open_draft(tx, packed.operator, Kind.DATASET, NAME, now=NOW, new_id=new_id)
        with pytest.raises(Invalid):
            publish.add_items(tx, packed.operator, draft.id, [builders.item("__packed__/x.tar")])


def test_a_withheld_shard_does_not_come_back_under_another_name(packed: Packed) -> None:
    shard = packed.shard("train")
    packed.stop(Stop.WITHHOLD, "train/1.jpg")
    with packed.store.begin() as tx:
        draft = publish.open_draft(tx, packed.operator, Kind.DATASET, "lab/tar", now=NOW, new_id=new_id)
        publish.add_items(tx, packed.operator, draft.id, [replace(shard, path="all.tar", shard=None)])
    with pytest.raises(Conflict, match="content-stopped"):
        packed.release_draft(draft.id, "lab/tar")


def test_holders_of_a_shard_are_told_of_a_file_in_it_and_what_to_delete(packed: Packed) -> None:
    loose, whole, other, archive = (builders.actor(packed.store) for _ in range(4))
    shard = packed.shard("train")
    builders.delivered(packed.store, loose, packed.version, "train/1.jpg")
    builders.delivered(packed.store, whole, packed.version, shard.path)
    builders.delivered(packed.store, other, packed.version, packed.shard("test").path)
    builders.delivered(packed.store, archive, packed.version, include=["__packed__/train-*"])
    notice = packed.stop(Stop.WITHHOLD, "train/1.jpg")
    assert recalled(packed, notice) == {loose, whole, archive}
    with packed.store.read() as tx:
        (sent,) = tx.recalls.of_notice(notice.id)
        picture = builders.item("train/1.jpg", b"jpg of train1")
        assert dict(tx.recalls.digests(sent)) == {picture.sha256: picture.size, shard.sha256: shard.size}
        assert tx.recalls.named_in(sent, [shard.sha256, packed.shard("test").sha256]) == {shard.sha256}
    packed.repack()
    later = builders.actor(packed.store)
    builders.delivered(packed.store, later, packed.version, packed.shard("train").path)
    second = packed.stop(Stop.WITHHOLD, "train/2.jpg")
    assert recalled(packed, second) == {whole, archive, later}


def recalled(packed: Packed, notice: Notice) -> set[Actor]:
    with packed.store.read() as tx:
        holders = [one.account_id for one in tx.recalls.holders(notice.id, limit=100)]
        return {in_person(account) for one in holders if (account := tx.accounts.get(one)) is not None}


def test_an_archive_from_which_shards_stayed_out_makes_no_one_a_holder_of_one(packed: Packed) -> None:
    reader = builders.actor(packed.store)
    builders.delivered(packed.store, reader, packed.version, include=["test/*"])
    assert reader not in recalled(packed, packed.stop(Stop.WITHHOLD, "train/1.jpg"))


def test_a_killed_publish_makes_only_what_is_missing(store: Store, tmp_path: Path) -> None:
    packed = Packed(store, tmp_path)
    with store.begin() as tx:
        draft = publish.open_draft(tx, packed.operator, Kind.DATASET, NAME, now=NOW, new_id=new_id)
        items = [item for item in tx.assets.items(packed.version.id) if item.shard is None]
        publish.keep_only(tx, packed.operator, draft.id, items)
    found = rules.arrange((rules.File(item.path, item.size) for item in items), wanted=True)
    assert found is not None
    pack_draft(store, packed.originals, packed.operator, draft.id, found.slots[:1], lambda _: None)
    with store.begin() as tx:  # as the next run does first of all
        publish.add_items(tx, packed.operator, draft.id, items)
    told: list[int] = []
    pack_draft(store, packed.originals, packed.operator, draft.id, found.slots, told.append)
    with store.read() as tx:
        again = tx.shards.of(draft.id)
        members = [tx.shards.members(draft.id, number) for number in range(2)]
    assert {item.path: item.sha256 for item in again} == {p: item.sha256 for p, item in packed.shards().items()}
    assert [len(each) for each in members] == [8, 8]
    pack_draft(store, packed.originals, packed.operator, draft.id, (), told.append)
    with store.read() as tx:
        assert not tx.shards.of(draft.id)
        assert not tx.shards.members(draft.id, 0)
        assert len(tx.assets.items(draft.id)) == 16


def test_a_file_that_is_packed_no_more_is_in_no_slot(packed: Packed) -> None:
    with packed.store.begin() as tx:
        draft = publish.open_draft(tx, packed.operator, Kind.DATASET, NAME, now=NOW, new_id=new_id)
        items = [item for item in tx.assets.items(packed.version.id) if item.shard is None]
        publish.keep_only(tx, packed.operator, draft.id, items)
    for some in (items, [item for item in items if item.path != "test/0.jpg"]):
        found = rules.arrange((rules.File(item.path, item.size) for item in some), wanted=True)
        assert found is not None
        pack_draft(packed.store, packed.originals, packed.operator, draft.id, found.slots, lambda _: None)
        with packed.store.read() as tx:
            members = {item.path for slot in (0, 1) for item in tx.shards.members(draft.id, slot)}
        assert members == {item.path for item in some}


def test_a_shard_that_went_before_it_was_named_is_not_listed(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    def swept(*given: Any) -> Item:
        item = make_shard(*given)
        packed.originals.delete(item.sha256)  # as whoever gives up a draft with the same shard would
        return item

    former = packed.shard("train")
    packed.stop(Stop.WITHHOLD, "train/1.jpg")
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "make_shard", swept)
        with pytest.raises(BlobMissing, match="Run the same again"):
            packed.repack()
        assert packed.shard("train") == former
        patched.setattr(shards, "make_shard", swept)
        with pytest.raises(BlobMissing, match="Run the same again"):
            packed.publish({"train/x": "x"}, name="demo/other")
    Repacker(packed.store, packed.originals, clock=lambda: NOW).run({"version": packed.version.id}, lambda: None)
    assert packed.names(packed.shard("train")) == rules.in_order(both_files_of(0, 2, 3))
    packed.publish({"train/x": "x"}, name="demo/other")
