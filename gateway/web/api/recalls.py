"""The holders' side of recalls: keys, installs, what was sent, receipts, and what waits for a publisher."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import overdue, receipts
from catalog.errors import Denied, Flaw, Invalid, NotFound, Wrong
from catalog.ports import Transaction
from catalog.recalls import Install, Outcome, Recall, Task, TaskAnswer
from catalog.vocabulary import Account, Actor, Decision, Reason
from gateway.sdk.envelope import BadEnvelope, key_id, opened, signers_of
from gateway.sdk.signing import verify
from gateway.web.api import bodies
from gateway.web.api.accounts import signed_in
from gateway.web.context import Catalogue
from gateway.web.errors import BadRequest
from gateway.web.operations import one_of
from gateway.web.replies import NO_STORE, moment, reply
from gateway.web.statements import Statements, Written

AT_ONCE = 100  # notices in one answer
PUBLIC_KEY_BYTES = 32


def install_record(install: Install) -> dict[str, object]:
    return {
        "id": install.id,
        "name": install.name,
        "registered_at": moment(install.registered_at),
        "retired_at": moment(install.retired_at),
    }


def task_record(tx: Transaction, task: Task) -> dict[str, object]:
    """What waits, for whoever may see it; the notice says what was stopped.

    `elsewhere` is what other assets have of it: at present, and of a closed task as it was when that was opened.
    """
    asset, still = tx.assets.get(task.asset_id), overdue.still_elsewhere(tx, task)
    return {
        "id": task.id,
        "kind": task.kind.value,
        "notice": task.notice_id,
        "asset": None if asset is None else asset.full_name,
        "version": task.version_id,
        "opened_at": moment(task.opened_at),
        "due": moment(task.due_at),
        "closed_at": moment(task.closed_at),
        "answer": task.answer,
        "note": task.said,
        "elsewhere": list(task.named if still is None else still.lines),
    }


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notice that was sent to the account, with the public keys of the account's installs by id."""

    recall: Recall
    written: Written
    keys: Mapping[str, bytes]


