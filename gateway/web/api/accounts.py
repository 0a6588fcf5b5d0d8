"""The account behind a credential: who it is, what it accepted, what it fetched, its tokens."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import credentials
from catalog.errors import Denied
from catalog.ports import Transaction
from catalog.recalls import FetchRecord
from catalog.vocabulary import Account, Actor, Decision, Reason, Scope, Token
from gateway.web.api import bodies
from gateway.web.api.terms import acceptance_record
from gateway.web.context import Catalogue
from gateway.web.operations import Operations, one_of
from gateway.web.replies import moment, reply

DOWNLOADS_SHOWN = 200


def signed_in(actor: Actor) -> Account:
    """Raises Denied."""
    if actor.account is None:
        raise Denied(Decision(allowed=False, reason=Reason.UNAUTHENTICATED, as_of=0))
    return actor.account


def download_record(fetch: FetchRecord) -> dict[str, object]:
    return {
        "asset": fetch.asset,
        "version": fetch.version_id,
        "path": fetch.path,
        "include": fetch.include,
        "start": fetch.start,
        "stop": fetch.stop,
        "started_at": moment(fetch.started_at),
        "parts": fetch.parts,
        "bytes": None if fetch.end is None else fetch.bytes,
        "end": None if fetch.end is None else fetch.end.value,
    }


def token_record(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "hint": token.hint,
        "scopes": sorted(token.scopes),
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "revoked_at": moment(token.revoked_at),
    }


def me(tx: Transaction, account: Account) -> dict[str, object]:
    return {
        "account": {
            "name": account.name,
            "role": account.role.value,
            "state": account.state.value,
            "email": account.email,
            "phone": account.phone,
        },
        "acceptances": [acceptance_record(a, asset) for a, asset in tx.terms.acceptances(account.id)],
        "downloads": [download_record(fetch) for fetch in tx.deliveries.of_account(account.id, DOWNLOADS_SHOWN)],
        "tokens": [token_record(token) for token in tx.accounts.tokens(account.id)],
    }


class AccountsApi:
    def __init__(self, catalogue: Catalogue, operations: Operations) -> None:
        self._catalogue = catalogue
        self._operations = operations

    async def me(self, request: Request, actor: Actor) -> Response:
        return reply(await self._catalogue.read(me, signed_in(actor)))

    async def create_token(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.TokenBody)
        account = signed_in(actor)
        # A token begets none that may do more than it may itself.
        scopes = actor.scopes if body.scopes is None else {one_of(Scope, "scopes", s) for s in body.scopes}
        act = partial(
            credentials.create_token,
            scopes=frozenset(scopes) & actor.scopes,
            days=body.days,
            now=self._catalogue.now(),
            new_id=self._catalogue.new_id,
        )
        secret, token = await self._catalogue.write(act, account)
        return reply({**token_record(token), "token": secret}, HTTPStatus.CREATED)

    async def revoke_token(self, request: Request, actor: Actor) -> Response:
        await self._operations.revoke_token(signed_in(actor), request.path_params["id"])
        return reply({"id": request.path_params["id"], "state": "revoked"})
