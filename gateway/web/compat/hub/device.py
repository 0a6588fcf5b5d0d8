"""Signing in from a terminal: the two addresses of RFC 8628, in the words of OAuth."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import logins
from catalog.errors import Invalid, TooMany
from catalog.vocabulary import Actor, LoginState
from gateway.web.attempts import Attempts, address
from gateway.web.context import Catalogue
from gateway.web.errors import BadRequest, Errors
from gateway.web.pages.forms import Form, read_form
from gateway.web.replies import NO_STORE
from gateway.web.words import language_of, words_for

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
RENEWAL_GRANT = "refresh_token"
INTERVAL_S = 2
HASTE = timedelta(seconds=1)  # sooner than this after the last question is too soon
KEPT = 10_000
KNOWN = {"26be6b09-91c5-47da-9861-d2d2bb7a7e36": "hf auth login"}  # the id that the Hub's own client has


class OAuthError(Exception):
    """An answer of RFC 6749 §5.2; `error` is one of its words."""

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)


class DeviceLogin:
    """`verify_url` is the page on which a person types the code."""

    def __init__(self, catalogue: Catalogue, errors: Errors, verify_url: str) -> None:
        self._catalogue = catalogue
        self._errors = errors
        self._verify_url = verify_url
        self._asked = Attempts(300, timedelta(hours=1))
        self._polled: OrderedDict[str, datetime] = OrderedDict()

    async def ask(self, request: Request, actor: Actor) -> Response:
        form = await read_form(request)
        now, where = self._catalogue.now(), address(request)
        self._asked.check(where, now)
        self._asked.count(where, now)
        act = partial(logins.ask, now=now, new_id=self._catalogue.new_id)
        client_id = form.text("client_id")
        secret, login = await self._catalogue.write(act, client_id, KNOWN.get(client_id) or _program(request))
        code = logins.shown(login.user_code)
        return _reply(
            {
                "device_code": secret,
                "user_code": code,
                "verification_uri": self._verify_url,
                "verification_uri_complete": f"{self._verify_url}?code={code}",
                "expires_in": int(logins.ASKED_FOR.total_seconds()),
                "interval": INTERVAL_S,
            }
        )

    async def token(self, request: Request, actor: Actor) -> Response:
        """Raises OAuthError."""
        form = await read_form(request)
        grant = form.text("grant_type")
        if grant == DEVICE_GRANT:
            return _granted(await self._device(form))
        if grant == RENEWAL_GRANT:
            return _granted(await self._renewal(form))
        raise OAuthError("unsupported_grant_type" if grant else "invalid_request")

    async def _device(self, form: Form) -> logins.Granted | logins.Refused:
        secret, client_id = form.text("device_code"), form.text("client_id")
        now = self._catalogue.now()
        found = await self._catalogue.read(partial(logins.standing, now=now), secret, client_id)
        if found is LoginState.ALLOWED:
            act = partial(logins.redeem, now=now, new_id=self._catalogue.new_id)
            return await self._catalogue.write(act, secret, client_id)
        if found is logins.Refused.PENDING and self._hasty(secret, now):
            raise OAuthError("slow_down")
        return found if isinstance(found, logins.Refused) else logins.Refused.INVALID

    async def _renewal(self, form: Form) -> logins.Granted | logins.Refused:
        act = partial(logins.renew, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        return await self._catalogue.write(act, form.text("refresh_token"), form.text("client_id"))

    def _hasty(self, secret: str, now: datetime) -> bool:
        before = self._polled.pop(secret, None)
        self._polled[secret] = now
        if len(self._polled) > KEPT:
            self._polled.popitem(last=False)
        return before is not None and now - before < HASTE

    def refuse(self, request: Request, error: Exception) -> Response:
        """Clients go by `error`, and by the status only to see whether to try again."""
        match error:
            case OAuthError(error=word):
                return _reply({"error": word}, HTTPStatus.BAD_REQUEST)
            case TooMany():
                word, status = "slow_down", HTTPStatus.TOO_MANY_REQUESTS
            case Invalid() | BadRequest():
                word, status = "invalid_request", HTTPStatus.BAD_REQUEST
            case _:
                word, status = "temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE
        refusal = self._errors.refusal(error)
        return _reply({"error": word, "error_description": refusal.detail(words_for(language_of(request)))}, status)


def _granted(found: logins.Granted | logins.Refused) -> Response:
    if isinstance(found, logins.Refused):
        raise OAuthError(found.value)
    return _reply(
        {
            "access_token": found.token,
            "token_type": "bearer",
            "expires_in": found.expires_in,
            "refresh_token": found.renewal,
            "scope": " ".join(sorted(found.scopes)),
        }
    )


def _program(request: Request) -> str:
    """What it calls itself, without the libraries it stands on."""
    return next(iter(request.headers.get("user-agent", "").split()), "")


def _reply(record: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(record).encode(), status, headers=NO_STORE, media_type="application/json")
