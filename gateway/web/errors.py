"""One mapping from what went wrong to what the client is told: RFC 9457 for programs, a page for people.

Every refusal says why and what to do next, in the client's language, and never what the catalogue
keeps to itself: unknown failures are logged and answered without a word of theirs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import Response

from catalog.errors import CatalogError, CatalogUnavailable, Conflict, Denied, Invalid, NotFound, TooMany
from catalog.vocabulary import Reason
from gateway.blobs.base import BlobError, BlobMismatch, BlobsFull
from gateway.streams.body import NotServing
from gateway.streams.caps import Busy
from gateway.web.auth import BadCredential, ForeignOrigin
from gateway.web.refusals import Refusal
from gateway.web.render import Renderer
from gateway.web.sentences import say
from gateway.web.words import language_of, words_for

log = logging.getLogger("hubgate.web")

LEGAL = HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
RETRY_S = 5
STATUS_OF_REASON: Mapping[Reason, HTTPStatus] = {
    Reason.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Reason.SUSPENDED: HTTPStatus.FORBIDDEN,
    Reason.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Reason.SCOPE_MISSING: HTTPStatus.FORBIDDEN,
    Reason.ROLE_MISSING: HTTPStatus.FORBIDDEN,
    Reason.OTHER_PUBLISHER: HTTPStatus.FORBIDDEN,
    Reason.REVOKED: LEGAL,
    Reason.HELD: LEGAL,
    Reason.ITEM_WITHHELD: LEGAL,
    Reason.ITEM_HELD: LEGAL,
    Reason.NO_PREVIEWS: HTTPStatus.NOT_FOUND,
    Reason.ACCESS_REJECTED: HTTPStatus.FORBIDDEN,
    Reason.ACCESS_PENDING: HTTPStatus.FORBIDDEN,
    Reason.TERMS_NOT_ACCEPTED: HTTPStatus.FORBIDDEN,
    Reason.TERMS_OUTDATED: HTTPStatus.FORBIDDEN,
    Reason.INSTALL_UNKNOWN: HTTPStatus.FORBIDDEN,
}
APPEALABLE = frozenset(
    {
        Reason.SUSPENDED,
        Reason.REVOKED,
        Reason.HELD,
        Reason.ITEM_HELD,
        Reason.ITEM_WITHHELD,
        Reason.ACCESS_REJECTED,
        Reason.ACCESS_PENDING,
    }
)
NOT_VALID = "invalid-token"
BASIC = (b"www-authenticate", b'Basic realm="hubgate", charset="UTF-8"')
BEARER = (b"www-authenticate", b'Bearer realm="hubgate"')
BEARER_INVALID = (b"www-authenticate", b'Bearer realm="hubgate", error="invalid_token"')  # RFC 6750, section 3


class BadRequest(Exception):
    """The request cannot be read at all; `code` is a key of the words."""

    def __init__(self, code: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        self.code = code
        self.status = status
        super().__init__(code)


def appeal_address(public_url: str, contact: str) -> str:
    """Where a decision can be objected to."""
    return f"mailto:{contact}" if contact else f"{public_url}/complaints/new"


class Errors:
    """Makes refusals of exceptions, and answers of refusals."""

    def __init__(self, public_url: str, contact: str, renderer: Renderer) -> None:
        self._base = public_url
        self._renderer = renderer
        self.appeal_url = appeal_address(public_url, contact)

    def refusal(self, error: Exception) -> Refusal:
        match error:
            case BadCredential():
                return Refusal(HTTPStatus.UNAUTHORIZED, NOT_VALID, {"url": f"{self._base}/account"})
            case Denied(decision=decision):
                return Refusal(
                    STATUS_OF_REASON[decision.reason], decision.reason.value, error.params, self._links(error)
                )
            case Invalid():
                return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.params, fields=error.fields)
            case NotFound():
                return Refusal(HTTPStatus.NOT_FOUND, error.code, error.params)
            case Conflict():
                return Refusal(HTTPStatus.CONFLICT, error.code, error.params, self._links(error))
            case TooMany():
                return Refusal(HTTPStatus.TOO_MANY_REQUESTS, error.code, error.params)
            case BlobMismatch():
                return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "other-bytes")
            case BlobsFull():
                return Refusal(HTTPStatus.INSUFFICIENT_STORAGE, "no-room")
            case CatalogUnavailable() | NotServing() | BlobError():
                return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "state-unavailable")
            case Busy():
                return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy")
            case ForeignOrigin():
                return Refusal(HTTPStatus.FORBIDDEN, "foreign-origin")
            case BadRequest(code=code, status=status):
                return Refusal(status, code)
            case _:
                log.exception("unexpected failure", exc_info=error)
                return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal")

    def _links(self, error: CatalogError) -> dict[str, str]:
        """Where to go next: the terms to accept, the notice of the stop, the way to appeal."""
        links: dict[str, str] = {}
        params = error.params
        if error.code in {Reason.TERMS_NOT_ACCEPTED, Reason.TERMS_OUTDATED} and "asset" in params:
            links["terms_url"] = f"{self._base}/assets/{params['asset']}/terms"
            links["accept_url"] = f"{self._base}/v1/assets/{params['asset']}/acceptances"
        if "notice" in params:
            links["notice_url"] = f"{self._base}/notices/{params['notice']}"
        if error.code in APPEALABLE:
            links["appeal_url"] = self.appeal_url
        return links

    def headers(self, refusal: Refusal) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"vary", b"accept-language"),
        ]
        if refusal.status is HTTPStatus.UNAUTHORIZED:
            headers += (BASIC, BEARER_INVALID if refusal.code == NOT_VALID else BEARER)
        if refusal.status is LEGAL and "notice_url" in refusal.links:
            headers.append((b"link", f'<{refusal.links["notice_url"]}>; rel="blocked-by"'.encode()))
        if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", b"%d" % RETRY_S))
        return headers

    def page(self, request: HTTPConnection, error: Exception) -> Response:
        """The answer for people: what happened, and the way on."""
        refusal = self.refusal(error)
        response = self._renderer.render(request, "error.html", None, status=refusal.status, refusal=refusal)
        response.raw_headers += [pair for pair in self.headers(refusal) if pair[0] in {b"link", b"retry-after"}]
        return response

    def problem(self, request: HTTPConnection, error: Exception) -> Response:
        """The answer for programs: application/problem+json."""
        refusal = self.refusal(error)
        words = words_for(language_of(request))
        members: dict[str, object] = {
            "type": f"{self._base}/problems/{refusal.code}",
            "title": refusal.title(words),
            "status": refusal.status.value,
            "code": refusal.code,
            "detail": refusal.detail(words),
        }
        if refusal.status is not HTTPStatus.NOT_FOUND:  # absent and invisible give the same bytes
            members |= {name: value for name, value in refusal.params.items() if name in {"asset", "version", "notice"}}
            members |= refusal.links
        if refusal.fields:
            members["fields"] = refusal.flaws(words)
        say(request, refusal, refusal.links)
        response = Response(
            json.dumps(members, ensure_ascii=False).encode(),
            refusal.status,
            media_type="application/problem+json",
            headers={"content-language": words.html_lang},
        )
        response.raw_headers += self.headers(refusal)
        return response
