"""Builds the preview tiles of a version: the only code that holds originals and previews at once.

Each picture goes through faceguard's worker processes; what comes back is a blurred picture or a
refusal, and nothing else is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from catalog.actions import previews
from catalog.actions.publish import PREVIEW_JOB
from catalog.ports import Clock, Store
from catalog.vocabulary import Preview, PreviewState
from faceguard.result import Blurred, Refused
from faceguard.worker import Guard
from gateway.blobs.base import BlobMissing, Originals, Previews

BATCH = 8  # pictures between two commits: what a crash may cost to do again
MAX_PICTURE = 64 * 1024 * 1024  # bytes; longer ones are refused unread


class PreviewBuilder:
    kind = PREVIEW_JOB

    def __init__(
        self, store: Store, originals: Originals, pictures: Previews, guard: Guard, *, workers: int, clock: Clock
    ) -> None:
        self._store = store
        self._originals = originals
        self._pictures = pictures
        self._guard = guard
        self._workers = workers
        self._clock = clock

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        """Build what is still pending of the version; safe to run again."""
        version_id = str(payload["version"])
        with self._store.read() as tx:
            pending = previews.to_build(tx, version_id)
        with ThreadPoolExecutor(self._workers) as pool:
            for start in range(0, len(pending), BATCH):
                step()
                built = list(pool.map(self._build, pending[start : start + BATCH]))
                with self._store.begin() as tx:
                    previews.record(tx, version_id, built, now=self._clock())

    def _build(self, preview: Preview) -> Preview:
        try:
            blob = self._originals.open(preview.item_sha256)
        except BlobMissing:
            return replace(preview, state=PreviewState.REFUSED, why="unreadable")
        try:
            if blob.size > MAX_PICTURE:
                return replace(preview, state=PreviewState.REFUSED, why="too_large")
            data = blob.read(0, blob.size)
        finally:
            blob.close()
        match self._guard.preview(data):
            case Blurred(jpeg=jpeg, width=width, height=height):
                digest = self._pictures.put(jpeg)
                return replace(preview, state=PreviewState.BLURRED, blob=digest, width=width, height=height)
            case Refused(why=why):
                return replace(preview, state=PreviewState.REFUSED, why=why.value)
