"""Routes over the address as it was sent, for dialects in which an encoded slash is no slash.

`{rev}` takes one segment, in which %2F stays part of the name; `{path:path}` takes the rest, slashes and all;
`{kind:models|datasets}` takes one of the words. Every value is decoded afterwards, once, as UTF-8.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import quote, unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

FIELD = re.compile(r"{(\w+)(?::([^}]+))?}")


def pattern_of(path: str) -> re.Pattern[str]:
    """The address's template as a pattern over the raw path."""
    made, end = "", 0
    for field in FIELD.finditer(path):
        name, form = field.groups()
        made += re.escape(path[end : field.start()])
        made += f"(?P<{name}>{'[^/]+' if form is None else '.+' if form == 'path' else form})"
        end = field.end()
    return re.compile(made + re.escape(path[end:]))


def raw_path_of(scope: Scope) -> str:
    """The path without its query, still encoded; every byte is one character."""
    raw = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else bytes(raw).partition(b"?")[0].decode("latin-1")


class RawRoute(BaseRoute):
    """Like a Route, but for the raw path. A value that is not UTF-8 matches nothing."""

    def __init__(self, path: str, app: ASGIApp, methods: tuple[str, ...]) -> None:
        self.path = path
        self.app = app
        self.methods = frozenset(methods) | ({"HEAD"} if "GET" in methods else set())
        self._pattern = pattern_of(path)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._pattern.fullmatch(raw_path_of(scope))
        if found is None:
            return Match.NONE, {}
        try:
            values = {
                name: value if value.isascii() and "%" not in value else unquote_to_bytes(value).decode()
                for name, value in found.groupdict().items()
            }
        except UnicodeDecodeError:
            return Match.NONE, {}
        match = Match.FULL if scope["method"] in self.methods else Match.PARTIAL
        return match, {"endpoint": self.app, "path_params": values}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises HTTPException for a method that the address does not take."""
        if scope["method"] not in self.methods:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(self.methods))})
        await self.app(scope, receive, send)
