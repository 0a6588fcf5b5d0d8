"""What an account holds, what was called back from it, and its own word on that; and what waits for a publisher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import overdue, receipts
from catalog.actions import recall as recalls
from catalog.errors import Invalid, NotFound
from catalog.ports import Transaction
from catalog.recalls import (
    Elsewhere,
    Fetched,
    Flag,
    Holder,
    Install,
    Outcome,
    Recall,
    RecallAction,
    Receipt,
    Task,
    TaskAnswer,
)
from catalog.vocabulary import Account, Actor, Asset, Delivery, Notice, Version
from gateway.web.api.accounts import signed_in
from gateway.web.context import Catalogue
from gateway.web.operations import one_of
from gateway.web.pages.forms import Form, read_form
from gateway.web.render import Renderer
from gateway.web.statements import Statements


@dataclass(frozen=True, slots=True)
class Called:
    """One notice that the account was sent; `lifted` when it was a hold that is over."""

    holder: Holder
    recall: Recall
    lifted: bool

    @property
    def asks(self) -> bool:
        return self.recall.action is RecallAction.PURGE


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that the account has fetched something of."""

    got: Fetched
    asset: Asset
    version: Version


@dataclass(frozen=True, slots=True)
class Inbox:
    called: Sequence[Called]
    kept: Sequence[Kept]
    installs: Sequence[Install]
    tasks: Sequence[tuple[Task, Asset]]


def inbox(tx: Transaction, account: Account) -> Inbox:
    called = [_called(tx, holder) for holder in tx.recalls.of_account(account.id)]
    kept = []
    for got in tx.deliveries.held(account.id):
        version = tx.assets.version(got.version_id)
        asset = None if version is None else tx.assets.get(version.asset_id)
        if version is not None and asset is not None:
            kept.append(Kept(got, asset, version))
    installs = [install for install in tx.installs.of_account(account.id) if install.retired_at is None]
    return Inbox(called, kept, installs, [(task, _asset(tx, task)) for task in tx.tasks.of_account(account.id)])


def _called(tx: Transaction, holder: Holder) -> Called:
    sent = tx.recalls.of_notice(holder.notice_id)
    mine = next(recall for recall in sent if recall.seq == holder.seq)
    notice = tx.stops.notice(holder.notice_id)
    return Called(holder, mine, notice is None or notice.lifted_at is not None)


def _asset(tx: Transaction, task: Task) -> Asset:
    asset = tx.assets.get(task.asset_id)
    if asset is None:
        raise NotFound("no-such-task", id=task.id)
    return asset


@dataclass(frozen=True, slots=True)
class Opened:
    """One notice as its holder sees it: what they fetched of it, what was answered, and who of theirs is silent."""

    called: Called
    fetched: Sequence[Delivery]
    receipts: Sequence[Receipt]
    names: dict[str, str]  # installs by id
    silent: Sequence[Install | None]  # None: other programs than ours


def opened(tx: Transaction, account: Account, notice_id: str) -> Opened:
    """Raises NotFound when it was not sent to this account."""
    holder = tx.recalls.holder(notice_id, account.id)
    if holder is None:
        raise NotFound()
    called = _called(tx, holder)
    fetched = recalls.carried(tx, called.recall, tx.deliveries.of_versions(account.id, called.recall.versions))
    silent = receipts.silent_installs(tx, called.recall, account.id) if called.asks else []
    names = {install.id: install.name for install in tx.installs.of_account(account.id)}
    return Opened(called, fetched, tx.recalls.receipts(notice_id, account.id), names, silent)


class InboxPages:
    def __init__(self, catalogue: Catalogue, statements: Statements, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._statements = statements
        self._renderer = renderer

    async def show(self, request: Request, actor: Actor) -> Response:
        """One notice. Looking at it is what makes it `fetched`."""
        return await self._page(request, actor, Form())

    async def answer(self, request: Request, actor: Actor) -> Response:
        """The person's own word, for all their copies."""
        account, notice_id = signed_in(actor), request.path_params["id"]
        form = await read_form(request)
        words, new_id = form.text("outcome"), self._catalogue.new_id
        now = self._catalogue.now()

        def act(tx: Transaction) -> None:
            holder = tx.recalls.holder(notice_id, account.id)
            if holder is None:
                raise NotFound()
            sent = next(recall for recall in tx.recalls.of_notice(notice_id) if recall.seq == holder.seq)
            contents = self._statements.notice(tx, sent).contents
            outcome, note = one_of(Outcome, "outcome", words), form.text("note")
            receipts.state_by_hand(tx, account, notice_id, outcome, note, contents, now=now, new_id=new_id)

        try:
            await self._catalogue.write(act)
        except Invalid as error:
            form.blame(error.fields)
            return await self._page(request, actor, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        return RedirectResponse(f"/account/recalls/{notice_id}", HTTPStatus.SEE_OTHER)

    async def retire(self, request: Request, actor: Actor) -> Response:
        retire = partial(receipts.retire, now=self._catalogue.now())
        await self._catalogue.write(retire, signed_in(actor), request.path_params["id"])
        return RedirectResponse("/account#machines", HTTPStatus.SEE_OTHER)

    async def task(self, request: Request, actor: Actor) -> Response:
        return await self._task_page(request, actor, Form())

    async def answer_task(self, request: Request, actor: Actor) -> Response:
        form, task_id = await read_form(request), request.path_params["id"]
        answer = partial(overdue.answer_task, now=self._catalogue.now())
        try:
            word = one_of(TaskAnswer, "answer", form.text("answer"))
            await self._catalogue.write(answer, actor, task_id, word, form.text("note"))
        except Invalid as error:
            form.blame(error.fields)
            return await self._task_page(request, actor, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        return RedirectResponse(f"/tasks/{task_id}", HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        account, notice_id = signed_in(actor), request.path_params["id"]
        found = await self._catalogue.read(opened, account, notice_id)
        if found.called.holder.fetched_at is None:
            mark = partial(receipts.mark_fetched, now=self._catalogue.now())
            await self._catalogue.write(mark, account, [notice_id])
        return self._renderer.render(
            request, "recall_own.html", actor, status=status, opened=found, called=found.called,
            form=form, outcomes=receipts.BY_HAND,
        )  # fmt: skip

    async def _task_page(
        self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        found = await self._catalogue.read(one_task, signed_in(actor), request.path_params["id"])
        return self._renderer.render(
            request, "task.html", actor, status=status, seen=found, task=found.task, form=form,
            answers=sorted(overdue.ANSWERS[found.task.kind]), now=self._catalogue.now(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeenTask:
    task: Task
    asset: Asset
    notice: Notice | None
    flags: Sequence[Flag]
    closed_by: str | None
    still: Elsewhere | None  # what an open task about copies finds now


def one_task(tx: Transaction, account: Account, task_id: str) -> SeenTask:
    """Raises NotFound for whoever may not see it."""
    task = tx.tasks.get(task_id)
    if task is None or not overdue.may_see(account, task):
        raise NotFound("no-such-task", id=task_id)
    asset = _asset(tx, task)
    versions = [version.id for version in tx.assets.versions(asset.id)]
    flags = [flag for flag in tx.lineage.flags(versions) if flag.notice_id == task.notice_id]
    by = None if task.closed_by is None else tx.accounts.get(task.closed_by)
    return SeenTask(
        task=task,
        asset=asset,
        notice=tx.stops.notice(task.notice_id),
        flags=flags,
        closed_by=None if by is None else by.name,
        still=overdue.still_elsewhere(tx, task),
    )
