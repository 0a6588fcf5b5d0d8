"""Which small files of a dataset are packed into which shards: tars in the manner of WebDataset. Pure.

Files of one folder whose names are equal up to the first dot are one sample: its key is what they share, its fields are
what differs. A sample is never divided.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import rfc8785

from catalog.policy import card as cards
from catalog.policy.names import CARD, SHARDS
from catalog.vocabulary import Item, Warrant

PACK_FROM = 500  # small files; fewer are fetched one by one in a few seconds
SMALL_MOST = 16 * 1024 * 1024  # bytes of a small file
SHARD_SIZE = 512 * 1024 * 1024  # bytes aimed at; what comes of it lies between 256 MiB and 1 GiB
FIELDS_MOST = 16  # of one sample; more are no sample, but names with dots in them
RARE = 100  # a field that fewer than one sample in so many has is about the set, not of its samples
LOOKED_AT = 5  # samples from which a client learns what all of them are like
BLOCK = 512  # bytes, a tar's unit
FINGERPRINT = 12  # hex digits

NAME = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)", re.DOTALL)
SPLITS = {
    "train": "train", "training": "train",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
}  # fmt: skip
# Files that are many in one already.
CONTAINERS = frozenset({"arrow", "gz", "h5", "hdf5", "mdb", "npz", "parquet", "tar", "tgz", "xz", "zip", "zst"})


class File(NamedTuple):
    path: str
    size: int


Sample = Mapping[str, File]  # by field


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What goes into one shard: `paths` in the order in which they lie in it; `size` in bytes, a little short where
    names are long."""

    number: int
    split: str
    paths: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """`even`: the samples have the same fields, so that a client can read them as one table."""

    slots: tuple[Slot, ...]
    even: bool

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(slot.split for slot in self.slots))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The shards that a set gets, the card that names them as what a client takes by default, and what to warn of."""

    slots: tuple[Slot, ...]
    card: str
    warnings: tuple[str, ...]


def plan(files: Iterable[File], card: str, *, wanted: bool | None = None) -> Plan:
    """How a set of these files is released; `wanted` as in `arrange`. Raises Invalid for a card that cannot be read."""
    found = arrange(files, wanted=wanted)
    bare = cards.without_packed(card)  # of a former release, from which the publisher went on
    if found is None:
        return Plan(slots=(), card=bare, warnings=("nothing-to-pack",) if wanted else ())
    if not found.even:
        return Plan(slots=found.slots, card=bare, warnings=("samples-differ",))
    packed = cards.with_packed(bare, {split: shard_glob(split) for split in found.splits})
    if packed is None:
        return Plan(slots=found.slots, card=bare, warnings=("configs-kept",))
    return Plan(slots=found.slots, card=packed, warnings=())


def card_of_nothing(card: str, warrant: Warrant, terms_id: str) -> str | None:
    """What a release makes of no card at all, with shards of the splits that this one names. None: it names none.

    A card equal to it says nothing but what the warrant says and where the shards are.
    """
    globs = {split: glob for split in sorted(set(SPLITS.values())) if (glob := shard_glob(split)) in card}
    packed = cards.with_packed("", globs) if globs else None
    return None if packed is None else cards.complete(packed, warrant, terms_id)


def sample_of(path: str) -> tuple[str, str] | None:
    """`a/b.seg.png` → (`a/b`, `seg.png`), key and field; None for a name that lacks one of the two."""
    found = NAME.fullmatch(path)
    return None if found is None else (found[1], found[2])


def arrange(files: Iterable[File], *, wanted: bool | None = None) -> Packing | None:
    """How these files are packed; the same each time. None: not at all.

    `wanted` None packs a set of many small files, True any that has a sample in it.
    """
    samples = {} if wanted is False else _samples(files)
    told_apart = all(len(sample) <= FIELDS_MOST for sample in samples.values())
    if not samples or (wanted is None and not (told_apart and _many_small(samples))):
        return None
    slots: list[Slot] = []
    for split, keys in sorted(_by_split(samples).items()):
        for some in _divided([samples[key] for key in keys]):
            paths = in_order(file.path for sample in some for file in sample.values())
            size = 2 * BLOCK + sum(_weight(sample) for sample in some)
            slots.append(Slot(number=len(slots), split=split, paths=tuple(paths), size=size))
    return Packing(slots=tuple(slots), even=told_apart and _even(slots))


def in_order(paths: Iterable[str]) -> list[str]:
    """As these files lie in their shard: sample by sample, those with the usual fields first."""
    samples = _grouped(paths)
    usual = _usual(samples.values())
    order = sorted(samples, key=lambda key: (samples[key].keys() != usual, key))
    return [samples[key][field] for key in order for field in sorted(samples[key])]


def left_out(paths: Iterable[str], stopped: Collection[str]) -> frozenset[str]:
    """What a shard of these files lacks while some are stopped: a sample that lost one of its files is none."""
    broken = {sample_of(path) for path in stopped}
    keys = {found[0] for found in broken if found is not None}
    return frozenset(path for path in paths if (sample_of(path) or (path,))[0] in keys)


def shard_path(slot: int, split: str, members: Sequence[Item]) -> str:
    """Where a shard of these files is: another place for other contents, the same place for the same."""
    return f"{SHARDS}/{split}-{slot:05}-{fingerprint(members)}.tar"


def shard_path_beside(path: str, members: Sequence[Item]) -> str:
    """The place of another shard of the same slot."""
    return f"{path.rpartition('-')[0]}-{fingerprint(members)}.tar"


def shard_glob(split: str) -> str:
    """All shards of a split, as a configuration in a card names them."""
    return f"{SHARDS}/{split}-*.tar"


def fingerprint(members: Iterable[Item]) -> str:
    pairs = [[item.path, item.sha256] for item in sorted(members, key=lambda item: item.path)]
    return hashlib.sha256(rfc8785.dumps(pairs)).hexdigest()[:FINGERPRINT]


def _samples(files: Iterable[File]) -> dict[str, dict[str, File]]:
    """By key; without what describes the set, and without what holds many files in one already."""
    found: dict[str, dict[str, File]] = {}
    for file in files:
        named = sample_of(file.path)
        if named is None or file.path == CARD or named[1].rpartition(".")[2].lower() in CONTAINERS:
            continue
        found.setdefault(named[0], {})[named[1]] = file
    counts = Counter(field for sample in found.values() for field in sample)
    most = max(counts.values(), default=0)
    rare = {field for field, count in counts.items() if count * RARE < most or (count == 1 and most > 1)}
    kept = {key: {field: sample[field] for field in sample if field not in rare} for key, sample in found.items()}
    return {key: sample for key, sample in kept.items() if sample}


def _many_small(samples: Mapping[str, Sample]) -> bool:
    """Enough small files that it is worth it, and few others that would be kept twice for nothing."""
    sizes = [file.size for sample in samples.values() for file in sample.values()]
    small = sum(size <= SMALL_MOST for size in sizes)
    return small >= PACK_FROM and small * 10 >= len(sizes) * 9


def _by_split(samples: Mapping[str, Sample]) -> dict[str, list[str]]:
    """Keys in order: the usual samples of each split first."""
    usual = _usual(set(sample) for sample in samples.values())
    found: dict[str, list[str]] = {}
    for key in sorted(samples, key=lambda key: (set(samples[key]) != usual, key)):
        folder, slash, _ = key.partition("/")
        found.setdefault(SPLITS.get(folder.lower(), "train") if slash else "train", []).append(key)
    return found


def _divided(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples in their order, in shards of about the same size."""
    total = sum(map(_weight, samples))
    count = max(1, round(total / SHARD_SIZE))
    shards: list[list[Sample]] = [[] for _ in range(count)]
    before = 0
    for sample in samples:
        weight = _weight(sample)
        shards[(2 * before + weight) * count // (2 * total)].append(sample)
        before += weight
    return [shard for shard in shards if shard]


def _weight(sample: Sample) -> int:
    """Bytes that it takes in a tar."""
    return sum(BLOCK + file.size + -file.size % BLOCK for file in sample.values())


def _even(slots: Sequence[Slot]) -> bool:
    """Nobody has a field that the usual samples lack, and the first ones of each shard are usual ones."""
    shards = [[sample.keys() for sample in _grouped(slot.paths).values()] for slot in slots]
    usual = _usual(fields for shard in shards for fields in shard)
    return all(
        all(fields <= usual for fields in shard) and all(fields == usual for fields in shard[:LOOKED_AT])
        for shard in shards
    )


def _grouped(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """Key → field → path, keys in the order in which they come."""
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        key, field = sample_of(path) or (path, "")
        found.setdefault(key, {})[field] = path
    return found


def _usual(samples: Iterable[Iterable[str]]) -> frozenset[str]:
    """The fields that most samples have."""
    counts = Counter(frozenset(fields) for fields in samples)
    return max(counts, key=lambda fields: (counts[fields], sorted(fields)), default=frozenset())
