"""What clients send, checked: one model a body. An unknown key is an error, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from catalog.errors import Flaw, Invalid, Wrong
from gateway.web.errors import BadRequest

MAX_BODY = 256 * 1024  # bytes; what people write fits into a tenth of it


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=20_000)


class AcceptanceBody(Body):
    terms_id: str
    terms_version: str
    terms_sha256: str
    language: str
    purpose: str


class ComplaintItemBody(Body):
    """An item by the number of its preview tile, for those who saw only that."""

    version: str
    preview: int


class ComplaintBody(Body):
    name: str
    contact: str
    request: str
    kind: str
    links: list[str] = Field(default_factory=list)
    asset: str | None = None
    items: list[str | ComplaintItemBody] = Field(default_factory=list)


class StopBody(Body):
    subject: str
    reason: str
    case: str | None = None


class ReleaseBody(Body):
    subject: str
    reason: str


class DismissalBody(Body):
    case: str
    reason: str


class SuspensionBody(Body):
    account: str
    reason: str
    restore: bool = False


class TokenBody(Body):
    scopes: list[str] | None = None
    days: int = 90


B = TypeVar("B", bound=Body)


def _flaw(found: str, about: Mapping[str, object]) -> Flaw:
    """The checker's finding in our words."""
    match found:
        case "missing":
            return Flaw(Wrong.MISSING)
        case "extra_forbidden":
            return Flaw(Wrong.UNKNOWN_KEY)
        case "string_type":
            return Flaw(Wrong.NOT_TEXT)
        case "string_too_long":
            return Flaw(Wrong.CHARACTERS, least=0, most=about.get("max_length", ""))
        case _:
            return Flaw(Wrong.WRONG_KIND)


async def raw_body(request: Request, most: int = MAX_BODY) -> bytes:
    """Raises BadRequest when the body is longer than `most`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise BadRequest("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return bytes(body)


async def read(request: Request, model: type[B]) -> B:
    """The body as JSON. Raises Invalid naming each wrong field, BadRequest when it is no JSON at all."""
    try:
        return model.model_validate_json(await raw_body(request))
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise BadRequest("not-json") from error
        found = error.errors()
        flaws = {".".join(map(str, e["loc"])) or "body": _flaw(e["type"], e.get("ctx", {})) for e in found}
        raise Invalid(flaws) from error
