"""The depicted person's side: say what is wrong, and see what became of it. No account, no picture, no ID."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import complaints, previews
from catalog.actions.authority import ANYONE
from catalog.errors import CatalogError, Flaw, Invalid, NotFound, Wrong
from catalog.policy import names
from catalog.recalls import HolderCounts
from catalog.vocabulary import Actor, Complaint, ComplaintItem, ComplaintKind, Door, Notice
from gateway.web.api.complaints import ComplaintsApi, status
from gateway.web.context import Catalogue
from gateway.web.pages.forms import Form, query_form, read_form
from gateway.web.render import Renderer

SEPARATORS = re.compile(r"[\s,，、;；]+")
PREFILLED = ("asset", "version", "preview", "kind")
MAX_DIGITS = 7


def items_named(form: Form) -> list[ComplaintItem]:
    """Tiles by number and files by path, as written. Raises Invalid."""
    numbers = [text for text in SEPARATORS.split(form.text("preview")) if text]
    if any(not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS for text in numbers):
        raise Invalid({"preview": Flaw(Wrong.NUMBERS)})
    version = form.text("version").strip() or None
    tiles = [ComplaintItem(path=None, version=version, preview=int(text)) for text in numbers]
    return tiles + [ComplaintItem(path=path, version=version, preview=None) for path in form.lines("paths")]


class ComplaintPages:
    def __init__(self, catalogue: Catalogue, complaints_api: ComplaintsApi, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._complaints = complaints_api
        self._renderer = renderer

    async def new(self, request: Request, actor: Actor) -> Response:
        return await self._form(request, actor, query_form(request, PREFILLED))

    async def file(self, request: Request, actor: Actor) -> Response:
        """Files it and shows case and secret in this very answer, once: the secret goes into no address."""
        form = await read_form(request)
        try:
            items = items_named(form)
        except Invalid as error:
            form.blame(error.fields)
            return await self._form(request, actor, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        command = complaints.FileComplaint(
            kind=form.text("kind"),
            name=form.text("name"),
            contact=form.text("contact"),
            request=form.text("request"),
            links=form.lines("links"),
            asset=form.text("asset").strip() or None,
            items=items,
            source=self._complaints.source(request),
        )
        try:
            filed = await self._complaints.take(command)
        except Invalid as error:
            form.blame(error.fields)
            return await self._form(request, actor, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        return self._renderer.render(
            request,
            "complaint_filed.html",
            actor,
            status=HTTPStatus.CREATED,
            complaint=filed.complaint,
            secret=filed.secret,
            held=len(filed.held),
        )

    async def ask(self, request: Request, actor: Actor) -> Response:
        """Asks for case and secret; says nothing of whether there is such a case."""
        case = request.path_params.get("case", "")
        return self._status(request, actor, Form({"case": [case]}))

    async def status(self, request: Request, actor: Actor) -> Response:
        form = await read_form(request)
        case, secret = form.text("case").strip(), form.text("secret").strip()
        try:
            found = await self._catalogue.read(status, case, secret)
        except NotFound:
            form.blame(["secret"])
            return self._status(request, actor, form, HTTPStatus.NOT_FOUND)
        return self._case(request, actor, *found)

    async def _form(self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._renderer.render(
            request,
            "complaint.html",
            actor,
            status=status,
            form=form,
            kinds=tuple(ComplaintKind),
            picture=await self._picture(form),
        )

    async def _picture(self, form: Form) -> str | None:
        """The address of the one blurred tile that the form names, when it may be shown."""
        try:
            ns, name = names.asset_name(form.text("asset").strip())
            version = form.text("version").strip() or names.MAIN
            access, _ = await self._catalogue.access(ANYONE, Door.PREVIEWS, ns, name, version)
        except CatalogError:
            return None  # the form takes what is written, found or not
        if access.asset is None or access.version is None:
            return None
        tiles = await self._catalogue.read(partial(previews.tiles, asset=access.asset, version=access.version))
        shown = {str(tile.n) for tile in tiles if tile.blob is not None}
        number = form.text("preview").strip()
        return f"/v1/assets/{ns}/{name}/versions/{access.version.id}/previews/{number}" if number in shown else None

    def _status(self, request: Request, actor: Actor, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._renderer.render(request, "case_ask.html", actor, status=status, form=form)

    def _case(
        self,
        request: Request,
        actor: Actor,
        complaint: Complaint,
        notices: Sequence[Notice],
        recall: HolderCounts | None,
    ) -> Response:
        return self._renderer.render(
            request,
            "case.html",
            actor,
            complaint=complaint,
            notices=notices,
            recall=recall,
            now=self._catalogue.now(),
        )
