"""Refusals as the Hub's clients read them: by a code in a header, with the reason in every place they may look.

What a client shows of a refusal depends on its version, on HEAD or GET, and on the code. So the sentence goes into
X-Error-Message, into X-HF-Warning and into the body. Only RevisionNotFound and EntryNotFound keep a client from
handing out its cached copy with success, which is why stops speak with those two.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count

from starlette.requests import Request
from starlette.responses import Response

from catalog.vocabulary import Kind, Reason
from gateway.web.compat.hub.repositories import NoSuchEntry, NoSuchRepository, NoSuchRevision
from gateway.web.errors import NOT_VALID, STATUS_OF_REASON, Errors
from gateway.web.refusals import Refusal
from gateway.web.sentences import ascii_line, say, sentence
from gateway.web.words import Words, language_of, words_for

log = logging.getLogger("hubgate.web.hub")

Header = tuple[bytes, bytes]

BAD_CREDENTIAL = "Invalid credentials in Authorization header"  # the sentence by which clients know this case
GATED = "GatedRepo"
NO_REVISION = "RevisionNotFound"
NO_ENTRY = "EntryNotFound"
CODES: Mapping[str, str | None] = {
    NoSuchRepository.code: "RepoNotFound",
    NoSuchRevision.code: NO_REVISION,
    NoSuchEntry.code: NO_ENTRY,
    Reason.REVOKED.value: NO_REVISION,
    Reason.HELD.value: NO_REVISION,
    Reason.ITEM_WITHHELD.value: NO_ENTRY,
    Reason.ITEM_HELD.value: NO_ENTRY,
    # Whatever else shuts a door: with this code the sentence stands on top of what a client shows.
    **{reason.value: GATED for reason, status in STATUS_OF_REASON.items() if status is HTTPStatus.FORBIDDEN},
    # Not these: what they are about is no gated repository, and often none at all.
    Reason.SCOPE_MISSING.value: None,
    Reason.ROLE_MISSING.value: None,
    Reason.OTHER_PUBLISHER.value: None,
}
IS_OF_KIND: Mapping[Kind, str] = {Kind.DATASET: "is-a-dataset", Kind.MODEL: "is-a-model"}
STATUS = {
    Reason.ITEM_WITHHELD.value: HTTPStatus.NOT_FOUND,
    Reason.ITEM_HELD.value: HTTPStatus.NOT_FOUND,
    # With `exist_ok` clients take every 409 for "it is there already", and go on.
    **dict.fromkeys(IS_OF_KIND.values(), HTTPStatus.BAD_REQUEST),
}
TOPICS: Mapping[str, str] = {GATED: "access", NO_REVISION: "recall", NO_ENTRY: "recall"}
DIALECT = "hub"

STARTED = secrets.token_hex(6).encode()  # requests are told apart by the process and their number in it
NUMBERS = count()


class HubErrors:
    def __init__(self, errors: Errors, base_url: str) -> None:
        self._errors = errors
        self._base = base_url

    def told(self, error: Exception, words: Words) -> tuple[int, str]:
        """The status and the sentence, for an answer that refuses only some of what was asked."""
        refusal = self._errors.refusal(error)
        return refusal.status.value, sentence(refusal, words, self._links(refusal, None), DIALECT)

    def refuse(self, request: Request, error: Exception, **more: str) -> Response:
        """The answer to a request that ended in `error`, with more members where a client reads them."""
        refusal = self._errors.refusal(error)
        anonymous = "authorization" not in request.headers
        code = CODES.get(refusal.code)
        status = STATUS.get(refusal.code, refusal.status)
        asset = refusal.params.get("asset")
        if refusal.code == Reason.UNAUTHENTICATED and asset is not None:
            code = GATED  # known, and open to those who sign in and accept
        if isinstance(error, NoSuchRepository) and anonymous:
            status = HTTPStatus.UNAUTHORIZED
        words = words_for(language_of(request))
        links = self._links(refusal, code)
        say(request, refusal, links)
        text = sentence(refusal, words, links, DIALECT)
        line = ascii_line(sentence(refusal, words_for("en"), links, DIALECT))
        if refusal.code == NOT_VALID:
            line = BAD_CREDENTIAL.encode()
        if status is HTTPStatus.FORBIDDEN and code is None:  # clients put a full stop behind it
            text, line = text.removesuffix("."), line.removesuffix(b".")
        headers = [
            *self._errors.headers(refusal),
            request_id(),
            (b"x-error-message", line),
        ]
        if code is not None:
            headers.append((b"x-error-code", code.encode()))
        if code is not None and code in TOPICS and refusal.status is not HTTPStatus.NOT_FOUND:
            headers.append(warning(f"{TOPICS[code]} {asset or ''}", line))
        if isinstance(error, NoSuchEntry):
            headers.append((b"x-repo-commit", error.params["commit"].encode()))
        if "ticket" not in request.path_params:  # an address that opens something is not written down
            log.info("%s %s: %s", request.method, request.url.path, refusal.code)
        body = {"error": text, "code": refusal.code, **links, **more}
        response = Response(
            json.dumps(body, ensure_ascii=False).encode(),
            status,
            media_type="application/json",
            headers={"content-language": words.html_lang},
        )
        response.raw_headers += headers
        return response

    def _links(self, refusal: Refusal, code: str | None) -> dict[str, str]:
        links = dict(refusal.links)
        if code == GATED and refusal.code == Reason.UNAUTHENTICATED:
            links["terms_url"] = f"{self._base}/assets/{refusal.params['asset']}/terms"
        return links


def request_id() -> Header:
    """Clients print it beside every error."""
    return b"x-request-id", b"%s%08x" % (STARTED, next(NUMBERS))


def warning(topic: str, line: bytes) -> Header:
    """Newer clients log it once for each topic, whatever the answer was."""
    return b"x-hf-warning", ascii_line(topic.replace(";", ",")) + b"; " + line
