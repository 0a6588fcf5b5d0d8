"""Drafts: whose they are looks at them, releases them, or throws them away."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import drafts
from catalog.actions.drafts import Draft
from catalog.actions.publish import Released
from catalog.vocabulary import Actor, DataClass
from gateway.uploads.intake import Choice, Seen
from gateway.web.api import bodies
from gateway.web.context import Catalogue
from gateway.web.operations import one_of
from gateway.web.receiving import Receiver
from gateway.web.replies import moment, page, reply
from gateway.web.words import Words, language_of, words_for

FILES_SHOWN = 1000


def draft_record(draft: Draft) -> dict[str, object]:
    return {
        "id": draft.version.id,
        "asset": draft.asset.full_name,
        "kind": draft.asset.kind.value,
        "publisher": draft.publisher,
        "opened_at": moment(draft.version.created_at),
        "items": draft.items,
        "size": draft.size,
    }


def seen_record(seen: Seen, words: Words) -> dict[str, object]:
    """`lacks` says in sentences what a release still needs; `files` are the first thousand."""
    return {
        **draft_record(seen.draft),
        "lacks": {name: words(f"wrong.{flaw}", **flaw.params) for name, flaw in seen.wrong.items()},
        "files": [{"path": item.path, "size": item.size} for item in seen.items[:FILES_SHOWN]],
    }


def released_record(released: Released, words: Words) -> dict[str, object]:
    return {
        "version": released.version.id,
        "new": released.new,
        "warnings": {code: words(f"publish-warning.{code}") for code in released.warnings},
    }


class ReleaseBody(bodies.Body):
    """What is not said is taken from the head of the draft's README.md."""

    warrant: dict[str, Any] | None = None
    terms: str | None = None
    tag: str | None = None
    data_class: str | None = None
    pack: bool | None = None


class DraftsApi:
    def __init__(self, catalogue: Catalogue, receiver: Receiver) -> None:
        self._catalogue = catalogue
        self._receiver = receiver

    async def list(self, request: Request, actor: Actor) -> Response:
        return page([draft_record(draft) for draft in await self._catalogue.read(drafts.drafts, actor)])

    async def show(self, request: Request, actor: Actor) -> Response:
        seen = await self._receiver.run(self._receiver.uploads.look, actor, request.path_params["id"], Choice())
        return reply(seen_record(seen, words_for(language_of(request))))

    async def release(self, request: Request, actor: Actor) -> Response:
        """From the answer on the version is `main`. Raises Invalid naming what is lacking; then it stays a draft."""
        body = await bodies.read(request, ReleaseBody)
        choice = Choice(
            warrant=body.warrant,
            terms_id=body.terms,
            tag=body.tag,
            data_class=None if body.data_class is None else one_of(DataClass, "data_class", body.data_class).value,
            pack=body.pack,
        )
        released = await self.released(actor, request.path_params["id"], choice)
        status = HTTPStatus.CREATED if released.new else HTTPStatus.OK
        return reply(released_record(released, words_for(language_of(request))), status)

    async def discard(self, request: Request, actor: Actor) -> Response:
        await self._receiver.run(self._receiver.uploads.discard, actor, request.path_params["id"])
        return reply({"id": request.path_params["id"], "items": 0})

    async def released(self, actor: Actor, version_id: str, choice: Choice) -> Released:
        """For the page too: what was known of the asset is looked up anew."""
        released = await self._receiver.run(self._receiver.uploads.release, actor, version_id, choice)
        self._catalogue.moved(0)
        return released
