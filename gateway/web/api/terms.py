"""Terms and their acceptance."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import terms
from catalog.errors import NotFound
from catalog.ports import Transaction
from catalog.vocabulary import Acceptance, Actor, Terms
from gateway.web.api import bodies
from gateway.web.context import Catalogue
from gateway.web.replies import moment, reply


def record(found: Terms) -> dict[str, object]:
    return {
        "id": found.id,
        "version": found.version,
        "sha256": found.sha256,
        "en": found.en,
        "zh": found.zh,
        "published_at": moment(found.published_at),
    }


def acceptance_record(acceptance: Acceptance, asset: str) -> dict[str, object]:
    return {
        "id": acceptance.id,
        "asset": asset,
        "terms_id": acceptance.terms_id,
        "terms_version": acceptance.terms_version,
        "terms_sha256": acceptance.terms_sha256,
        "language": acceptance.language,
        "purpose": acceptance.purpose,
        "accepted_at": moment(acceptance.accepted_at),
    }


def find(tx: Transaction, terms_id: str, version: str | None) -> Terms:
    """Raises NotFound."""
    if version is None:
        found = tx.terms.in_force(terms_id)
    else:
        major, _, minor = version.partition(".")
        known = major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()
        found = tx.terms.get(terms_id, int(major), int(minor)) if known and len(version) < 16 else None
    if found is None:
        raise NotFound()
    return found


class TermsApi:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def show(self, request: Request, actor: Actor) -> Response:
        where = request.path_params
        return reply(record(await self._catalogue.read(find, where["id"], where.get("version"))))

    async def accept(self, request: Request, actor: Actor) -> Response:
        body = await bodies.read(request, bodies.AcceptanceBody)
        where = request.path_params
        command = terms.Accept(ns=where["ns"], name=where["name"], **body.model_dump())
        act = partial(terms.accept, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        acceptance, new = await self._catalogue.write(act, actor, command)
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        return reply(acceptance_record(acceptance, f"{where['ns']}/{where['name']}"), status)
