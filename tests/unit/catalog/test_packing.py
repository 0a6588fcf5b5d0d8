from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.policy import card as cards
from catalog.policy import packing
from catalog.policy.packing import File, Packing, arrange, in_order, left_out, sample_of
from catalog.policy.warrant import read as read_warrant
from tests import builders

MIB = 1024 * 1024
# As WebDataset's own readers divide a name.
THEIRS = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")


def pictures(count: int, size: int = 50_000, suffix: str = "jpg", folder: str = "") -> list[File]:
    return [File(f"{folder}{number:05}.{suffix}", size) for number in range(count)]


def arranged(files: Sequence[File], *, wanted: bool | None = None) -> Packing:
    found = arrange(files, wanted=wanted)
    assert found is not None
    return found


def test_many_small_files_are_packed_and_few_are_not() -> None:
    assert arrange(pictures(499)) is None
    assert arrange(pictures(500)) is not None
    assert arrange(pictures(500), wanted=False) is None
    assert arrange(pictures(2), wanted=True) is not None
    assert arrange([], wanted=True) is None


def test_large_files_are_not_kept_twice() -> None:
    films = pictures(600, size=20 * MIB, suffix="mp4")
    assert arrange(films) is None
    assert arrange([*films, *pictures(600)]) is None
    few = arranged([*pictures(600), *pictures(20, size=20 * MIB, folder="large/")])
    assert sum(len(slot.paths) for slot in few.slots) == 620, "what is packed is whole"


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "labels.csv", "all.zip", ".hidden.jpg", "notes/about.txt"])
def test_what_is_about_the_set_is_no_sample(name: str) -> None:
    packed = arranged([*pictures(500), File(name, 100)])
    assert name not in {path for slot in packed.slots for path in slot.paths}
    assert packed.even


def test_the_files_of_a_sample_stay_together_whatever_lies_between_their_names() -> None:
    files = [File(f"{name}.{field}", MIB) for name in ("a", "a-1", "b/a", "b/a+") for field in ("jpg", "seg.png")]
    assert in_order(file.path for file in files) == [
        "a.jpg", "a.seg.png", "a-1.jpg", "a-1.seg.png", "b/a.jpg", "b/a.seg.png", "b/a+.jpg", "b/a+.seg.png",
    ]  # fmt: skip


def test_splits_are_folders() -> None:
    packed = arranged([*pictures(400, folder="train/"), *pictures(80, folder="val/"), *pictures(40, folder="Test/")])
    assert packed.splits == ("test", "train", "validation")
    assert [slot.number for slot in packed.slots] == [0, 1, 2]
    assert arranged(pictures(500, folder="person/")).splits == ("train",)


def test_samples_that_lack_something_come_last_and_are_no_harm() -> None:
    labels = [File(file.path.replace("jpg", "json"), 10) for file in pictures(600)[7:]]
    packed = arranged([*pictures(600), *labels])
    assert packed.even
    (slot,) = packed.slots
    assert slot.paths[-7:] == tuple(f"{number:05}.jpg" for number in range(7))


def test_pictures_of_two_kinds_are_packed_but_are_not_one_table() -> None:
    packed = arranged([*pictures(300), *pictures(300, suffix="png", folder="more/")])
    assert not packed.even
    assert sum(len(slot.paths) for slot in packed.slots) == 600


def test_names_full_of_dots_are_no_samples() -> None:
    days = [File(f"2021.{day}.jpg", 1000) for day in range(600)]
    assert arrange(days) is None
    assert not arranged(days, wanted=True).even


@pytest.mark.parametrize("total", [10, 255, 257, 700, 800, 1000, 5000, 20_000])
def test_shards_have_the_size_aimed_at(total: int) -> None:
    packed = arranged(pictures(total, size=MIB - packing.BLOCK), wanted=True)
    sizes = [len(slot.paths) for slot in packed.slots]
    assert sum(sizes) == total
    assert len(sizes) == 1 or all(256 <= size <= 1024 for size in sizes)


def test_a_sample_that_lost_a_file_is_left_out_whole() -> None:
    paths = ["a/1.jpg", "a/1.json", "a/2.jpg", "a/2.json", "b/1.jpg"]
    assert left_out(paths, ["a/1.jpg"]) == {"a/1.jpg", "a/1.json"}
    assert left_out(paths, []) == frozenset()
    assert left_out(paths, paths) == set(paths)


def test_another_content_is_another_place() -> None:
    one, other = builders.item("a.jpg", b"1"), builders.item("a.jpg", b"2")
    place = packing.shard_path(3, "train", [one])
    assert re.fullmatch(r"__packed__/train-00003-[0-9a-f]{12}\.tar", place)
    assert packing.shard_path(3, "train", [other]) != place
    assert packing.shard_path_beside(packing.shard_path(3, "train", [other]), [one]) == place


names = st.text(alphabet="ab./-_é", min_size=1, max_size=12).filter(lambda text: "//" not in text)


@given(names)
def test_names_are_divided_as_the_readers_of_shards_divide_them(path: str) -> None:
    found, theirs = sample_of(path), THEIRS.match(path)
    if found is not None:
        assert theirs is not None
        assert found == theirs.groups()


files = st.dictionaries(
    st.tuples(
        st.sampled_from(["", "train/", "b/c/"]),
        st.text("abc-", min_size=1, max_size=4),
        st.sampled_from(["jpg", "json", "seg.png"]),
    ),
    st.integers(0, 400 * MIB),
    min_size=1,
    max_size=60,
).map(lambda found: [File(f"{folder}{stem}.{field}", size) for (folder, stem, field), size in found.items()])


@given(files, st.randoms(use_true_random=False))
def test_nothing_is_packed_twice_or_torn_apart_and_order_does_not_matter(files: list[File], chance: object) -> None:
    packed = arrange(files, wanted=True)
    assert packed is not None
    shuffled = files[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arrange(shuffled, wanted=True) == packed
    paths = [path for slot in packed.slots for path in slot.paths]
    assert len(paths) == len(set(paths))
    assert set(paths) <= {file.path for file in files}
    home: dict[str, int] = {}
    for slot in packed.slots:
        keys = [(sample_of(path) or ("", ""))[0] for path in slot.paths]
        runs = [key for n, key in enumerate(keys) if n == 0 or keys[n - 1] != key]
        assert len(runs) == len(set(runs)), "a sample's files lie side by side"
        for key in runs:
            assert home.setdefault(key, slot.number) == slot.number


@pytest.mark.parametrize(
    ("own", "alone"), [("", True), ("---\npretty_name: Li Ming\n---\n", False), ("# Li Ming\n", False)]
)
def test_a_card_made_of_nothing_is_known_by_its_words(own: str, alone: bool) -> None:
    vouched, wrong = read_warrant(builders.warrant())
    assert vouched is not None, wrong
    files = [*pictures(500, folder="train/"), *pictures(500, folder="test/")]
    card = cards.complete(packing.plan(files, own).card, vouched, "research-use")
    assert cards.terms_asked(card) == "research-use"
    assert (packing.card_of_nothing(card, vouched, "research-use") == card) is alone
    assert packing.card_of_nothing("# Faces", vouched, "research-use") is None
    assert cards.terms_asked("---\nextra_gated_prompt: Read and accept the terms of Li Ming\n---\n") == ""
