"""The words on the wire: addresses, header names, codes and the shape of each reply.

The server reads them from here too, so both sides spell them alike. Shapes are TypedDicts of plain JSON: lists come
as ``{items, next}``, problems as RFC 9457.
"""

import re
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict
from urllib.parse import quote

TOKEN_PREFIX = "hbg_"  # noqa: S105  the beginning that all tokens share, not a token
PROBLEM_TYPE = "application/problem+json"
MAIN = "main"
VERSION_ID = re.compile(r"[0-9a-f]{40}")
PART = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9._-]{1,96}(?<!\.git)", re.DOTALL)
"""Each half of an asset's name ``ns/name``."""

# Addresses ---------------------------------------------------------------------------------------------------------

ME = "/v1/me"
ASSETS = "/v1/assets"


def asset_path(ns: str, name: str) -> str:
    """One asset: card, terms, versions."""
    return f"{ASSETS}/{_segment(ns)}/{_segment(name)}"


def acceptances_path(ns: str, name: str) -> str:
    """Where an acceptance of its terms is posted."""
    return f"{asset_path(ns, name)}/acceptances"


def manifest_path(ns: str, name: str, version: str) -> str:
    """The items of a version; ``version`` is an id, a tag or ``main``."""
    return f"{asset_path(ns, name)}/versions/{_segment(version)}/manifest"


def file_path(ns: str, name: str, version: str, path: str) -> str:
    """The bytes of one item; ``path`` keeps its slashes."""
    return f"{asset_path(ns, name)}/versions/{_segment(version)}/files/{quote(path, safe='/')}"


def archive_path(ns: str, name: str, version: str) -> str:
    """Many items in one tar."""
    return f"{asset_path(ns, name)}/versions/{_segment(version)}/archive.tar"


def terms_path(terms_id: str, version: str | None = None) -> str:
    """Both texts of the terms in force, or of one version."""
    tail = "" if version is None else f"/versions/{_segment(version)}"
    return f"/v1/terms/{_segment(terms_id)}{tail}"


def notice_path(notice_id: str) -> str:
    """What a 451 points to."""
    return f"/notices/{_segment(notice_id)}"


def etag(sha256: str) -> str:
    """The strong entity tag of a content: its SHA-256 in quotes."""
    return f'"{sha256}"'


def _segment(text: str) -> str:
    return quote(text, safe="")


# Codes -------------------------------------------------------------------------------------------------------------


class Code(StrEnum):
    """The codes of problems that a client reacts to; a server may send others, which are told as they come."""

    UNAUTHENTICATED = "unauthenticated"  # 401
    SUSPENDED = "suspended"  # 403
    SCOPE_MISSING = "scope-missing"  # 403
    ROLE_MISSING = "role-missing"  # 403
    TERMS_REQUIRED = "terms-required"  # 403
    TERMS_OUTDATED = "terms-outdated"  # 403
    NOT_FOUND = "not-found"  # 404
    CONFLICT = "conflict"  # 409
    TERMS_NOT_IN_FORCE = "terms-not-in-force"  # 409
    INVALID = "invalid"  # 422, with `fields`
    TOO_MANY = "too-many"  # 429
    HELD = "held"  # 451
    REVOKED = "revoked"  # 451
    ITEM_HELD = "item-held"  # 451
    ITEM_WITHHELD = "item-withheld"  # 451
    BUSY = "busy"  # 503
    STATE_UNAVAILABLE = "state-unavailable"  # 503


# Shapes ------------------------------------------------------------------------------------------------------------


class Problem(TypedDict):
    """RFC 9457. Addresses are absolute; `notice` is the id that `notice_url` shows."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: NotRequired[str]
    terms_url: NotRequired[str]
    accept_url: NotRequired[str]
    notice: NotRequired[str]
    notice_url: NotRequired[str]
    appeal_url: NotRequired[str]
    fields: NotRequired[dict[str, str]]


class Bilingual(TypedDict):
    en: str
    zh: str


class TermsState(TypedDict):
    """The terms in force for an asset; `accepted` is about the account that asks."""

    id: str
    version: str
    sha256: str
    accepted: bool


class MainState(TypedDict):
    version: str
    state: str


class VersionInfo(TypedDict):
    """Newest first in an asset's list. `items` counts files, `size` is bytes."""

    version: str
    tag: str | None
    state: str
    published_at: str | None
    items: int
    size: int


AssetSummary = TypedDict(
    "AssetSummary",
    {
        "ns": str,
        "name": str,
        "kind": str,
        "class": str,
        "title": Bilingual,
        "licence": str | None,
        "main": MainState | None,
    },
)
"""An asset in a list."""


class AssetInfo(AssetSummary):
    """One asset. `main` is None before the first release; `card` is Markdown."""

    terms: TermsState | None
    versions: list[VersionInfo]
    card: str


class AssetPage(TypedDict):
    items: list[AssetSummary]
    next: str | None


class ManifestItem(TypedDict):
    """One file. A stopped one (state held or withheld) has path and state only."""

    path: str
    state: str
    size: NotRequired[int]
    sha256: NotRequired[str]
    media_type: NotRequired[str]


class ManifestPage(TypedDict):
    """`version` is always the id, whichever name was asked for; `next` goes back as ``?cursor=``."""

    asset: str
    version: str
    items: list[ManifestItem]
    next: NotRequired[str | None]


class TermsTexts(TypedDict):
    """`sha256` is over the canonical JSON (RFC 8785) of ``{"en", "zh"}``."""

    id: str
    version: str
    sha256: str
    en: str
    zh: str
    published_at: str


class AcceptanceRequest(TypedDict):
    """What the reader saw and agreed to; 201 new, 200 repeated, 409 when those are not the terms in force."""

    terms_id: str
    terms_version: str
    terms_sha256: str
    language: Literal["en", "zh"]
    purpose: str


class Acceptance(TypedDict):
    """The record of an acceptance."""

    id: str
    asset: str
    terms_id: str
    terms_version: str
    terms_sha256: str
    language: str
    purpose: str
    accepted_at: str


class AccountInfo(TypedDict):
    """Of ``GET /v1/me``: the account behind the token."""

    name: str
    role: str


class Me(TypedDict):
    account: AccountInfo
