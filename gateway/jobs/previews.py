"""Builds the preview tiles of a version: the only code that holds originals and previews at once.

Each picture goes through faceguard's worker processes; what comes back is a blurred picture or a
refusal, and nothing else is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from catalog.actions import previews
from catalog.actions.publish import PREVIEW_JOB
from catalog.ports import Clock, Store
from catalog.vocabulary import Preview, PreviewState
from faceguard.result import Blurred, Refused
from faceguard.spread import spread
from faceguard.worker import Guard
from gateway.blobs.base import BlobMissing, Originals, Previews

BATCH = 8  # pictures between two commits: what a crash may cost to do again
SPARE = 2  # threads beyond the workers: they read and store while every worker computes


class PreviewBuilder:
    kind = PREVIEW_JOB

    def __init__(self, store: Store, originals: Originals, pictures: Previews, guard: Guard, *, clock: Clock) -> None:
        self._store = store
        self._originals = originals
        self._pictures = pictures
        self._guard = guard
        self._clock = clock

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        """Build what is still pending of the version; safe to run again."""
        version_id = str(payload["version"])
        with self._store.read() as tx:
            pending = previews.to_build(tx, version_id)
        built: list[Preview] = []
        with closing(spread(self._build, pending, threads=self._guard.workers + SPARE, beat=step)) as results:
            for preview in results:
                built.append(preview)
                if len(built) == BATCH:
                    self._record(version_id, built)
                    built = []
                    step()
        self._record(version_id, built)

    def _record(self, version_id: str, built: list[Preview]) -> None:
        if built:
            with self._store.begin() as tx:
                previews.record(tx, version_id, built, now=self._clock())

    def _build(self, preview: Preview) -> Preview:
        try:
            blob = self._originals.open(preview.item_sha256)
        except BlobMissing:
            return replace(preview, state=PreviewState.REFUSED, why="unreadable")
        with closing(blob):
            result = self._guard.preview(blob)
        match result:
            case Blurred(jpeg=jpeg, width=width, height=height):
                digest = self._pictures.put(jpeg)
                return replace(preview, state=PreviewState.BLURRED, blob=digest, width=width, height=height)
            case Refused(why=why):
                return replace(preview, state=PreviewState.REFUSED, why=why.value)
