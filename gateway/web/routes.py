"""THE list of addresses: one line each, with its handler and who may come.

Order matters where patterns overlap; the byte routes stand first since they are asked most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from catalog.vocabulary import Actor
from gateway.web.api import bodies
from gateway.web.api.accounts import AccountsApi
from gateway.web.api.assets import Assets
from gateway.web.api.boards import BoardsApi
from gateway.web.api.complaints import ComplaintsApi
from gateway.web.api.downloads import Downloads
from gateway.web.api.drafts import DraftsApi, ReleaseBody
from gateway.web.api.health import Health
from gateway.web.api.lists import Lists
from gateway.web.api.notices import Notices
from gateway.web.api.operator import OperatorApi
from gateway.web.api.previews import PreviewPictures
from gateway.web.api.recalls import RecallsApi
from gateway.web.api.terms import TermsApi
from gateway.web.compat.hub.resolve import Resolve
from gateway.web.compat.model_hubs import ModelHubs
from gateway.web.pages import Pages


class TileNumber(Convertor[int]):
    """The number of a preview tile. Longer numbers than there are tiles are no address of ours."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("tile", TileNumber())
Handler = Callable[[Request, Actor], Awaitable[Response]]
ByteHandler = Callable[[Scope, Receive, Send, Actor], Awaitable[None]]
Refuse = Callable[[Request, Exception], Response]


class Who(Enum):
    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    OWN_KEY = "own key"  # the route reads its own credential: a case and its secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`sends` is for the byte routes, which write to the connection themselves; `page` answers people, in HTML.

    `refuse` words the refusals of a foreign dialect; the addresses of such a one are matched as they were sent.
    """

    methods: tuple[str, ...]
    path: str
    about: str
    who: Who = Who.ANYONE
    handler: Handler | None = None
    sends: ByteHandler | None = None
    body: type[bodies.Body] | None = None
    page: bool = False
    refuse: Refuse | None = None


GET = ("GET",)
POST = ("POST",)
ASSET = "/v1/assets/{ns}/{name}"
VERSION = ASSET + "/versions/{version}"
# Not the first part of a model's address in a dialect that begins with its name.
TAKEN = "v1|api|assets|drafts|datasets|spaces|models|static|operator|complaints|account|notices|tasks|oauth|ga4gh"
MODEL = "/{ns:(?!(?:" + TAKEN + ")/)[^/]+}/{name}"


def byte_routes(
    *, downloads: Downloads, resolve: Resolve, model_hubs: ModelHubs, hub: Refuse, plain: Refuse
) -> list[Entry]:
    """Every address from which an original's bytes can leave. There is no other."""
    both = ("GET", "HEAD")
    return [
        Entry(
            methods=both, path=VERSION + "/files/{path:path}", who=Who.SIGNED_IN, sends=downloads.file,
            about="The bytes of one item, whole or a range.",
        ),
        Entry(
            methods=both, path=VERSION + "/archive.tar", who=Who.SIGNED_IN, sends=downloads.archive,
            about="The items that ?include=GLOB selects, in one tar.",
        ),
        Entry(
            methods=both, path="/{kind:datasets|spaces}/{ns}/{name}/resolve/{rev}/{path:path}", sends=resolve.file,
            refuse=hub, about="The bytes of a dataset's file, for clients of the Hub.",
        ),
        Entry(
            methods=both, path=MODEL + "/resolve/{rev}/{path:path}", sends=resolve.file,
            refuse=hub, about="The bytes of a model's file, for clients of the Hub.",
        ),
        Entry(
            methods=both, path=MODEL + "/weights/{rev}/{path:path}", who=Who.SIGNED_IN, sends=model_hubs.weights,
            refuse=plain, about="A model's file, also as name-<digits of its digest>.suffix, for torch.hub.",
        ),
        Entry(
            methods=both, path=MODEL + "/archive/{rev}.zip", who=Who.SIGNED_IN, sends=model_hubs.archive,
            refuse=plain, about="A model as a zip below one folder, for megengine.hub.",
        ),
    ]  # fmt: skip


