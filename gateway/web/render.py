"""Pages from templates: autoescaped, in the visitor's language, with a policy that lets nothing foreign in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import HTTPConnection
from starlette.responses import Response

from catalog.policy import card as cards
from catalog.vocabulary import Actor
from gateway.web import markdown
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

LOCALES = {"en": "en_GB", "zh": "zh_CN"}
UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
THOUSAND = 1000


def patterns(include: str) -> list[str]:
    """The patterns by which an archive was asked for, as the ledger has them."""
    return [str(one) for one in json.loads(include)]


def size(count: int) -> str:
    """Bytes for people, in powers of 1000: 12.4 MB."""
    value, unit = float(count), 0
    while value >= THOUSAND and unit < len(UNITS) - 1:
        value, unit = value / THOUSAND, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {UNITS[unit]}"


@pass_context
def day(context: Context, at: datetime) -> str:
    """The day in UTC, as the visitor's language writes it."""
    return format_date(at.astimezone(UTC), "long", locale=LOCALES[context["words"].language])


@pass_context
def moment(context: Context, at: datetime | str) -> str:
    """Day and minute in UTC; text is read as RFC 3339."""
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    clock = format_time(at.astimezone(UTC), "HH:mm", locale=LOCALES[context["words"].language])
    return f"{day(context, at)} {clock} UTC"


def defang(link: str) -> str:
    """A link that nobody follows by mistake: hxxps://example[.]org/…"""
    return link.replace("http", "hxxp").replace(".", "[.]")


def prose(source: str, shift: int = 1) -> Markup:
    return Markup(markdown.render(source, shift=shift))  # noqa: S704  the one safe source of HTML: see markdown.py


def card(source: str, shift: int = 1) -> Markup:
    """A card as people read it, without its head."""
    return prose(cards.split(source)[1], shift)


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
        self.environment.filters |= {
            "patterns": patterns,
            "size": size,
            "day": day,
            "moment": moment,
            "defang": defang,
            "prose": prose,
            "card": card,
        }

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
        """The page; `words`, `account`, `path`, `here` and `base_url` are there in every template.

        `here` is where this page can be asked for again, None for the answer to a form.
        """
        words = words_for(language_of(request))
        query = f"?{request.url.query}" if request.url.query else ""
        body = self.environment.get_template(template).render(
            words=words,
            account=None if actor is None else actor.account,
            path=request.url.path,
            here=request.url.path + query if request.scope.get("method") == "GET" else None,
            base_url=self._base,
            **values,
        )
        headers = {**self._headers, "content-language": words.html_lang}
        if status is HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            headers |= CLEAR
        return Response(body, status, headers=headers, media_type="text/html")
