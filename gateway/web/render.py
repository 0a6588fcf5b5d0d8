"""Pages from templates: autoescaped, in the visitor's language, with a policy that lets nothing foreign in."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import HTTPConnection
from starlette.responses import Response

from catalog.vocabulary import Actor
from gateway.web.words import language_of, words_for

HERE = Path(__file__).parent
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "private, no-store",
    "vary": "accept-language, cookie",
}
HSTS = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
CLEAR = {"clear-site-data": '"cache"'}  # a picture that a browser kept is taken back with the stop


class Renderer:
    """`render(request, "asset.html", actor, asset=…)`; a name that a template lacks is an error."""

    def __init__(self, public_url: str) -> None:
        self._base = public_url
        self._headers = {**HEADERS, **(HSTS if public_url.startswith("https:") else {})}
        self.environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(
        self,
        request: HTTPConnection,
        template: str,
        actor: Actor | None,
        /,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> Response:
        """The page; `words`, `account`, `path` and `base_url` are there in every template."""
        words = words_for(language_of(request))
        body = self.environment.get_template(template).render(
            words=words,
            account=None if actor is None else actor.account,
            path=request.url.path,
            base_url=self._base,
            **values,
        )
        headers = {**self._headers, "content-language": words.html_lang}
        if status is HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            headers |= CLEAR
        return Response(body, status, headers=headers, media_type="text/html")