def api_routes(
    *,
    assets: Assets,
    lists: Lists,
    previews: PreviewPictures,
    terms: TermsApi,
    complaints: ComplaintsApi,
    operator: OperatorApi,
    accounts: AccountsApi,
    health: Health,
    notices: Notices,
) -> list[Entry]:
    signed_in = Who.SIGNED_IN
    return [
        Entry(methods=GET, path="/healthz", handler=health.alive, about="The process is alive."),
        Entry(methods=GET, path="/readyz", handler=health.ready, about="The process may serve."),
        Entry(methods=GET, path="/openapi.json", handler=health.openapi, about="This description."),
        Entry(methods=GET, path="/v1/assets", handler=assets.list, about="Search: ?kind=&q=&class=&cursor=&limit="),
        Entry(methods=GET, path=ASSET, handler=assets.show, about="One asset: card, terms, versions."),
        Entry(
            methods=GET, path=VERSION + "/manifest", who=signed_in, handler=assets.manifest,
            about="The items of a version: its id, a tag, or main.",
        ),
        Entry(
            methods=GET, path=VERSION + "/SHA256SUMS", who=signed_in, handler=lists.sha256sums,
            about="The digests of a version's items, for `sha256sum -c`.",
        ),
        Entry(
            methods=GET, path=VERSION + "/aria2.txt", who=signed_in, handler=lists.aria2,
            about="The addresses, paths and digests of a version's items, for `aria2c -i`.",
        ),
        Entry(
            methods=GET, path=VERSION + "/urls.txt", who=signed_in, handler=lists.urls,
            about="The addresses of a version's items, one a line, for `wget -i`.",
        ),
        Entry(methods=GET, path=VERSION + "/previews", handler=assets.previews, about="The preview tiles."),
        Entry(methods=GET, path=VERSION + "/previews/{n:tile}", handler=previews.show, about="One blurred picture."),
        Entry(
            methods=POST, path=ASSET + "/acceptances", who=signed_in, handler=terms.accept,
            body=bodies.AcceptanceBody, about="Accept the terms in force.",
        ),
        Entry(methods=GET, path="/notices/{id}", handler=notices.show, about="Why something was stopped."),
        Entry(methods=GET, path="/v1/terms/{id}", handler=terms.show, about="The terms in force."),
        Entry(methods=GET, path="/v1/terms/{id}/versions/{version}", handler=terms.show, about="One version of terms."),
        Entry(
            methods=POST, path="/v1/complaints", handler=complaints.file, body=bodies.ComplaintBody,
            about="File a complaint; needs no account.",
        ),
        Entry(
            methods=GET, path="/v1/complaints/{case}", who=Who.OWN_KEY, handler=complaints.status,
            about="How a case stands; HTTP Basic with case and secret.",
        ),
        Entry(methods=GET, path="/v1/me", who=signed_in, handler=accounts.me, about="The account asking."),
        Entry(
            methods=POST, path="/v1/me/tokens", who=signed_in, handler=accounts.create_token, body=bodies.TokenBody,
            about="A new token of one's own.",
        ),
        Entry(
            methods=("DELETE",), path="/v1/me/tokens/{id}", who=signed_in, handler=accounts.revoke_token,
            about="End a token of one's own.",
        ),
        Entry(
            methods=GET, path="/v1/operator/complaints", who=signed_in, handler=operator.queue,
            about="The queue by due time: ?state=",
        ),
        Entry(
            methods=GET, path="/v1/operator/complaints/{case}", who=signed_in, handler=operator.case,
            about="One case.",
        ),
        Entry(
            methods=POST, path="/v1/operator/holds", who=signed_in, handler=operator.hold, body=bodies.StopBody,
            about="Hold an asset, a version or an item.",
        ),
        Entry(
            methods=POST, path="/v1/operator/withholdings", who=signed_in, handler=operator.withhold,
            body=bodies.StopBody, about="Withhold an item for good.",
        ),
        Entry(
            methods=POST, path="/v1/operator/revocations", who=signed_in, handler=operator.revoke,
            body=bodies.StopBody, about="Revoke an asset or a version for good.",
        ),
        Entry(
            methods=GET, path="/v1/operator/stops/{id}", who=signed_in, handler=operator.effective,
            about="Whether a stop holds everywhere, by its notice.",
        ),
        Entry(
            methods=POST, path="/v1/operator/releases", who=signed_in, handler=operator.release,
            body=bodies.ReleaseBody, about="Lift a hold, or propose to.",
        ),
        Entry(
            methods=POST, path="/v1/operator/releases/{id}/confirmations", who=signed_in, handler=operator.confirm,
            about="The second person's word.",
        ),
        Entry(
            methods=POST, path="/v1/operator/dismissals", who=signed_in, handler=operator.dismiss,
            body=bodies.DismissalBody, about="Dismiss a complaint, with a reason.",
        ),
        Entry(
            methods=POST, path="/v1/operator/suspensions", who=signed_in, handler=operator.suspend,
            body=bodies.SuspensionBody, about="Suspend an account, or restore it.",
        ),
        Entry(
            methods=GET, path="/v1/operator/events", who=signed_in, handler=operator.events,
            about="The event log: ?cursor=&limit=",
        ),
    ]  # fmt: skip


