"""The public face of a stop: what a 451 points to. Reason and dates, never a complainant."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import NotFound
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Notice
from gateway.web.context import Catalogue
from gateway.web.errors import Errors
from gateway.web.render import Renderer
from gateway.web.replies import moment, reply


def find(tx: Transaction, notice_id: str) -> Notice:
    """Raises NotFound."""
    notice = tx.stops.notice(notice_id)
    if notice is None:
        raise NotFound()
    return notice


def record(notice: Notice, appeal_url: str) -> dict[str, object]:
    """The path of an item is not told: whoever had it knows it, and nobody else need learn it."""
    return {
        "notice": notice.id,
        "act": notice.act.value,
        "asset": notice.subject.partition("@")[0],
        "version": notice.version_id,
        "scope": "item" if notice.sha256 else "version" if notice.version_id else "asset",
        "reason_code": notice.reason.value,
        "since": moment(notice.placed_at),
        "lifted_at": moment(notice.lifted_at),
        "appeal_url": appeal_url,
    }


class Notices:
    def __init__(self, catalogue: Catalogue, renderer: Renderer, errors: Errors) -> None:
        self._catalogue = catalogue
        self._renderer = renderer
        self._errors = errors

    async def show(self, request: Request, actor: Actor) -> Response:
        """A page for browsers, which ask for HTML by name; the record for everyone else."""
        for_people = "text/html" in request.headers.get("accept", "")
        try:
            notice = await self._catalogue.read(find, request.path_params["id"])
        except NotFound as error:
            return (self._errors.page if for_people else self._errors.problem)(request, error)
        found = record(notice, self._errors.appeal_url)
        if for_people:
            return self._renderer.render(request, "notice.html", actor, notice=found)
        return reply(found)