class RecallsApi:
    def __init__(self, catalogue: Catalogue, statements: Statements) -> None:
        self._catalogue = catalogue
        self._statements = statements

    async def keys(self, request: Request, actor: Actor) -> Response:
        return reply({"keys": self._statements.keys(self._catalogue.now())})

    async def register(self, request: Request, actor: Actor) -> Response:
        """The key in the statement signed it: whoever sends it has it."""
        account = signed_in(actor)
        envelope = (await bodies.read(request, bodies.EnvelopeBody)).model_dump()
        public_key, statement = _own_key(envelope)
        wrong = _differences(statement, origin=self._statements.origin, account=account.name)
        if wrong:
            raise Invalid(wrong)
        register = partial(receipts.register, now=self._catalogue.now())
        install, new = await self._catalogue.write(register, actor, public_key, key_id(public_key), statement.name)
        return reply(install_record(install), HTTPStatus.CREATED if new else HTTPStatus.OK)

    async def retire(self, request: Request, actor: Actor) -> Response:
        retire = partial(receipts.retire, now=self._catalogue.now())
        await self._catalogue.write(retire, signed_in(actor), request.path_params["id"])
        return reply({"id": request.path_params["id"], "state": "retired"})

    async def feed(self, request: Request, actor: Actor) -> Response:
        """What the account was sent after a number. Asking for it is what makes a notice `fetched`."""
        account, after = signed_in(actor), number(request.query_params.get("after", "0"), "after")
        now = self._catalogue.now()

        def read(tx: Transaction) -> tuple[receipts.Feed, list[tuple[Recall, Written]], list[str]]:
            found = receipts.feed(tx, account, after, AT_ONCE)
            written = [(recall, self._statements.notice(tx, recall)) for recall in found.recalls]
            new = set(receipts.unread(tx, account)) & {recall.notice_id for recall in found.recalls}
            return found, written, sorted(new)

        found, written, new = await self._catalogue.read(read)
        if new:
            await self._catalogue.write(partial(receipts.mark_fetched, now=now), account, new)
        answer = {
            "list": self._statements.sent(account, after, written, found.more, now),
            "notices": [self._statements.sealed(one, now) for _, one in written],
            "keys": self._statements.keys(now),
        }
        return reply(answer)

    async def digests(self, request: Request, actor: Actor) -> Response:
        account, notice_id = signed_in(actor), request.path_params["id"]
        text = request.query_params.get("seq")
        seq = None if text is None else number(text, "seq")

        def read(tx: Transaction) -> bytes:
            if tx.recalls.holder(notice_id, account.id) is None:
                raise NotFound()
            sent = [recall for recall in tx.recalls.of_notice(notice_id) if seq in {None, recall.seq}]
            if not sent:
                raise NotFound()
            return self._statements.digests(tx, sent[0])

        return Response(await self._catalogue.read(read), headers=NO_STORE, media_type="text/plain; charset=utf-8")

    async def receive(self, request: Request, actor: Actor) -> Response:
        """A receipt. It is checked whole before anything is written; a refused one changes nothing."""
        account, notice_id = signed_in(actor), request.path_params["id"]
        raw = await bodies.raw_body(request, bodies.MAX_RECEIPT)
        envelope = bodies.parse(raw, bodies.EnvelopeBody).model_dump()
        asked = await self._catalogue.read(self._addressed, account, notice_id)
        payload, keyid, statement = await anyio.to_thread.run_sync(_opened_receipt, envelope, asked.keys)
        wrong = _differences(
            statement,
            origin=self._statements.origin,
            notice=notice_id,
            notice_sha256=asked.written.sha256,
            account=account.name,
            install=keyid,
        )
        listed = {result.d: result.outcome for result in statement.results}
        if len(listed) != len(statement.results):
            wrong["results"] = Flaw(Wrong.TWICE)
        if wrong:
            raise Invalid(wrong)
        said = receipts.Statement(
            install_id=keyid,
            nonce=statement.nonce,
            sha256=payload,
            counts={Outcome(word): count for word, count in statement.counts.model_dump().items()},
            listed=listed,
            copies_outside=statement.copies_outside,
            envelope=json.dumps(envelope, separators=(",", ":")),
        )
        accept = partial(receipts.answer, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        receipt, holder, waiting = await self._catalogue.write(accept, account, notice_id, said, asked.written.contents)
        record = {"id": receipt.id, "notice": notice_id, "state": holder.state.value, "waiting": waiting}
        return reply(record, HTTPStatus.CREATED)

    def _addressed(self, tx: Transaction, account: Account, notice_id: str) -> Addressed:
        holder = tx.recalls.holder(notice_id, account.id)
        if holder is None:
            raise NotFound()
        recall = next(one for one in tx.recalls.of_notice(notice_id) if one.seq == holder.seq)
        keys = {one.id: one.public_key for one in tx.installs.of_account(account.id) if one.retired_at is None}
        return Addressed(recall, self._statements.notice(tx, recall), keys)

    async def answer_task(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.TaskAnswerBody)
        chosen = one_of(TaskAnswer, "answer", body.answer)
        now, task_id = self._catalogue.now(), request.path_params["id"]

        def act(tx: Transaction) -> dict[str, object]:
            return task_record(tx, overdue.answer_task(tx, actor, task_id, chosen, body.note, now=now))

        return reply(await self._catalogue.write(act))


def number(text: str, field: str) -> int:
    """Raises Invalid."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid({field: Flaw(Wrong.NUMBERS)})
    return int(text)


def _own_key(envelope: Mapping[str, Any]) -> tuple[bytes, bodies.InstallStatement]:
    """The key that an install makes known, and its statement. Raises BadRequest unless that very key signed it."""
    try:
        payload, _ = signers_of("install", envelope)
        statement = bodies.parse(payload, bodies.InstallStatement)
        public_key = base64.b64decode(statement.public_key, validate=True)
        opened("install", envelope, {key_id(public_key): public_key}, verify)
    except (BadEnvelope, binascii.Error, ValueError) as error:
        raise _unsigned() from error
    return public_key, statement


def _opened_receipt(envelope: Mapping[str, Any], keys: Mapping[str, bytes]) -> tuple[str, str, bodies.ReceiptStatement]:
    """SHA-256 of the payload, the install that signed it, and the statement. Raises Denied, BadRequest, Invalid."""
    try:
        _, said = signers_of("receipt", envelope)
        if not keys.keys() & set(said):
            raise Denied(Decision(allowed=False, reason=Reason.INSTALL_UNKNOWN, as_of=0))
        payload, keyid = opened("receipt", envelope, keys, verify)
    except BadEnvelope as error:
        raise _unsigned() from error
    return hashlib.sha256(payload).hexdigest(), keyid, bodies.parse(payload, bodies.ReceiptStatement)


def _differences(statement: bodies.Body, **expected: str) -> dict[str, Flaw]:
    """Which members say something else than they must."""
    return {
        name: Flaw(Wrong.EXPECTS, value=value) for name, value in expected.items() if getattr(statement, name) != value
    }


def _unsigned() -> BadRequest:
    return BadRequest("signature-wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
