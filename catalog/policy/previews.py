"""Which items of a version get a preview tile."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.vocabulary import DataClass, Item


def may_have_previews(data_class: DataClass) -> bool:
    """Nothing that concerns minors is ever shown, blurred or not; a model has nothing to show."""
    return data_class not in {DataClass.MINOR, DataClass.MODEL}


def choose(items: Sequence[Item], limit: int) -> list[Item]:
    """At most `limit` pictures, evenly spread over the manifest's order; the same choice each time."""
    pictures = [item for item in items if item.media_type.startswith("image/")]
    if len(pictures) <= limit:
        return pictures
    return [pictures[(2 * k + 1) * len(pictures) // (2 * limit)] for k in range(limit)]