def recall_routes(*, recalls: RecallsApi, boards: BoardsApi) -> list[Entry]:
    """Calling copies back: what holders are sent and answer, and what operators see of it."""
    signed_in, board = Who.SIGNED_IN, "/v1/operator/recalls/{id}"
    return [
        Entry(methods=GET, path="/v1/keys", handler=recalls.keys, about="The keys that sign in this gateway's name."),
        Entry(
            methods=POST, path="/v1/me/installs", who=signed_in, handler=recalls.register, body=bodies.EnvelopeBody,
            about="Make an install's key known.",
        ),
        Entry(
            methods=("DELETE",), path="/v1/me/installs/{id}", who=signed_in, handler=recalls.retire,
            about="The machine is gone: its key signs nothing more.",
        ),
        Entry(
            methods=GET, path="/v1/recalls", who=signed_in, handler=recalls.feed,
            about="What was called back from this account: ?after=SEQ",
        ),
        Entry(
            methods=GET, path="/v1/recalls/{id}/digests", who=signed_in, handler=recalls.digests,
            about="The digests of a notice that is too long to carry them: ?seq=",
        ),
        Entry(
            methods=POST, path="/v1/recalls/{id}/receipts", who=signed_in, handler=recalls.receive,
            body=bodies.EnvelopeBody, about="A signed receipt; accepted once.",
        ),
        Entry(
            methods=POST, path="/v1/tasks/{id}/answers", who=signed_in, handler=recalls.answer_task,
            body=bodies.TaskAnswerBody, about="The word that closes a task.",
        ),
        Entry(
            methods=GET, path="/v1/operator/recalls", who=signed_in, handler=boards.list,
            about="Recalls, newest first: ?cursor=&limit=",
        ),
        Entry(methods=GET, path=board, who=signed_in, handler=boards.show, about="One recall and how it stands."),
        Entry(
            methods=GET, path=board + "/holders", who=signed_in, handler=boards.holders,
            about="Who has copies, and what they say: ?state=&cursor=&limit=",
        ),
        Entry(
            methods=GET, path=board + "/holders.csv", who=signed_in, handler=boards.csv,
            about="The same for a spreadsheet.",
        ),
        Entry(
            methods=GET, path=board + "/evidence", who=signed_in, handler=boards.evidence,
            about="All that is known of a recall, in a signed envelope.",
        ),
        Entry(
            methods=POST, path=board + "/excuses", who=signed_in, handler=boards.excuse, body=bodies.HolderBody,
            about="Nothing more is expected of this account.",
        ),
        Entry(
            methods=POST, path=board + "/suspensions", who=signed_in, handler=boards.suspend, body=bodies.HolderBody,
            about="Stop an account's downloads until it has answered.",
        ),
        Entry(
            methods=GET, path="/v1/operator/holders", who=signed_in, handler=boards.who_has,
            about="Who got what of an asset, a version or an item: ?subject=",
        ),
        Entry(
            methods=GET, path="/v1/operator/tasks", who=signed_in, handler=boards.tasks,
            about="What waits for people, by due time.",
        ),
    ]  # fmt: skip


def draft_routes(drafts: DraftsApi) -> list[Entry]:
    """What was sent and is not released: for its publisher, and for operators."""
    signed_in, draft = Who.SIGNED_IN, "/v1/drafts/{id}"
    return [
        Entry(methods=GET, path="/v1/drafts", who=signed_in, handler=drafts.list, about="One's own drafts."),
        Entry(methods=GET, path=draft, who=signed_in, handler=drafts.show, about="One of them, and what it lacks."),
        Entry(
            methods=POST, path=draft + "/release", who=signed_in, handler=drafts.release, body=ReleaseBody,
            about="Release it: from then on it is main.",
        ),
        Entry(methods=("DELETE",), path=draft, who=signed_in, handler=drafts.discard, about="Empty it."),
    ]  # fmt: skip


