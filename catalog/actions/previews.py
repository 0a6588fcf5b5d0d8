"""Preview tiles: which may be shown, and what the builder has made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.events import EventKind, Happened, version_subject
from catalog.policy.access import data_class
from catalog.policy.previews import may_have_previews
from catalog.ports import Transaction
from catalog.vocabulary import Asset, ItemState, Preview, PreviewState, Version, VersionState

BUILDER = "job:previews"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What a visitor may see of preview `n`: `blob` when it is shown, else `why` not."""

    n: int
    blob: str | None
    why: str | None
    width: int | None
    height: int | None


def tiles(tx: Transaction, asset: Asset, version: Version) -> list[Tile]:
    """Every tile of a version that may be shown at all; stopped items keep their number and lose their picture."""
    if not may_have_previews(data_class(asset, version)):
        return []
    stopped = tx.stops.stopped(asset.id)
    shown = []
    for preview in tx.previews.of_version(version.id):
        stop = stopped.get(preview.item_sha256)
        if stop is not None:
            why = "item-held" if stop.state is ItemState.HELD else "item-withheld"
            shown.append(Tile(n=preview.n, blob=None, why=why, width=None, height=None))
        elif preview.state is PreviewState.BLURRED:
            shown.append(Tile(n=preview.n, blob=preview.blob, why=None, width=preview.width, height=preview.height))
        else:
            why = preview.why or preview.state.value
            shown.append(Tile(n=preview.n, blob=None, why=why, width=None, height=None))
    return shown


def to_build(tx: Transaction, version_id: str) -> list[Preview]:
    """What the builder has still to do; nothing for a version that was stopped meanwhile."""
    version = tx.assets.version(version_id)
    if version is None or version.state is not VersionState.PUBLISHED:
        return []
    return [preview for preview in tx.previews.of_version(version_id) if preview.state is PreviewState.PENDING]


def record(tx: Transaction, version_id: str, built: Sequence[Preview], *, now: datetime) -> None:
    """Write down how each picture of a batch went."""
    tx.previews.record(built)
    shown = sum(preview.state is PreviewState.BLURRED for preview in built)
    data: dict[str, object] = {"blurred": shown, "refused": len(built) - shown}
    happened = Happened(kind=EventKind.PREVIEWS_BUILT, subject=version_subject(version_id), data=data)
    tx.append(happened, actor=BUILDER, at=now)
