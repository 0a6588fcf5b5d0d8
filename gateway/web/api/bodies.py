"""What clients send, checked: one model a body. An unknown key is an error, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from catalog.errors import Flaw, Invalid, Wrong
from catalog.policy.recall import MAX_LISTED
from catalog.recalls import CopiesOutside, Outcome
from gateway.web.errors import BadRequest

MAX_BODY = 256 * 1024  # bytes; what people write fits into a tenth of it
MAX_RECEIPT = 2 * 1024 * 1024  # bytes; ten thousand results fit


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


class HolderBody(Body):
    """An account, by name, in one recall."""

    account: str


class TaskAnswerBody(Body):
    answer: str
    note: str


class SignatureBody(Body):
    keyid: str
    sig: str


class EnvelopeBody(Body):
    """A signed statement (DSSE); the statement itself is checked when its signature is."""

    model_config = ConfigDict(extra="forbid", str_max_length=MAX_RECEIPT)

    payloadType: str
    payload: str
    signatures: list[SignatureBody] = Field(max_length=8)


class InstallStatement(Body):
    """What `gateway.sdk.wire.InstallStatement` describes."""

    type: Literal["gw.install/v1"]
    origin: str
    account: str
    public_key: str
    name: str
    issued: str


class CountsBody(Body):
    deleted: int = Field(ge=0)
    absent: int = Field(ge=0)
    locked: int = Field(ge=0)
    modified: int = Field(ge=0)
    kept_by_law: int = Field(ge=0)


class ResultBody(Body):
    d: str = Field(pattern=r"^[0-9a-f]{64}$")
    outcome: Outcome
    at: str = Field(max_length=40)


class ReceiptStatement(Body):
    """What `gateway.sdk.wire.ReceiptStatement` describes."""

    type: Literal["gw.receipt/v1"]
    origin: str
    notice: str
    notice_sha256: str
    account: str
    install: str
    sdk: str = Field(max_length=200)
    os: str = Field(max_length=200)
    counts: CountsBody
    results: list[ResultBody] = Field(max_length=MAX_LISTED)
    copies_outside: CopiesOutside
    nonce: str = Field(pattern=r"^[0-9a-f]{32}$")


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


async def read(request: Request, model: type[B], most: int = MAX_BODY) -> B:
    """The body as JSON. Raises Invalid naming each wrong field, BadRequest when it is no JSON at all."""
    return parse(await raw_body(request, most), model)


def parse(text: bytes, model: type[B]) -> B:
    """Raises Invalid naming each wrong field, BadRequest when it is no JSON at all."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise BadRequest("not-json") from error
        found = error.errors()
        flaws = {".".join(map(str, e["loc"])) or "body": _flaw(e["type"], e.get("ctx", {})) for e in found}
        raise Invalid(flaws) from error
