"""Refusals as DRS clients read them: a sentence in `msg`, the status, and what every client of ours gets beside."""

from __future__ import annotations

import json
import logging

from starlette.requests import Request
from starlette.responses import Response

from catalog.vocabulary import Reason
from gateway.web.errors import Errors
from gateway.web.sentences import LINKS, say
from gateway.web.words import language_of, words_for

log = logging.getLogger("hubgate.web.drs")


class DrsErrors:
    def __init__(self, errors: Errors, base_url: str) -> None:
        self._errors = errors
        self._base = base_url

    def refuse(self, request: Request, error: Exception) -> Response:
        """The answer to a request that ended in `error`."""
        refusal = self._errors.refusal(error)
        links = dict(refusal.links)
        if refusal.code == Reason.UNAUTHENTICATED and "asset" in refusal.params:
            links["terms_url"] = f"{self._base}/assets/{refusal.params['asset']}/terms"
        words = words_for(language_of(request))
        onward = [links[name] for name in LINKS if name in links][:1]
        say(request, refusal, links)
        log.info("%s %s: %s", request.method, request.url.path, refusal.code)
        body = {
            "msg": " ".join([refusal.detail(words), *onward]),
            "status_code": refusal.status.value,
            "code": refusal.code,
            **links,
        }
        response = Response(
            json.dumps(body, ensure_ascii=False).encode(),
            refusal.status,
            media_type="application/json",
            headers={"content-language": words.html_lang},
        )
        response.raw_headers += self._errors.headers(refusal)
        return response
