"""Publishing by the Hub's clients: what they send goes into a draft, which somebody releases by an act of its own.

A client asks how to send each file, sends the large ones by themselves (the protocol of Git LFS) and all others inside
of commits. To it a draft is the repository's `main`; to everybody else there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

from pydantic import Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import drafts
from catalog.errors import Conflict, Denied, Flaw, Invalid, NotFound, Wrong
from catalog.policy import names
from catalog.policy.media import media_type
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Asset, Item, Kind
from gateway.uploads.intake import INSIDE_MOST, MIB, Plan, Wanted
from gateway.web.api import bodies
from gateway.web.compat.hub import commits
from gateway.web.compat.hub.errors import IS_OF_KIND, HubErrors, warning
from gateway.web.compat.hub.records import is_text
from gateway.web.compat.hub.replies import reply
from gateway.web.compat.hub.repositories import BRANCHES, KINDS, NoSuchRepository, NoSuchRevision
from gateway.web.compat.hub.requests import Sent
from gateway.web.context import Catalogue
from gateway.web.errors import BadRequest
from gateway.web.receiving import Receiver, drain, pieces
from gateway.web.sentences import ascii_line
from gateway.web.words import Words, language_of, words_for

TEXT_MOST = MIB
SMALL = 64 * 1024  # bytes up to which a file of any kind goes faster inside a commit
BODY_MOST = 8 * MIB
FILES_MOST = 1000  # files asked about at once; clients ask about 256
OBJECTS_MOST = 1000
# From this version on a client sends whatever is not "regular" to a store of another protocol, which is not here.
ONE_WAY_SINCE = (1, 20)
VERSION = re.compile(r"\bhf_hub/(\d{1,4})\.(\d{1,4})")
SHA256 = re.compile(r"[0-9a-f]{64}")
TYPES = {"model": Kind.MODEL, "dataset": Kind.DATASET}


class CreateBody(Sent):
    name: str = Field(max_length=200)
    organization: str | None = Field(None, max_length=200)
    type: str | None = None


class CardBody(Sent):
    content: str = Field(max_length=4 * MIB)
    repoType: str | None = None


class AskedFile(Sent):
    path: str
    size: int = Field(ge=0)


class PreuploadBody(Sent):
    files: list[AskedFile] = Field(max_length=FILES_MOST)


class AskedObject(Sent):
    oid: str = Field(pattern=SHA256.pattern)
    size: int = Field(ge=0)


class BatchBody(Sent):
    operation: str
    transfers: list[str] = Field(default_factory=lambda: ["basic"])
    objects: list[AskedObject] = Field(max_length=OBJECTS_MOST)
    hash_algo: str = "sha256"


class PartBody(Sent):
    partNumber: int


class CompleteBody(Sent):
    oid: str
    parts: list[PartBody] = Field(max_length=10_000)


def mode(path: str, size: int, *, one_way: bool) -> str:
    """How a client is to send a file: `regular`, inside a commit, or `lfs`, by itself."""
    if one_way:
        return "regular" if size <= INSIDE_MOST else "lfs"
    return "regular" if size <= SMALL or (size <= TEXT_MOST and is_text(media_type(path))) else "lfs"


def only_one_way(user_agent: str) -> bool:
    found = VERSION.search(user_agent)
    return found is not None and (int(found[1]), int(found[2])) >= ONE_WAY_SINCE


class HubPublishing:
    def __init__(self, catalogue: Catalogue, receiver: Receiver, errors: HubErrors, base_url: str) -> None:
        self._catalogue = catalogue
        self._receiver = receiver
        self._errors = errors
        self._base = base_url

    async def create(self, request: Request, actor: Actor) -> Response:
        """An asset with an empty draft. One's own that is there already is told as such, with its address."""
        body = await bodies.read(request, CreateBody)
        kind = TYPES.get(body.type or "model")
        if kind is None:
            raise Invalid({"type": Flaw(Wrong.ONE_OF, values=", ".join(TYPES))})
        owner = body.organization or ("" if actor.account is None else actor.account.name)
        act = partial(drafts.create, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        try:
            asset, new = await self._catalogue.write(act, actor, kind, f"{owner}/{body.name}")
        except Conflict as error:
            if error.code != "other-kind":
                raise
            raise Conflict(IS_OF_KIND[Kind(error.params["kind"])], asset=error.params["asset"]) from error
        told = {"url": self._address(asset), "name": asset.full_name, "id": asset.id}
        if new:
            return reply(told)
        return self._errors.refuse(request, Conflict("repository-exists", asset=asset.full_name), **told)

    async def check_card(self, request: Request, actor: Actor) -> Response:
        """Whether a card vouches for all that a release needs; 400 with a sentence for each thing that it does not."""
        body = await bodies.read(request, CardBody, BODY_MOST)
        kind = TYPES.get(body.repoType or "model", Kind.MODEL)
        wrong = await self._catalogue.read(drafts.wanting, kind, body.content)
        lines = self._lines(request, wrong)
        response = reply({"warnings": [], "errors": [{"message": line} for line in lines]})
        response.status_code = HTTPStatus.BAD_REQUEST if lines else HTTPStatus.OK
        return response

    async def preupload(self, request: Request, actor: Actor) -> Response:
        """How to send each file, and what of it is there already."""
        self._only_main(request)
        body = await bodies.read(request, PreuploadBody, BODY_MOST)
        for file in body.files:
            names.file_path(file.path)  # before a byte of it is sent
        paths = [file.path for file in body.files]
        asset, there = await self._writable(request, actor, paths)
        one_way = only_one_way(request.headers.get("user-agent", ""))
        told = []
        for file in body.files:
            way = mode(file.path, file.size, one_way=one_way)
            record: dict[str, object] = {
                "path": file.path,
                "uploadMode": way,
                "shouldIgnore": not names.LEFT_OUT.isdisjoint(file.path.split("/")),
            }
            item = there.get(file.path)
            if item is not None:
                record["oid"] = item.git_sha1 if way == "regular" else item.sha256
            told.append(record)
        headers = []
        if one_way and any(record["uploadMode"] == "lfs" for record in told):
            text = words_for("en")("hub.too-large", asset=asset.full_name, most=INSIDE_MOST)
            headers.append(warning(f"upload {asset.full_name}", ascii_line(text)))
        return reply({"files": told}, *headers)

    async def batch(self, request: Request, actor: Actor) -> Response:
        """Git LFS's batch: for each content an address to send it to, nothing when it is there, or why it cannot be."""
        body = await bodies.read(request, BatchBody, BODY_MOST)
        if body.operation != "upload":
            raise Invalid({"operation": Flaw(Wrong.ONE_OF, values="upload")})
        if body.hash_algo != "sha256":
            raise Invalid({"hash_algo": Flaw(Wrong.ONE_OF, values="sha256")})
        uploads, where = self._receiver.uploads, request.path_params
        wanted = [Wanted(sha256=one.oid, size=one.size) for one in body.objects]
        in_parts = "multipart" in body.transfers
        plan = partial(uploads.plan, in_parts=in_parts)
        try:
            plans = await self._receiver.run(plan, actor, self._kind(where), where["ns"], where["name"], wanted)
        except NotFound as error:
            raise self._unknown(where) from error
        words = words_for(language_of(request))
        objects = [self._object(plan, words) for plan in plans]
        split = any(plan.ticket is not None and plan.ticket.part for plan in plans)
        return reply({"transfer": "multipart" if split else "basic", "objects": objects, "hash_algo": "sha256"})

    async def put(self, request: Request, actor: Actor) -> Response:
        ticket = await self._receiver.ticket(request)
        await self._receiver.receive(request, partial(self._receiver.uploads.put, ticket))
        return reply({})

    async def put_part(self, request: Request, actor: Actor) -> Response:
        ticket = await self._receiver.ticket(request)
        text = request.path_params["number"]
        number = int(text) if len(text) < 6 else 0
        await self._receiver.receive(request, partial(self._receiver.uploads.put_part, ticket, number))
        return reply({}, (b"etag", b'"%d"' % number))

    async def complete(self, request: Request, actor: Actor) -> Response:
        """All parts were sent. What they are together is looked at here, whatever the client says of them."""
        ticket = await self._receiver.ticket(request)
        await bodies.read(request, CompleteBody, BODY_MOST)
        await self._receiver.run(self._receiver.uploads.complete, ticket)
        return reply({})

    async def commit(self, request: Request, actor: Actor) -> Response:
        """Change the draft. The answer's commit is the id that the version will have."""
        self._only_main(request)
        where = request.path_params
        kind, uploads = self._kind(where), self._receiver.uploads
        try:
            version = await self._receiver.receive(
                request,
                lambda source: uploads.commit(actor, kind, where["ns"], where["name"], source, version_of),
            )
        except NotFound as error:
            raise self._unknown(where) from error
        name = f"{where['ns']}/{where['name']}"
        text = words_for("en")("hub.draft-stored", asset=name, url=f"{self._base}/drafts/{version.id}")
        told = {
            "success": True,
            "commitOid": version.id,
            "commitUrl": f"{self._base}/{'datasets/' if kind is Kind.DATASET else ''}{name}/commit/{version.id}",
            "hookOutput": "",
        }
        return reply(told, warning(f"draft {name}", ascii_line(text)))

    async def page(self, request: Request, actor: Actor) -> Response:
        """Where the addresses lead that clients print: to one's own draft, or else to the asset."""
        name = f"{request.path_params['ns']}/{request.path_params['name']}"
        names.asset_name(name)
        try:
            mine = await self._catalogue.read(drafts.drafts, actor)
        except Denied:
            mine = []
        found = next((draft.version.id for draft in mine if draft.asset.full_name == name), None)
        return RedirectResponse(f"/assets/{name}" if found is None else f"/drafts/{found}", HTTPStatus.SEE_OTHER)

    async def no_branch(self, request: Request, actor: Actor) -> Response:
        await drain(pieces(request))
        raise Invalid({"branch": Flaw(Wrong.BRANCH)})

    async def no_tag(self, request: Request, actor: Actor) -> Response:
        await drain(pieces(request))
        raise Invalid({"tag": Flaw(Wrong.TAG_AT_RELEASE)})

    async def no_xet(self, request: Request, actor: Actor) -> Response:
        """A newer client asks this for a large file, whatever it was told before: what to do must stand last."""
        raise BadRequest("no-xet")

    async def _writable(self, request: Request, actor: Actor, paths: Sequence[str]) -> tuple[Asset, Mapping[str, Item]]:
        """The asset, and what a commit would find there. Raises NoSuchRepository, Denied."""
        where = request.path_params

        def look(tx: Transaction) -> tuple[Asset, Mapping[str, Item]]:
            asset = drafts.writable(tx, actor, self._kind(where), where["ns"], where["name"])
            return asset, drafts.present(tx, asset, paths)

        try:
            return await self._catalogue.read(look)
        except NotFound as error:
            raise self._unknown(where) from error

    def _object(self, plan: Plan, words: Words) -> dict[str, object]:
        told: dict[str, object] = {"oid": plan.wanted.sha256, "size": plan.wanted.size}
        if plan.why is not None:
            status, text = self._errors.told(plan.why, words)
            return {**told, "error": {"code": status, "message": text}}
        ticket = plan.ticket
        if ticket is None:
            return told
        address = f"{self._base}/api/uploads/{self._receiver.uploads.signed(ticket)}"
        upload: dict[str, object] = {"href": address}
        if ticket.part:
            parts = {str(n): f"{address}/{n}" for n in range(1, ticket.parts + 1)}
            upload["header"] = {"chunk_size": str(ticket.part), **parts}
        return {**told, "authenticated": True, "actions": {"upload": upload}}

    def _lines(self, request: Request, wrong: Mapping[str, Flaw]) -> list[str]:
        """A sentence each, after one that says what it is about; in both languages to those who ask in none."""
        if not wrong:
            return []
        languages = [language_of(request)] if "accept-language" in request.headers else ["en", "zh"]
        spoken = [words_for(language) for language in languages]
        url = f"{self._base}/problems/warrant-incomplete"
        lead = " ".join(words("hub.card-lacks", url=url) for words in spoken)
        told = [
            f"{name}: " + " / ".join(words(f"wrong.{flaw}", **flaw.params) for words in spoken)
            for name, flaw in wrong.items()
        ]
        return [lead, *told]

    def _only_main(self, request: Request) -> None:
        """Raises NoSuchRevision, Invalid."""
        revision = request.path_params["rev"].removeprefix(BRANCHES)
        if revision != names.MAIN:
            where = request.path_params
            raise NoSuchRevision(asset=f"{where['ns']}/{where['name']}"[:200], revision=revision[:200])
        if "create_pr" in request.query_params:
            raise Invalid({"create_pr": Flaw(Wrong.BRANCH)})

    def _kind(self, where: Mapping[str, str]) -> Kind:
        """Raises NoSuchRepository."""
        kind = KINDS.get(where.get("kind", "models"))
        if kind is None:
            raise self._unknown(where)
        return kind

    def _unknown(self, where: Mapping[str, str]) -> NoSuchRepository:
        return NoSuchRepository(asset=f"{where['ns']}/{where['name']}"[:200])

    def _address(self, asset: Asset) -> str:
        return f"{self._base}/{'datasets/' if asset.kind is Kind.DATASET else ''}{asset.full_name}"


def version_of(commit: str, version_ids: Sequence[str]) -> str:
    """The version that a commit is of, the commit itself where it is of none."""
    return commits.version_of(commit, version_ids) or commit
