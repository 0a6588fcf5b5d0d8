"""Builds the preview tiles of a version: the only code that holds originals and previews at once.

Each picture goes through faceguard's worker processes; what comes back is a blurred picture or a refusal, and nothing
else is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import NamedTuple

from catalog.actions import previews
from catalog.actions.publish import PREVIEW_JOB
from catalog.ports import Clock, Store
from catalog.vocabulary import Preview, PreviewState
from faceguard.film import HEAD, film_sheet
from faceguard.formats import is_film
from faceguard.opener import Picture, pictures_in
from faceguard.result import Blurred, Refused, Why
from faceguard.spread import spread
from faceguard.worker import Guard
from gateway.blobs.base import BlobMissing, Originals, Previews
from gateway.jobs.beat import now_and_then

BATCH = 8  # pictures between two commits: what a crash may cost to do again
SPARE = 2  # threads beyond the workers: they read and store while every worker computes


class _Planned(NamedTuple):
    """A tile to build, and how; None comes of it when there is no picture in its place."""

    preview: Preview
    make: Callable[[], Blurred | Refused | None]


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
            parts = previews.parts(tx, version_id)
        built: list[Preview] = []
        with (
            ExitStack() as blobs,
            closing(self._planned(pending, parts, blobs, now_and_then(step))) as planned,
            closing(spread(self._build, planned, threads=self._guard.workers + SPARE, beat=step)) as results,
        ):
            for preview in results:
                built.append(preview)
                if len(built) >= BATCH:
                    self._record(version_id, built)
                    built = []
                    step()
        self._record(version_id, built)

    def _record(self, version_id: str, built: list[Preview]) -> None:
        if built:
            with self._store.begin() as tx:
                previews.record(tx, version_id, built, now=self._clock())

    def _planned(
        self, pending: Sequence[Preview], parts: Mapping[str, int], blobs: ExitStack, beat: Callable[[], None]
    ) -> Generator[_Planned]:
        """Every pending tile. Containers are opened as their turn comes, and stay open in ``blobs``."""
        for path, group in groupby(pending, key=lambda preview: preview.path):
            if path in parts:
                yield from self._inside(list(group), parts[path], blobs, beat)
            else:
                yield from (_Planned(preview, partial(self._of_item, preview.item_sha256)) for preview in group)

    def _inside(
        self, group: Sequence[Preview], planned: int, blobs: ExitStack, beat: Callable[[], None]
    ) -> Generator[_Planned]:
        """The pending tiles of one container, of which so many were planned in all: the same pictures in every run."""
        waiting = {preview.part: preview for preview in group}
        with closing(self._pictures_in(group[0].item_sha256, planned, blobs, beat)) as pictures:
            for part, picture in enumerate(pictures, start=1):
                if part in waiting:
                    yield _Planned(waiting.pop(part), partial(self._of_picture, picture))
                if not waiting:
                    return
        yield from (_Planned(preview, lambda: None) for preview in waiting.values())

    def _pictures_in(self, sha256: str, limit: int, blobs: ExitStack, beat: Callable[[], None]) -> Generator[Picture]:
        try:
            blob = self._originals.open(sha256)
        except BlobMissing:
            yield Refused(Why.UNREADABLE)
            return
        blobs.callback(blob.close)
        yield from pictures_in(blob, limit, self._guard.limits, beat)

    def _of_picture(self, picture: Picture) -> Blurred | Refused:
        return picture if isinstance(picture, Refused) else self._guard.preview(picture)

    def _of_item(self, sha256: str) -> Blurred | Refused:
        try:
            blob = self._originals.open(sha256)
        except BlobMissing:
            return Refused(Why.UNREADABLE)
        with closing(blob):
            film = is_film(blob.read(0, min(HEAD, blob.size)))
            return film_sheet(self._guard, blob) if film else self._guard.preview(blob)

    def _build(self, planned: _Planned) -> Preview:
        match planned.make():
            case Blurred(jpeg=jpeg, width=width, height=height):
                digest = self._pictures.put(jpeg)
                return replace(planned.preview, state=PreviewState.BLURRED, blob=digest, width=width, height=height)
            case Refused(why=why):
                return replace(planned.preview, state=PreviewState.REFUSED, why=why.value)
            case None:
                return replace(planned.preview, state=PreviewState.ABSENT)
