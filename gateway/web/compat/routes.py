"""The addresses of foreign dialects, one line each; their byte routes stand in web/routes.py with all others."""

from __future__ import annotations

from gateway.web.compat.croissant import Croissant
from gateway.web.compat.drs import Drs
from gateway.web.compat.hub import Hub
from gateway.web.routes import ASSET, GET, MODEL, POST, Entry, Handler, Refuse, Who

REPOSITORIES = "/api/{kind:models|datasets|spaces}"
REPOSITORY = REPOSITORIES + "/{ns}/{name}"
PRINTED = "/{what:tree|blob|commit}/{path:path}"
LFS = ".git/info/lfs/objects/batch"
UPLOAD = "/api/uploads/{ticket}"
DRS = "/ga4gh/drs/v1"


def hub_routes(parts: Hub) -> list[Entry]:
    identity, catalogue, trees, requests = parts.identity, parts.catalogue, parts.trees, parts.requests

    def hub(methods: tuple[str, ...], path: str, handler: Handler, about: str, who: Who = Who.ANYONE) -> Entry:
        return Entry(methods=methods, path=path, handler=handler, about=about, who=who, refuse=parts.errors.refuse)

    def oauth(path: str, handler: Handler, about: str) -> Entry:
        return Entry(methods=POST, path=path, handler=handler, about=about, who=Who.OWN_KEY, refuse=parts.device.refuse)

    return [
        oauth("/oauth/device", parts.device.ask, "A program asks to be signed in (RFC 8628)."),
        oauth("/oauth/token", parts.device.token, "Its token, once a person allowed it; or a renewed one."),
        hub(GET, "/api/whoami-v2", identity.whoami, "The account behind the token."),
        hub(GET, "/api/agent-harnesses", identity.harnesses, "None are known."),
        hub(GET, REPOSITORIES, catalogue.list, "?author=&search=&filter=&sort=&limit=&expand="),
        hub(GET, REPOSITORY, catalogue.show, "One repository: ?blobs=&expand="),
        hub(GET, REPOSITORY + "/revision/{rev}", catalogue.revision, "The same at a revision."),
        hub(GET, REPOSITORY + "/auth-check", catalogue.may_fetch, "Whether its files may be fetched."),
        hub(GET, REPOSITORY + "/tree/{rev}", trees.tree, "Files and folders: ?recursive=&expand="),
        hub(GET, REPOSITORY + "/tree/{rev}/{path:path}", trees.tree, "The same below a folder."),
        hub(POST, REPOSITORY + "/paths-info/{rev}", trees.paths_info, "The named files and folders."),
        hub(
            GET, REPOSITORY + "/user-access-request/{status:pending|accepted|rejected}", requests.list,
            "Who asked for access.", Who.SIGNED_IN,
        ),
        hub(
            POST, REPOSITORY + "/user-access-request/handle", requests.handle,
            "Accept, reject or set aside a request.", Who.SIGNED_IN,
        ),
        hub(POST, REPOSITORY + "/user-access-request/grant", requests.grant, "Let an account in.", Who.SIGNED_IN),
        hub(("PUT",), REPOSITORY + "/settings", requests.settings, "How the gate opens.", Who.SIGNED_IN),
        hub(GET, REPOSITORY + "/refs", trees.refs, "The branch and the tags."),
        hub(GET, REPOSITORY + "/commits/{rev}", trees.commits, "The releases up to a revision."),
    ]  # fmt: skip


def publishing_routes(parts: Hub) -> list[Entry]:
    """What a publisher's client sends. Nothing of it is served before somebody releases the draft."""
    publishing = parts.publishing

    def hub(methods: tuple[str, ...], path: str, handler: Handler, about: str, who: Who = Who.SIGNED_IN) -> Entry:
        return Entry(methods=methods, path=path, handler=handler, about=about, who=who, refuse=parts.errors.refuse)

    anyone = Who.ANYONE
    own = Who.OWN_KEY  # a ticket in the address: clients send these without their token
    return [
        hub(POST, "/api/repos/create", publishing.create, "An asset with an empty draft."),
        hub(POST, "/api/validate-yaml", publishing.check_card, "Whether a card vouches for all that is needed."),
        hub(POST, REPOSITORY + "/preupload/{rev}", publishing.preupload, "How to send each file."),
        hub(POST, "/{kind:datasets|spaces}/{ns}/{name}" + LFS, publishing.batch, "Where to send large files."),
        hub(POST, MODEL + LFS, publishing.batch, "Where to send a model's large files."),
        hub(("PUT",), UPLOAD, publishing.put, "One content, whole.", own),
        hub(("PUT",), UPLOAD + "/{number:[0-9]+}", publishing.put_part, "One part of it.", own),
        hub(POST, UPLOAD, publishing.complete, "All parts were sent.", own),
        hub(POST, REPOSITORY + "/commit/{rev}", publishing.commit, "Change the draft."),
        hub(GET, "/datasets/{ns}/{name}" + PRINTED, publishing.page, "The page behind what a client prints.", anyone),
        hub(GET, MODEL + PRINTED, publishing.page, "The page behind what a client prints of a model.", anyone),
        hub(POST, REPOSITORY + "/branch/{rev}", publishing.no_branch, "There is one branch."),
        hub(POST, REPOSITORY + "/tag/{rev}", publishing.no_tag, "Tags are given at release."),
        hub(GET, REPOSITORY + "/xet-{way:read|write}-token/{rev}", publishing.no_xet, "There is no Xet store.", anyone),
    ]


def drs_routes(parts: Drs) -> list[Entry]:
    objects = parts.objects

    def drs(path: str, handler: Handler, about: str, methods: tuple[str, ...] = GET) -> Entry:
        return Entry(methods=methods, path=DRS + path, handler=handler, about=about, refuse=parts.errors.refuse)

    return [
        drs("/service-info", parts.service.show, "What kind of service this is."),
        drs("/objects/{id}", objects.show, "A file, a folder or a version by its id: ?expand="),
        drs("/objects/{id}", objects.authorizations, "How one may authenticate for it.", ("OPTIONS",)),
        drs("/objects/{id}/access/{access_id}", objects.access, "Where its bytes are fetched."),
    ]


def croissant_routes(croissant: Croissant, *, hub: Refuse) -> list[Entry]:
    about = "The asset as Croissant 1.1 (JSON-LD): ?version="
    return [
        Entry(methods=GET, path=ASSET + "/croissant", handler=croissant.show, about=about),
        Entry(
            methods=GET, path="/api/{kind:models|datasets}/{ns}/{name}/croissant", handler=croissant.show, about=about,
            refuse=hub,
        ),
    ]  # fmt: skip
