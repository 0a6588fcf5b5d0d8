"""Recalls as operators see them: the list, one board, its holders, and both exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import boards
from catalog.actions.authority import authorise
from catalog.policy import names
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.recalls import Fetched, HolderState, Outcome, Receipt
from catalog.vocabulary import Account, Actor
from gateway.web.api import bodies
from gateway.web.api.assets import page_size
from gateway.web.api.notices import record as notice_record
from gateway.web.api.operator import effect_record
from gateway.web.api.recalls import number, task_record
from gateway.web.context import Catalogue
from gateway.web.operations import Operations, one_of
from gateway.web.replies import NO_STORE, moment, page, reply
from gateway.web.statements import Statements

COLUMNS = (
    "account", "state", "sent_at", "fetched_at", "answered_at", "overdue_at", "excused", "suspended",
    "versions", "fetches", "bytes", "first_at", "last_at", *(outcome.value for outcome in Outcome),
    "copies_outside", "receipts", "mails", "note",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet would compute


def board_record(board: boards.Board) -> dict[str, object]:
    recall = board.recall
    return {
        "id": board.notice.id,
        "seq": recall.seq,
        "subject": board.notice.subject,
        "asset": recall.asset,
        "versions": list(recall.versions),
        "scope": recall.scope.value,
        "action": recall.action.value,
        "reason_code": recall.reason.value,
        "case": board.notice.case,
        "issued_at": moment(recall.issued_at),
        "deadline": moment(recall.deadline_at),
        "withdrawn_at": None if board.withdrawn is None else moment(board.withdrawn.issued_at),
        "counts": asdict(board.counts),
    }


def whole_record(tx: Transaction, actor: Actor, notice_id: str) -> dict[str, object]:
    """One board with its totals and its tasks."""
    board = boards.board(tx, actor, notice_id)
    totals = boards.totals_of(tx, actor, board)
    return {
        **board_record(board),
        "fetches": totals.fetches,
        "bytes": totals.bytes,
        "tasks": [task_record(tx, task) for task in board.tasks],
    }


def fetched_record(one: Fetched) -> dict[str, object]:
    return {
        "version": one.version_id,
        "fetches": one.fetches,
        "bytes": one.bytes,
        "first_at": moment(one.first_at),
        "last_at": moment(one.last_at),
    }


def receipt_record(receipt: Receipt) -> dict[str, object]:
    return {
        "id": receipt.id,
        "install": receipt.install_id,
        "received_at": moment(receipt.received_at),
        "sha256": receipt.sha256,
        "counts": {outcome.value: count for outcome, count in receipt.counts.items()},
        "copies_outside": receipt.copies_outside.value,
        "note": receipt.note,
    }


def row_record(row: boards.Row) -> dict[str, object]:
    holder = row.holder
    return {
        "account": row.account.name,
        "state": holder.state.value,
        "sent_at": moment(holder.sent_at),
        "fetched_at": moment(holder.fetched_at),
        "answered_at": moment(holder.answered_at),
        "overdue_at": moment(holder.overdue_at),
        "excused": holder.excused_by is not None,
        "suspended": holder.suspended_at is not None,
        "mails": holder.mails,
        "got": [fetched_record(one) for one in row.got],
        "answers": [receipt_record(receipt) for receipt in row.answers],
    }


def holder_rows(
    tx: Transaction, actor: Actor, notice_id: str, state: HolderState | None, after: str, limit: int
) -> tuple[list[dict[str, object]], str | None]:
    """A page of a recall's holders, and where the next begins."""
    board = boards.board(tx, actor, notice_id)
    states = tuple(HolderState) if state is None else (state,)
    found = boards.rows(tx, actor, board, states=states, after=after, limit=limit)
    return [row_record(row) for row in found], found[-1].account.id if len(found) == limit else None


def who_has(tx: Transaction, actor: Actor, subject: str) -> list[dict[str, object]]:
    """Who got something of a subject, one record an account and version."""
    found = boards.who_has(tx, actor, names.subject(subject))
    return [{"account": account.name, **fetched_record(one)} for account, one in found]