def page_routes(pages: Pages) -> list[Entry]:
    """What people see. A page whose visitor must sign in first sends them there."""

    def page(methods: tuple[str, ...], path: str, handler: Handler, about: str, who: Who = Who.ANYONE) -> Entry:
        return Entry(methods=methods, path=path, handler=handler, about=about, who=who, page=True)

    desk, acts, complaints, identity = pages.desk, pages.acts, pages.complaints, pages.identity
    signed_in = Who.SIGNED_IN
    return [
        page(GET, "/", pages.catalogue.index, "The catalogue: ?q=&kind=&class=&cursor="),
        page(GET, "/assets/{ns}/{name}", pages.catalogue.show, "One asset."),
        page(GET, "/assets/{ns}/{name}/terms", pages.terms.show, "Its terms: ?text=en|zh"),
        page(POST, "/assets/{ns}/{name}/terms", pages.terms.accept, "Accept them.", signed_in),
        page(GET, "/sign-up", identity.sign_up_form, "Open an account."),
        page(POST, "/sign-up", identity.sign_up, "Open an account."),
        page(GET, "/sign-in", identity.sign_in_form, "Sign in: ?next="),
        page(POST, "/sign-in", identity.sign_in, "Sign in."),
        page(POST, "/sign-out", identity.sign_out, "Sign out."),
        page(GET, "/device", pages.device.show, "Let a program sign in: ?code=", signed_in),
        page(POST, "/device", pages.device.answer, "Allow it, or refuse.", signed_in),
        page(GET, "/account", pages.account.show, "One's own account.", signed_in),
        page(POST, "/account/tokens", pages.account.create_token, "A new token.", signed_in),
        page(POST, "/account/tokens/{id}/revoke", pages.account.revoke_token, "End a token.", signed_in),
        page(GET, "/drafts", pages.drafts.list, "One's own drafts.", signed_in),
        page(GET, "/drafts/{id}", pages.drafts.show, "One draft, and what it lacks.", signed_in),
        page(POST, "/drafts/{id}/release", pages.drafts.release, "Release it.", signed_in),
        page(POST, "/drafts/{id}/discard", pages.drafts.discard, "Empty it.", signed_in),
        page(GET, "/account/recalls/{id}", pages.inbox.show, "One recall, and one's own word on it.", signed_in),
        page(POST, "/account/recalls/{id}", pages.inbox.answer, "State it by hand.", signed_in),
        page(POST, "/account/installs/{id}/retire", pages.inbox.retire, "The machine is gone.", signed_in),
        page(GET, "/tasks/{id}", pages.inbox.task, "What waits for a person.", signed_in),
        page(POST, "/tasks/{id}", pages.inbox.answer_task, "The word that closes it.", signed_in),
        page(GET, "/complaints/new", complaints.new, "The complaint form: ?asset=&version=&preview="),
        page(POST, "/complaints/new", complaints.file, "File a complaint."),
        page(GET, "/complaints", complaints.ask, "Asks for a case and its secret."),
        page(POST, "/complaints", complaints.status, "How a case stands."),
        page(GET, "/complaints/{case}", complaints.ask, "Asks for the secret of a case."),
        page(GET, "/operator", desk.queue, "Complaints by due time: ?state=", signed_in),
        page(GET, "/operator/complaints/{case}", desk.case, "One case, and what can be done.", signed_in),
        page(GET, "/operator/holds", desk.holds, "Holds that stand, releases that wait.", signed_in),
        page(GET, "/operator/recalls", pages.boards.list, "Recalls, newest first: ?before=", signed_in),
        page(GET, "/operator/recalls/{id}", pages.boards.show, "One recall's board: ?state=&after=", signed_in),
        page(GET, "/operator/tasks", pages.boards.tasks, "What waits for people, by due time.", signed_in),
        page(GET, "/operator/accounts", desk.accounts, "Accounts: suspend, restore.", signed_in),
        page(GET, "/operator/events", desk.events, "The event log, newest first: ?before=", signed_in),
        page(GET, "/operator/act", acts.ask, "What an act will do: ?act=&subject=&reason=&case=", signed_in),
        page(POST, "/operator/act", acts.act, "Do it.", signed_in),
        page(GET, "/operator/acts/{id}", acts.outcome, "What an act came to.", signed_in),
        page(POST, "/language", pages.public.language, "Choose the language of the pages."),
        page(GET, "/problems/{code}", pages.public.problem, "What a problem type means."),
        page(GET, "/privacy", pages.public.privacy, "Cookies, and what is kept."),
    ]
