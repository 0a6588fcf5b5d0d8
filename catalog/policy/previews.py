"""Which items of a version get preview tiles, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from catalog.vocabulary import DataClass, Item

# Items that hold pictures. What is inside is known only when they are opened.
CONTAINERS = frozenset({"application/x-tar", "application/zip", "application/vnd.apache.parquet"})


class Place(NamedTuple):
    """What a tile shows: an item, or the picture of that number (from 1) among those chosen inside it."""

    item: Item
    part: int | None


def may_have_previews(data_class: DataClass) -> bool:
    """Nothing that concerns minors is ever shown, blurred or not; a model has nothing to show."""
    return data_class not in {DataClass.MINOR, DataClass.MODEL}


def choose(items: Sequence[Item], limit: int) -> list[Place]:
    """At most `limit` tiles, evenly spread over the manifest's order; the same choice each time.

    A picture and a film have one; what the others leave over is shared out evenly among the containers.
    """
    shown = [item for item in items if _is_shown(item)]
    if len(shown) > limit:
        shown = [shown[(2 * k + 1) * len(shown) // (2 * limit)] for k in range(limit)]
    holders = sum(_is_container(item) for item in shown)
    share, odd = divmod(limit - len(shown), holders) if holders else (0, 0)
    places: list[Place] = []
    for item in shown:
        if _is_container(item):
            places += [Place(item, part) for part in range(1, 2 + share + (odd > 0))]
            odd -= 1
        else:
            places.append(Place(item, None))
    return places


def _is_shown(item: Item) -> bool:
    return item.media_type.startswith(("image/", "video/")) or _is_container(item)


def _is_container(item: Item) -> bool:
    return item.media_type in CONTAINERS