def in_csv(rows: Iterable[boards.Row]) -> bytes:
    """One line a holder. Text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, quoting=csv.QUOTE_ALL)
    lines.writerow(COLUMNS)
    for row in rows:
        lines.writerow([_cell(value) for value in _csv_values(row)])
    return "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + out.getvalue().encode()


def _csv_values(row: boards.Row) -> Sequence[object]:
    holder, totals = row.holder, row.totals
    outcomes = [sum(receipt.counts.get(outcome, 0) for receipt in row.answers) for outcome in Outcome]
    return (
        row.account.name, holder.state.value, moment(holder.sent_at), moment(holder.fetched_at),
        moment(holder.answered_at), moment(holder.overdue_at), holder.excused_by is not None,
        holder.suspended_at is not None, totals.versions, totals.fetches, totals.bytes,
        moment(min((one.first_at for one in row.got), default=None)),
        moment(max((one.last_at for one in row.got), default=None)), *outcomes,
        " ".join(sorted({receipt.copies_outside.value for receipt in row.answers})), len(row.answers), holder.mails,
        " | ".join(receipt.note for receipt in row.answers if receipt.note),
    )  # fmt: skip


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


class BoardsApi:
    def __init__(
        self, catalogue: Catalogue, operations: Operations, statements: Statements, *, appeal_url: str
    ) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._statements = statements
        self._appeal_url = appeal_url

    async def list(self, request: Request, actor: Actor) -> Response:
        limit = page_size(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor")
        before = None if cursor is None else number(cursor, "cursor")
        found = await self._catalogue.read(boards.boards, actor, limit, before)
        return page([board_record(one) for one in found], str(found[-1].recall.seq) if len(found) == limit else None)

    async def show(self, request: Request, actor: Actor) -> Response:
        return reply(await self._catalogue.read(whole_record, actor, request.path_params["id"]))

    async def holders(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        state = None if "state" not in query else one_of(HolderState, "state", query["state"])
        limit = page_size(query.get("limit"))
        found, following = await self._catalogue.read(
            holder_rows, actor, request.path_params["id"], state, query.get("cursor", ""), limit
        )
        return page(found, following)

    async def who_has(self, request: Request, actor: Actor) -> Response:
        return page(await self._catalogue.read(who_has, actor, request.query_params.get("subject", "")))

    async def csv(self, request: Request, actor: Actor) -> Response:
        notice_id = request.path_params["id"]

        def read(tx: Transaction) -> bytes:
            return in_csv(boards.every_row(tx, actor, boards.board(tx, actor, notice_id)))

        return _attachment(await self._catalogue.read(read), f"recall-{notice_id}.csv", "text/csv; charset=utf-8")

    async def evidence(self, request: Request, actor: Actor) -> Response:
        """All that is known of a recall, in an envelope that this gateway has signed."""
        notice_id, now = request.path_params["id"], self._catalogue.now()

        def read(tx: Transaction) -> bytes:
            return signed_evidence(tx, actor, notice_id, self._statements, self._appeal_url, now)

        return _attachment(await self._catalogue.read(read), f"recall-{notice_id}.evidence.json", "application/json")

    async def excuse(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.HolderBody)
        holder = await self._operations.excuse(actor, body.account, request.path_params["id"])
        return reply({"account": body.account, "notice": holder.notice_id, "state": holder.state.value})

    async def suspend(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.HolderBody)
        notice_id = request.path_params["id"]
        account, effect = await self._operations.suspend_until_answered(actor, body.account, notice_id)
        record = {"account": account.name, "notice": notice_id, "state": account.state.value}
        return reply({**record, **effect_record(effect)})

    async def tasks(self, request: Request, actor: Actor) -> Response:
        return page(await self._catalogue.read(waiting_tasks, actor))


def waiting_tasks(tx: Transaction, actor: Actor) -> list[dict[str, object]]:
    """What waits for people, by due time."""
    authorise(tx, actor, Act.READ_RECALLS)
    return [task_record(tx, task) for task in tx.tasks.waiting()]


def signed_evidence(
    tx: Transaction, actor: Actor, notice_id: str, statements: Statements, appeal_url: str, now: datetime
) -> bytes:
    """The evidence of a recall in an envelope, signed by this gateway; the list of its keys is in it."""
    record = evidence_record(tx, actor, notice_id, statements, appeal_url)
    envelope = statements.evidence({**record, "made_at": moment(now), "keys": statements.keys(now)}, now)
    return json.dumps(envelope, indent=1).encode()


def evidence_record(
    tx: Transaction, actor: Actor, notice_id: str, statements: Statements, appeal_url: str
) -> dict[str, object]:
    """Whom a recall went to, what they had got and what they answered, with the signed receipts as they came.

    Nothing of a complainant.
    """
    board = boards.board(tx, actor, notice_id)
    sent = tx.recalls.of_notice(notice_id)
    rows = list(boards.every_row(tx, actor, board))
    envelopes = {
        receipt.id: None if receipt.envelope is None else json.loads(receipt.envelope)
        for receipt in tx.recalls.receipts(notice_id)
    }
    by: Account | None = actor.account
    return {
        "type": "gw.evidence/v1",
        "origin": statements.origin,
        "made_by": None if by is None else by.name,
        "stop": notice_record(board.notice, appeal_url),
        "notices": [
            {
                "seq": recall.seq,
                "sha256": statements.notice(tx, recall).sha256,
                "payload": statements.notice(tx, recall).payload.decode(),
            }
            for recall in sent
        ],
        "counts": asdict(board.counts),
        "holders": [
            {
                **row_record(row),
                "receipts": [
                    {**receipt_record(receipt), "envelope": envelopes[receipt.id]}
                    for receipt in tx.recalls.receipts(notice_id, row.account.id)
                ],
            }
            for row in rows
        ],
        "tasks": [task_record(tx, task) for task in board.tasks],
    }


def _attachment(body: bytes, name: str, media_type: str) -> Response:
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(body, HTTPStatus.OK, headers=headers, media_type=media_type)
