"""JSON answers: one way to write moments, lists and records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.responses import Response

NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def moment(at: datetime | None) -> str | None:
    """UTC, to the second, as RFC 3339."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reply(record: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> Response:
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers=NO_STORE, media_type="application/json")


def page(items: Sequence[Mapping[str, object]], after: str | None = None) -> Response:
    """A list: `next` goes back as `?cursor=`."""
    return reply({"items": list(items), "next": after})
