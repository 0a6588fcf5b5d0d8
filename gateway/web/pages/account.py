"""One's own account: tokens, acceptances, downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import credentials
from catalog.errors import Invalid
from catalog.policy.roles import SCOPES
from catalog.ports import Transaction
from catalog.recalls import FetchRecord
from catalog.vocabulary import Acceptance, Account, Actor, Scope, Token
from gateway.web.api.accounts import DOWNLOADS_SHOWN, signed_in
from gateway.web.context import Catalogue
from gateway.web.operations import Operations
from gateway.web.pages.forms import Form, read_form
from gateway.web.pages.inbox import inbox
from gateway.web.render import Renderer


@dataclass(frozen=True, slots=True)
class Own:
    """What the catalogue holds of an account."""

    tokens: list[Token]
    ended: list[Token]
    acceptances: Sequence[tuple[Acceptance, str]]
    downloads: Sequence[FetchRecord]


def own(tx: Transaction, account: Account, now: datetime) -> Own:
    tokens = tx.accounts.tokens(account.id)
    alive = [token for token in tokens if token.revoked_at is None and token.expires_at > now]
    return Own(
        tokens=alive,
        ended=[token for token in tokens if token not in alive],
        acceptances=tx.terms.acceptances(account.id),
        downloads=tx.deliveries.of_account(account.id, DOWNLOADS_SHOWN),
    )


class AccountPages:
    def __init__(self, catalogue: Catalogue, operations: Operations, renderer: Renderer, *, appeal_url: str) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._renderer = renderer
        self._appeal_url = appeal_url

    async def show(self, request: Request, actor: Actor) -> Response:
        return await self._page(request, actor, Form())

    async def create_token(self, request: Request, actor: Actor) -> Response:
        """The secret is shown in this answer and never again, so there is no redirect."""
        account = signed_in(actor)
        form = await read_form(request)
        days = form.text("days").strip()
        scopes = {scope for scope in actor.scopes if scope.value in form.texts("scopes")}
        create = partial(
            credentials.create_token,
            scopes=scopes,
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
            now=self._catalogue.now(),
            new_id=self._catalogue.new_id,
        )
        try:
            secret, token = await self._catalogue.write(create, account)
        except Invalid as error:
            form.blame(error.fields)
            return await self._page(request, actor, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        return self._renderer.render(
            request, "token.html", actor, status=HTTPStatus.CREATED, secret=secret, token=token
        )

    async def revoke_token(self, request: Request, actor: Actor) -> Response:
        await self._operations.revoke_token(signed_in(actor), request.path_params["id"])
        return RedirectResponse("/account#tokens", HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        account = signed_in(actor)
        now = self._catalogue.now()
        found = await self._catalogue.read(lambda tx: (own(tx, account, now), inbox(tx, account)))
        return self._renderer.render(
            request,
            "account.html",
            actor,
            status=status,
            own=found[0],
            inbox=found[1],
            now=self._catalogue.now(),
            scopes=[scope for scope in Scope if scope in SCOPES[account.role] & actor.scopes],
            form=form,
            days=credentials.TOKEN_DAYS,
            appeal_url=self._appeal_url,
        )
