"""The complainant's side: file, and see how it stands. No account, no picture of oneself."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import complaints
from catalog.actions.boards import counts_for_case
from catalog.errors import NotFound
from catalog.ports import Transaction
from catalog.recalls import HolderCounts
from catalog.vocabulary import Actor, Complaint, ComplaintItem, Notice
from gateway.web.api import bodies
from gateway.web.auth import basic
from gateway.web.context import Catalogue
from gateway.web.replies import moment, reply


def status_record(complaint: Complaint, notices: Sequence[Notice], recall: HolderCounts | None) -> dict[str, object]:
    """What the complainant sees: states, dates and numbers, and nothing of anybody else."""
    return {
        "case": complaint.case,
        "state": complaint.state.value,
        "kind": complaint.kind.value,
        "asset": complaint.asset,
        "filed_at": moment(complaint.filed_at),
        "due": moment(complaint.due_at),
        "decided_at": moment(complaint.decided_at),
        "reason": complaint.decision_reason,
        "acts": [
            {
                "act": notice.act.value,
                "reason": notice.reason.value,
                "at": moment(notice.placed_at),
                "lifted_at": moment(notice.lifted_at),
                "notice": notice.id,
            }
            for notice in notices
        ],
        "recall": None if recall is None else asdict(recall),
    }


def status(tx: Transaction, case: str, secret: str) -> tuple[Complaint, Sequence[Notice], HolderCounts | None]:
    """Raises NotFound."""
    complaint, notices = complaints.status(tx, case, secret)
    return complaint, notices, counts_for_case(tx, notices)


class ComplaintsApi:
    def __init__(self, catalogue: Catalogue, public_url: str, key: bytes) -> None:
        self._catalogue = catalogue
        self._base = public_url
        self._key = key

    def source(self, request: Request) -> str:
        """A keyed hash of the sender's address: enough to count by, not to know by."""
        host = request.client.host if request.client else ""
        return hmac.new(self._key, b"complaint-source\0" + host.encode(), hashlib.sha256).hexdigest()

    async def take(self, command: complaints.FileComplaint) -> complaints.Filed:
        """Durable on return, and items that a rule holds at once are held."""
        now, new_id = self._catalogue.now(), self._catalogue.new_id
        return await self._catalogue.write(partial(complaints.file_complaint, now=now, new_id=new_id), command)

    async def file(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.ComplaintBody)
        items = [
            ComplaintItem(path=item, version=None, preview=None)
            if isinstance(item, str)
            else ComplaintItem(path=None, version=item.version, preview=item.preview)
            for item in body.items
        ]
        fields = body.model_dump(exclude={"items"})
        filed = await self.take(complaints.FileComplaint(**fields, items=items, source=self.source(request)))
        answer = {
            "case": filed.complaint.case,
            "secret": filed.secret,
            "status_url": f"{self._base}/complaints/{filed.complaint.case}",
            "due": moment(filed.complaint.due_at),
        }
        return reply(answer, HTTPStatus.CREATED)

    async def status(self, request: Request, actor: Actor) -> Response:
        pair = basic(request.headers.get("authorization", ""))
        case = request.path_params["case"]
        if pair is None or pair[0] != case:
            raise NotFound()
        return reply(status_record(*await self._catalogue.read(status, case, pair[1])))
