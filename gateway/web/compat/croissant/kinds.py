"""The kinds of files that a version holds: what can be told of them without their names. Pure."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.vocabulary import Item


@dataclass(frozen=True, slots=True)
class FileKind:
    """Files of one media type: how many there are, and the endings of their names that belong to that type."""

    media_type: str
    count: int
    endings: tuple[str, ...]

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/")


def file_kinds(items: Iterable[Item]) -> list[FileKind]:
    """The kinds of these files. Endings that no registry knows are not told: they could say anything."""
    counts: dict[str, int] = {}
    endings: dict[str, set[str]] = {}
    known: dict[str, frozenset[str]] = {}
    for item in items:
        kind = item.media_type
        if kind not in known:
            own = kind.replace("/x-", "/").rpartition("/")[2].rpartition(".")[2]  # application/vnd.apache.parquet
            known[kind] = frozenset([*mimetypes.guess_all_extensions(kind), f".{own}"])
        counts[kind] = counts.get(kind, 0) + 1
        ending = "." + item.path.rpartition(".")[2]
        if ending.lower() in known[kind]:
            endings.setdefault(kind, set()).add(ending)
    return [FileKind(kind, counts[kind], tuple(sorted(endings.get(kind, ())))) for kind in sorted(counts)]
