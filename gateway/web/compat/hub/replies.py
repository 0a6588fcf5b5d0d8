"""How the dialect's answers leave: JSON with a request's id, and lists page by page."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Flaw, Invalid, Wrong
from gateway.web.compat.hub.errors import Header, request_id
from gateway.web.rawroute import raw_path_of
from gateway.web.replies import NO_STORE

TRUE = frozenset({"true", "1"})


def flag(request: Request, name: str) -> bool:
    """`True`, `true` and `1` are all sent."""
    return request.query_params.get(name, "").lower() in TRUE


def count(request: Request, usual: int, most: int) -> int:
    """`limit`, which is never more than `most`. Raises Invalid."""
    text = request.query_params.get("limit")
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise Invalid({"limit": Flaw(Wrong.BETWEEN, least=1, most=most)})
    return min(int(text), most)


def reply(value: object, *headers: Header) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(body, headers=NO_STORE, media_type="application/json")
    response.raw_headers += [request_id(), *headers]
    return response


def next_page(request: Request, base_url: str, cursor: str | None) -> list[Header]:
    """Where the list goes on; the address is absolute, since clients take no other."""
    if cursor is None:
        return []
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    return [(b"link", f'<{base_url}{raw_path_of(request.scope)}?{query}>; rel="next"'.encode("latin-1"))]
