"""What the readers share: what they give, which names they follow, and how they choose."""

import re
from typing import Generic, NamedTuple, TypeVar

from faceguard.result import Why

MOST_ENTRIES = 1_000_000
"""What stands behind so many entries is not looked at."""

MOST_LOOSE = 16 * 2**20
"""Bytes of a picture that has to be unpacked; one that lies in its container as it is may be larger."""

_PICTURES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "mpo"}
)
_ARCHIVES = frozenset({"tar", "tgz", "zip", "7z", "rar", "parquet"})

# Columns and double endings (WebDataset's 0001.mask.png) that speak about a picture and are none.
_NOTES = re.compile(
    r"masks?|seg|segmentation|annotations?|labels?|depth|normals?|landmarks?|keypoints?|embeddings?|features?|audio|names?"
)

Kept = TypeVar("Kept")


class Part(NamedTuple):
    """A picture that lies in its container as it is, from ``start`` to ``stop`` (half-open)."""

    start: int
    stop: int


Found = Part | bytes | Why
"""One picture of those chosen, not yet safe to show; or why this one is not given."""


class Evenly(Generic[Kept]):
    """Chooses at most ``limit`` of what passes by, evenly, without knowing beforehand how many will pass.

    Every ``stride``-th is kept; when too many are, every second of them goes and the stride doubles.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._most = 16 * limit
        self._kept: list[Kept] = []
        self._stride = 1
        self._seen = 0

    def offer(self, one: Kept) -> None:
        """The next that passes by."""
        if self._seen % self._stride == 0:
            self._kept.append(one)
            if len(self._kept) > self._most:
                del self._kept[1::2]
                self._stride *= 2
        self._seen += 1

    def chosen(self) -> list[Kept]:
        """At most ``limit``, in the order in which they passed; the same choice each time."""
        return [self._kept[at] for at in spots(len(self._kept), self._limit)]


def spots(count: int, limit: int) -> list[int]:
    """At most ``limit`` places among ``count``, each in the middle of its share."""
    if count <= limit:
        return list(range(count))
    return [(2 * k + 1) * count // (2 * limit) for k in range(limit)]


def is_note(word: str) -> bool:
    """Whether a column or a double ending tells something about a picture rather than being one."""
    return _NOTES.fullmatch(word.lower()) is not None


def is_candidate(name: str) -> bool:
    """Whether an entry may be chosen: by its ending a picture, or an archive, which will be refused if it is chosen."""
    *folders, last = name.replace("\\", "/").split("/")
    stem, *endings = last.lower().split(".")
    if not endings or not stem or "__MACOSX" in folders:  # no ending, a hidden file, what a Mac adds
        return False
    return endings[-1] in _PICTURES | _ARCHIVES and not any(is_note(ending) for ending in endings[:-1])


def fault(name: str, size: int, most: int) -> Why | None:
    """Why an entry that may be chosen is refused all the same."""
    parts = name.replace("\\", "/").split("/")
    if name.rpartition(".")[2].lower() in _ARCHIVES:
        return Why.NESTED_ARCHIVE
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts or not name.isprintable():
        return Why.UNSAFE_NAME
    return Why.TOO_LARGE if size > most else None
