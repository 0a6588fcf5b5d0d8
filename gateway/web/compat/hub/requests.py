"""Access requests, for operators: who accepted the terms, and their word on each."""

from __future__ import annotations

from functools import partial

from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import grants
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.ports import Transaction
from catalog.vocabulary import Account, Actor, Approval, Asset, Gate
from gateway.streams.effective import Effect
from gateway.web.api import bodies
from gateway.web.compat.hub.records import instant
from gateway.web.compat.hub.replies import count, next_page, reply
from gateway.web.compat.hub.repositories import Repositories
from gateway.web.context import Catalogue
from gateway.web.operations import Operations

PAGE = 500
MOST = 5000


class Sent(bodies.Body):
    """Clients send keys that they may add to later; what is not known here is not obeyed either."""

    model_config = ConfigDict(extra="ignore", str_max_length=4000)


class HandleBody(Sent):
    user: str | None = None
    requestId: str | None = None
    status: str
    rejectionReason: str | None = None


class GrantBody(Sent):
    user: str


class SettingsBody(bodies.Body):
    gated: str | bool


class AccessRequests:
    def __init__(self, catalogue: Catalogue, repositories: Repositories, operations: Operations, base_url: str) -> None:
        self._catalogue = catalogue
        self._repositories = repositories
        self._operations = operations
        self._base = base_url

    async def list(self, request: Request, actor: Actor) -> Response:
        """Those who stand so, the newest first."""
        asset = await self._repositories.asset(actor, request.path_params)
        approval = Approval(request.path_params["status"])
        found = await self._catalogue.read(grants.requests, actor, asset, approval)
        limit = count(request, PAGE, MOST)
        cursor = request.query_params.get("cursor", "")
        start = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0
        records = [record(each) for each in found[start : start + limit]]
        after = str(start + limit) if start + limit < len(found) else None
        return reply(records, *next_page(request, self._base, after))

    async def handle(self, request: Request, actor: Actor) -> Response:
        """Accepts, rejects, or sets aside for later; about one who asked. Raises NotFound."""
        asset = await self._repositories.asset(actor, request.path_params)
        body = await bodies.read(request, HandleBody)
        if body.status not in {str(member) for member in Approval}:
            raise Invalid({"status": Flaw(Wrong.ONE_OF, values=", ".join(Approval))})
        wanted = Approval(body.status)
        account = await self._catalogue.read(named, body.user, body.requestId)
        if not await self._catalogue.read(grants.asked, asset, account):
            raise NotFound("no-such-request", name=account.name)
        await self._decide(actor, asset, account, wanted, body.rejectionReason)
        return reply({"user": account.name, "status": wanted.value})

    async def grant(self, request: Request, actor: Actor) -> Response:
        """Lets one in who may not even have asked; the terms are still to be accepted."""
        # The oldest clients send this to /api/models/ whatever it is about.
        asset = await self._repositories.asset(actor, request.path_params, any_kind=True)
        body = await bodies.read(request, GrantBody)
        account = await self._catalogue.read(named, body.user, None)
        await self._decide(actor, asset, account, Approval.ACCEPTED, None)
        return reply({"user": account.name, "status": Approval.ACCEPTED.value})

    async def settings(self, request: Request, actor: Actor) -> Response:
        """`gated`: auto or manual. Without a gate there would be no terms. Raises Conflict."""
        asset = await self._repositories.asset(actor, request.path_params)
        body = await bodies.read(request, SettingsBody)
        if body.gated is False:
            raise Conflict("always-gated", asset=asset.full_name)
        if body.gated not in {str(member) for member in Gate}:
            raise Invalid({"gated": Flaw(Wrong.ONE_OF, values=", ".join(Gate))})
        act = partial(grants.set_gate, now=self._catalogue.now())
        changed = await self._catalogue.write(act, actor, asset, Gate(str(body.gated)))
        return reply({"gated": changed.gate.value})

    async def _decide(
        self, actor: Actor, asset: Asset, account: Account, approval: Approval, reason: str | None
    ) -> Effect | None:
        return await self._operations.decide_access(actor, asset, account, approval, reason)


def named(tx: Transaction, name: str | None, request_id: str | None) -> Account:
    """By name, or by the id of the request, which is the account's. Raises NotFound, Invalid."""
    if not name and not request_id:
        raise Invalid({"user": Flaw(Wrong.MISSING)})
    account = tx.accounts.named(name) if name else tx.accounts.get(str(request_id))
    if account is None:
        raise NotFound("no-such-account", name=str(name or request_id)[:100])
    return account


def record(request: grants.Request) -> dict[str, object]:
    account, acceptance = request.account, request.acceptance
    told: dict[str, object] = {
        "requestId": account.id,
        "user": {"_id": account.id, "user": account.name, "fullname": account.name, "email": account.email},
        "status": request.approval.value,
        "timestamp": None if request.at is None else instant(request.at),
    }
    if acceptance is not None:
        terms = f"{acceptance.terms_id} {acceptance.terms_version}"
        told["fields"] = {"purpose": acceptance.purpose, "terms": terms, "language": acceptance.language}
    if request.grant is not None and request.grant.reason is not None:
        told["rejectionReason"] = request.grant.reason
    return told
