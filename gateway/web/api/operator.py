"""The operators' API: the queue, stops and their release, dismissals, suspensions, the event log."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions.authority import authorise
from catalog.actions.boards import counts_for_case
from catalog.actions.complaints import subjects_named
from catalog.errors import NotFound
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Complaint, ComplaintState, Event, Stop
from gateway.streams.effective import Effect
from gateway.web.api import bodies
from gateway.web.api.assets import page_size
from gateway.web.api.complaints import status_record
from gateway.web.context import Catalogue
from gateway.web.operations import Done, Operations, one_of
from gateway.web.replies import moment, page, reply


def effect_record(effect: Effect | None) -> dict[str, object]:
    return {} if effect is None else {"effective_ms": effect.effective_ms, "streams_cut": effect.streams_cut}


def case_record(tx: Transaction, complaint: Complaint) -> dict[str, object]:
    """The operator's view of a case: everything but the secret."""
    notices = tx.complaints.notices(complaint.case)
    return {
        **status_record(complaint, notices, counts_for_case(tx, notices)),
        "name": complaint.name,
        "contact": complaint.contact,
        "request": complaint.request,
        "links": list(complaint.links),
        "items": [
            item.path if item.path is not None else {"version": item.version, "preview": item.preview}
            for item in complaint.items
        ],
        "subjects": [str(subject) for subject in subjects_named(tx, complaint)],
    }


def queue(tx: Transaction, actor: Actor, state: ComplaintState | None) -> list[dict[str, object]]:
    authorise(tx, actor, Act.READ_QUEUE)
    return [case_record(tx, complaint) for complaint in tx.complaints.queue(state)]


def one_case(tx: Transaction, actor: Actor, case: str) -> dict[str, object]:
    authorise(tx, actor, Act.READ_QUEUE)
    complaint = tx.complaints.get(case)
    if complaint is None:
        raise NotFound("no-such-case", case=case)
    return case_record(tx, complaint)


def event_record(event: Event) -> dict[str, object]:
    return {
        "position": event.position,
        "kind": event.kind,
        "subject": event.subject,
        "actor": event.actor,
        "at": moment(event.at),
        "data": event.data,
    }


def events(tx: Transaction, actor: Actor, after: int, limit: int) -> list[dict[str, object]]:
    authorise(tx, actor, Act.READ_EVENTS)
    return [event_record(event) for event in tx.ledger.events(after, limit)]


class OperatorApi:
    def __init__(self, catalogue: Catalogue, operations: Operations, public_url: str) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._base = public_url

    async def queue(self, request: Request, actor: Actor) -> Response:
        text = request.query_params.get("state")
        state = None if text is None else one_of(ComplaintState, "state", text)
        return page(await self._catalogue.read(queue, actor, state))

    async def case(self, request: Request, actor: Actor) -> Response:
        return reply(await self._catalogue.read(one_case, actor, request.path_params["case"]))

    async def hold(self, request: Request, actor: Actor) -> Response:
        return await self._stop(request, actor, Stop.HOLD)

    async def withhold(self, request: Request, actor: Actor) -> Response:
        return await self._stop(request, actor, Stop.WITHHOLD)

    async def revoke(self, request: Request, actor: Actor) -> Response:
        return await self._stop(request, actor, Stop.REVOKE)

    async def _stop(self, request: Request, actor: Actor, act: Stop) -> Response:
        body = await bodies.read(request, bodies.StopBody)
        return self.stopped(await self._operations.stop(actor, act, body.subject, body.reason, body.case))

    def stopped(self, done: Done) -> Response:
        """200 when it is effective; 202 when it stands and the catalogue cannot tell within 2 s whether everywhere."""
        record: dict[str, object] = {"notice": done.notice.id, "subject": done.notice.subject}
        if done.effect is None:
            status_url = f"{self._base}/v1/operator/stops/{done.notice.id}"
            return reply({**record, "status_url": status_url}, HTTPStatus.ACCEPTED)
        return reply({**record, **effect_record(done.effect)})

    async def effective(self, request: Request, actor: Actor) -> Response:
        """What a 202 points to."""
        notice, effective = await self._operations.effective(actor, request.path_params["id"])
        return reply({"notice": notice.id, "subject": notice.subject, "effective": effective})

    async def release(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.ReleaseBody)
        release, lifted = await self._operations.release(actor, body.subject, body.reason)
        return reply({"id": release.id, "state": "released" if lifted else "proposed", "subject": release.subject})

    async def confirm(self, request: Request, actor: Actor) -> Response:
        release = await self._operations.confirm(actor, request.path_params["id"])
        return reply({"id": release.id, "state": "released", "subject": release.subject})

    async def dismiss(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.DismissalBody)
        complaint = await self._operations.dismiss(actor, body.case, body.reason)
        return reply({"case": complaint.case, "state": ComplaintState.DISMISSED.value})

    async def suspend(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.SuspensionBody)
        if body.restore:
            account = await self._operations.restore(actor, body.account, body.reason)
            return reply({"account": account.name, "state": "active"})
        account, effect = await self._operations.suspend(actor, body.account, body.reason)
        return reply({"account": account.name, "state": "suspended", **effect_record(effect)})

    async def events(self, request: Request, actor: Actor) -> Response:
        limit = page_size(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor", "0")
        after = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0
        found = await self._catalogue.read(events, actor, after, limit)
        more = str(found[-1]["position"]) if len(found) == limit else None
        return page(found, more)
