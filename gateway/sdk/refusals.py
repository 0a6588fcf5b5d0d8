"""From an answer that is no success to the error it means. Pure."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from gateway.sdk import wire
from gateway.sdk.errors import (
    HubError,
    NotAGateway,
    NotAllowed,
    NotFound,
    Refused,
    SignInNeeded,
    Stopped,
    TermsChanged,
    TermsNotAccepted,
    Unavailable,
)
from gateway.sdk.wire import Code

_BY_CODE: Mapping[tuple[int, str], type[Refused]] = {
    (403, Code.SUSPENDED): NotAllowed,
    (403, Code.SCOPE_MISSING): NotAllowed,
    (403, Code.ROLE_MISSING): NotAllowed,
    (403, Code.TERMS_REQUIRED): TermsNotAccepted,
    (403, Code.TERMS_OUTDATED): TermsNotAccepted,
    (409, Code.TERMS_NOT_IN_FORCE): TermsChanged,
}
_BY_STATUS: Mapping[int, type[Refused]] = {401: SignInNeeded, 404: NotFound, 451: Stopped}
_PASSING = frozenset({429, 502, 503, 504})


def refusal(origin: str, what: str, status: int, headers: Mapping[str, str], body: bytes) -> HubError:
    """The error for an answer of `origin` about `what`. `headers` are looked up in lower case."""
    if 300 <= status < 400:
        return NotAGateway("redirect", status=status, url=origin, target=headers.get("location", "?"))
    problem = _problem(headers, body)
    if status in _PASSING:  # a proxy in front says so too, without a problem document
        wait = _seconds(headers.get("retry-after", ""))
        code = _text(problem, "code") or Code.STATE_UNAVAILABLE
        return Unavailable(code, status=status, detail=_text(problem, "detail"), url=origin, retry_after_s=wait)
    code = _text(problem, "code")
    if not code:
        return NotAGateway("not-a-gateway", status=status, url=origin, why=f"{status} {_phrase(status)}")
    kind = _BY_CODE.get((status, code)) or _BY_STATUS.get(status, Refused)
    fields = problem.get("fields")
    detail = " ".join(filter(None, (_text(problem, "detail"), _text(problem, "hint"))))
    return kind(
        code,
        status=status,
        detail=detail or _text(problem, "title") or _phrase(status),
        fields={str(name): str(why) for name, why in fields.items()} if isinstance(fields, dict) else {},
        notice=_text(problem, "notice_url") or _text(problem, "appeal_url") or origin,
        url=origin,
        what=what,
        asset=_text(problem, "asset") or what,
        appeal=_text(problem, "appeal_url") or origin,
    )


def _problem(headers: Mapping[str, str], body: bytes) -> dict[str, object]:
    """The problem document, empty when there is none."""
    if not headers.get("content-type", "").startswith(wire.PROBLEM_TYPE):
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(problem: Mapping[str, object], member: str) -> str:
    value = problem.get(member)
    return value if isinstance(value, str) else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _seconds(retry_after: str) -> float:
    """Retry-After in seconds; a date counts as none, the usual back-off is close enough."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
