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
        if _is_empty(preview):
            continue
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


def _is_empty(preview: Preview) -> bool:
    """No picture has turned up in this place of a container; while it is not opened, its first tile speaks for all."""
    later = preview.part is not None and preview.part > 1
    return preview.state is PreviewState.ABSENT or (preview.state is PreviewState.PENDING and later)


def to_build(tx: Transaction, version_id: str) -> list[Preview]:
    """What the builder has still to do; nothing for a version that was stopped meanwhile."""
    version = tx.assets.version(version_id)
    if version is None or version.state is not VersionState.PUBLISHED:
        return []
    return [preview for preview in tx.previews.of_version(version_id) if preview.state is PreviewState.PENDING]


def parts(tx: Transaction, version_id: str) -> dict[str, int]:
    """How many pictures were planned inside each item that holds some, by its path; done or not."""
    planned: dict[str, int] = {}
    for preview in tx.previews.of_version(version_id):
        if preview.part is not None:
            planned[preview.path] = max(preview.part, planned.get(preview.path, 0))
    return planned


def record(tx: Transaction, version_id: str, built: Sequence[Preview], *, now: datetime) -> None:
    """Write down how each picture of a batch went."""
    tx.previews.record(built)
    shown = sum(preview.state is PreviewState.BLURRED for preview in built)
    refused = sum(preview.state is PreviewState.REFUSED for preview in built)
    data: dict[str, object] = {"blurred": shown, "refused": refused}
    happened = Happened(kind=EventKind.PREVIEWS_BUILT, subject=version_subject(version_id), data=data)
    tx.append(happened, actor=BUILDER, at=now)
