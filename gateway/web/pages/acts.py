"""What operators do, in two steps: a page that says what will happen, and a button that does it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions.authority import authorise
from catalog.policy.roles import Act
from catalog.vocabulary import Actor, ReleaseReason, Stop, StopReason
from gateway.streams.effective import Effect
from gateway.web.context import Catalogue
from gateway.web.operations import Operations, one_of
from gateway.web.pages.forms import Form, query_form, read_form
from gateway.web.render import Renderer

FIELDS = ("act", "subject", "reason", "case", "recall")
MAX_KEPT = 1000


class Deed(StrEnum):
    """Everything that the operators' pages do. `subject` is a thing, a release's id, a case or an account's name."""

    HOLD = "hold"
    WITHHOLD = "withhold"
    REVOKE = "revoke"
    RELEASE = "release"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    SUSPEND = "suspend"
    RESTORE = "restore"
    HALT = "halt"  # a holder's downloads, until it has answered a recall
    EXCUSE = "excuse"  # a holder from answering


STOPS = frozenset({Deed.HOLD, Deed.WITHHOLD, Deed.REVOKE, Deed.SUSPEND})
UNREASONED = frozenset({Deed.CONFIRM, Deed.HALT, Deed.EXCUSE})  # the reason was given before, with the stop
FINAL = frozenset({Deed.WITHHOLD, Deed.REVOKE})  # cannot be undone: the page says so


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act came to; `effect` where streams were cut, `proposed` when a second person must confirm."""

    deed: Deed
    subject: str
    by: str
    notice_id: str | None = None
    effect: Effect | None = None
    proposed: bool = False
    case: str = ""
    recall: str = ""


class ActPages:
    def __init__(self, catalogue: Catalogue, operations: Operations, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._renderer = renderer
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()

    async def ask(self, request: Request, actor: Actor) -> Response:
        """Changes nothing. Raises Invalid when act or reason is none that there is."""
        form = query_form(request, FIELDS)
        deed = self._deed(form)
        await self._catalogue.read(authorise, actor, Act.STOP)
        return self._renderer.render(
            request, "act.html", actor, deed=deed.value, final=deed in FINAL, stops=deed in STOPS,
            subject=form.text("subject"), reason=form.text("reason"), case=form.text("case"),
            recall=form.text("recall"),
        )  # fmt: skip

    async def act(self, request: Request, actor: Actor) -> Response:
        """Does it, and answers when it is effective. Raises CatalogError; then nothing was done."""
        form = await read_form(request)
        outcome = await self._do(actor, self._deed(form), form)
        key = self._catalogue.new_id(16)
        self._outcomes[key] = outcome
        if len(self._outcomes) > MAX_KEPT:
            self._outcomes.popitem(last=False)
        return RedirectResponse(f"/operator/acts/{quote(key)}", HTTPStatus.SEE_OTHER)

    async def outcome(self, request: Request, actor: Actor) -> Response:
        """Kept in memory for its own operator; later the event log tells."""
        outcome = self._outcomes.get(request.path_params["id"])
        if outcome is None or actor.account is None or outcome.by != actor.account.id:
            return RedirectResponse("/operator/events", HTTPStatus.SEE_OTHER)
        return self._renderer.render(request, "done.html", actor, outcome=outcome)

    def _deed(self, form: Form) -> Deed:
        deed = one_of(Deed, "act", form.text("act"))
        if deed in STOPS:
            one_of(StopReason, "reason", form.text("reason"))
        elif deed not in UNREASONED:
            one_of(ReleaseReason, "reason", form.text("reason"))
        return deed

    async def _do(self, actor: Actor, deed: Deed, form: Form) -> Outcome:
        operations = self._operations
        subject, reason, case = form.text("subject"), form.text("reason"), form.text("case")
        recall = form.text("recall")
        by = actor.account.id if actor.account else ""
        match deed:
            case Deed.HOLD | Deed.WITHHOLD | Deed.REVOKE:
                done = await operations.stop(actor, Stop(deed.value), subject, reason, case)
                notice = done.notice
                return Outcome(deed, notice.subject, by, notice.id, done.effect, case=case, recall=notice.id)
            case Deed.RELEASE:
                release, lifted = await operations.release(actor, subject, reason)
                return Outcome(deed, release.subject, by, release.notice_id, proposed=not lifted, case=case)
            case Deed.CONFIRM:
                confirmed = await operations.confirm(actor, subject)
                return Outcome(deed, confirmed.subject, by, confirmed.notice_id)
            case Deed.DISMISS:
                dismissed = await operations.dismiss(actor, subject, reason)
                return Outcome(deed, dismissed.case, by, case=dismissed.case)
            case Deed.SUSPEND:
                account, effect = await operations.suspend(actor, subject, reason)
                return Outcome(deed, account.name, by, effect=effect)
            case Deed.RESTORE:
                restored = await operations.restore(actor, subject, reason)
                return Outcome(deed, restored.name, by)
            case Deed.HALT:
                halted, effect = await operations.suspend_until_answered(actor, subject, recall)
                return Outcome(deed, halted.name, by, effect=effect, recall=recall)
            case Deed.EXCUSE:
                await operations.excuse(actor, subject, recall)
                return Outcome(deed, subject, by, recall=recall)
