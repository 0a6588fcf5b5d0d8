"""Who asks: a token (Bearer, or Basic with the token as password) or a signed-in browser.

A credential that is given but bad is a 401, whatever else the request carries. Tokens are looked up
once and kept until the ledger moves, so a revoked one stops working with the event that revokes it.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from catalog.actions import credentials
from catalog.actions.authority import ANYONE
from catalog.errors import Denied
from catalog.vocabulary import Actor, Decision, Reason
from gateway.web.context import Catalogue

MAX_KEPT = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SESSION_S = int(credentials.SESSION_LIFE.total_seconds())


class BadCredential(Denied):
    """A credential was given and is not valid."""

    def __init__(self) -> None:
        super().__init__(Decision(allowed=False, reason=Reason.UNAUTHENTICATED, as_of=0))


class ForeignOrigin(Exception):
    """A browser was led here by another site: a state change on the strength of its cookie is refused."""


class Authenticator:
    """Finds the actor of a request."""

    def __init__(self, catalogue: Catalogue, public_url: str) -> None:
        self._catalogue = catalogue
        self._kept: OrderedDict[str, tuple[Actor, datetime]] = OrderedDict()
        parts = urlsplit(public_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.secure = parts.scheme == "https"
        # Over plain http a password would travel in clear, so signing in is for loopback alone.
        self.may_sign_in = self.secure or parts.hostname in LOOPBACK
        self.cookie = "__Host-sid" if self.secure else "sid"

    async def actor(self, request: HTTPConnection) -> Actor:
        """The actor, ANYONE without a credential. Raises BadCredential, ForeignOrigin."""
        header = request.headers.get("authorization")
        if header is not None:
            return await self._by_token(_secret_in(header))
        session = request.cookies.get(self.cookie)
        if session is None:
            return ANYONE
        if request.scope["method"] not in SAFE_METHODS:
            self.check_origin(request)
        found = await self._catalogue.read(credentials.by_session, session, now=self._catalogue.now())
        return found or ANYONE

    def check_origin(self, request: HTTPConnection) -> None:
        """Let a browser's state change pass only when it comes from our own pages. Raises ForeignOrigin."""
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            raise ForeignOrigin
        origin = request.headers.get("origin")
        if origin is not None and origin != self.origin and origin != _own_origin(request):
            raise ForeignOrigin

    async def _by_token(self, secret: str) -> Actor:
        now = self._catalogue.now()
        kept = self._kept.get(secret)
        if kept is not None and now < kept[1]:
            return kept[0]
        if not credentials.well_formed(secret):
            raise BadCredential
        generation = self._catalogue.generation
        found = await self._catalogue.read(credentials.by_token, secret, now=now)
        if found is None:
            raise BadCredential
        if generation == self._catalogue.generation:  # else it may have been revoked while it was read
            self._kept[secret] = found
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return found[0]

    def moved(self, position: int) -> None:
        """The ledger moved: tokens are looked up anew."""
        self._kept.clear()

    def sign_in(self, response: Response, secret: str) -> None:
        response.set_cookie(
            self.cookie, secret, max_age=SESSION_S, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def sign_out(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")


def _secret_in(header: str) -> str:
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    pair = basic(header)
    if pair is None:
        raise BadCredential
    return pair[1]


def basic(header: str) -> tuple[str, str] | None:
    """User and password of a Basic credential (RFC 7617, UTF-8), or None when it is not one."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def _own_origin(request: HTTPConnection) -> str:
    """The origin that the browser itself addressed, for loopback and port forwarding; a foreign page has another."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
