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
KEYS = "/v1/keys"
INSTALLS = "/v1/me/installs"
RECALLS = "/v1/recalls"


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


def digests_path(recall: str, seq: int) -> str:
    """The digests of a notice that has too many to carry them itself: lines of ``SHA256 SIZE``."""
    return f"{RECALLS}/{_segment(recall)}/digests?seq={seq}"


def receipts_path(recall: str) -> str:
    """Where a receipt for a recall is posted."""
    return f"{RECALLS}/{_segment(recall)}/receipts"


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
    INSTALL_TAKEN = "install-taken"  # 409: the key is another account's
    INSTALL_UNKNOWN = "install-unknown"  # 403: the receipt's key is none of this account's
    RECEIPT_KNOWN = "receipt-known"  # 409: a receipt of that nonce is here already
    RECALL_CLOSED = "recall-closed"  # 409: it takes no receipt: a quarantine, or withdrawn
    SIGNATURE_WRONG = "signature-wrong"  # 422
    INVALID = "invalid"  # 422, with `fields`
    TOO_MANY = "too-many"  # 429
    HELD = "held"  # 451
    REVOKED = "revoked"  # 451
    ITEM_HELD = "item-held"  # 451
    ITEM_WITHHELD = "item-withheld"  # 451
    BUSY = "busy"  # 503
    STATE_UNAVAILABLE = "state-unavailable"  # 503


class Action(StrEnum):
    """What a notice asks for."""

    PURGE = "purge"  # delete the copies and send a receipt
    QUARANTINE = "quarantine"  # set the copies aside, untouched and unused; no receipt
    WITHDRAWN = "withdrawn"  # the quarantine is over: the copies may be used again


class Outcome(StrEnum):
    """What became of one digest of a notice, as the holder states it."""

    DELETED = "deleted"  # every copy that the SDK knew of is gone
    ABSENT = "absent"  # there was none
    LOCKED = "locked"  # a copy could not be deleted now
    MODIFIED = "modified"  # the file is there with other bytes; it was left
    KEPT_BY_LAW = "kept_by_law"  # a duty of the holder's forbids deleting it


class CopiesOutside(StrEnum):
    """Whether there are copies that the SDK does not know of: asked, never searched for."""

    UNKNOWN = "unknown"
    NONE_DECLARED = "none_declared"
    DECLARED = "declared"


PAYLOAD_TYPES: dict[str, str] = {
    kind: f"application/vnd.hubgate.{kind}+json"
    for kind in ("keys", "recalls", "recall", "install", "receipt", "evidence")
}
"""What each kind of signed statement is called in its envelope; its JSON says ``gw.KIND/v1`` as its `type`."""

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


class Flag(TypedDict):
    """A source of the main version was stopped for good: whole, or in `part`. `answer` is its publisher's, if any."""

    source: str
    part: bool
    notice: str
    since: str
    answer: str | None


class AssetInfo(AssetSummary):
    """One asset. `main` is None before the first release; `card` is Markdown."""

    terms: TermsState | None
    versions: list[VersionInfo]
    card: str
    derived_from: NotRequired[list[str]]
    flags: NotRequired[list[Flag]]


class AssetPage(TypedDict):
    items: list[AssetSummary]
    next: str | None


class ManifestItem(TypedDict):
    """One file. A stopped one (state held or withheld) has path and state only.

    `shard`: a tar of other files of the version, which are listed by themselves too.
    """

    path: str
    state: str
    size: NotRequired[int]
    sha256: NotRequired[str]
    media_type: NotRequired[str]
    shard: NotRequired[bool]


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


# Signed statements: docs/reference/recall.md says how each is checked ------------------------------------------------


class Signature(TypedDict):
    """`keyid` names the key: see `envelope.key_id`; `sig` is base64."""

    keyid: str
    sig: str


class Envelope(TypedDict):
    """DSSE: `payload` is the base64 of canonical JSON (RFC 8785), the signatures are over its pre-authentication."""

    payloadType: str
    payload: str
    signatures: list[Signature]


class SigningKey(TypedDict):
    """`public_key` is base64 of 32 bytes; `not_after` None: it signs now."""

    keyid: str
    alg: Literal["ed25519"]
    public_key: str
    not_before: str
    not_after: str | None


class KeyList(TypedDict):
    """`gw.keys/v1`: which keys sign for the gateway. `serial` rises with each change of the list."""

    type: str
    origin: str
    serial: int
    issued: str
    keys: list[SigningKey]


class Keys(TypedDict):
    """Of ``GET /v1/keys``."""

    keys: Envelope


class DigestSize(TypedDict):
    """One content: `d` is its SHA-256 in hex, `size` in bytes."""

    alg: Literal["sha256"]
    d: str
    size: int


class DigestSet(TypedDict):
    """A list too long for the notice: `count` lines at `url_path`, whose bytes have this SHA-256."""

    url_path: str
    sha256: str
    count: int


class RecallNotice(TypedDict):
    """`gw.recall/v1`: copies of these digests, got as one of these versions, are called back.

    It has either `digests` or `digest_set`. `deadline` is None where no receipt is asked for.
    """

    type: str
    notice: str
    seq: int
    origin: str
    issued: str
    expires: str
    asset: str
    versions: list[str]
    scope: Literal["version", "items"]
    action: Literal["purge", "quarantine", "withdrawn"]
    reason_code: str
    digests: NotRequired[list[DigestSize]]
    digest_set: NotRequired[DigestSet]
    successor: str | None
    reply_path: str
    deadline: str | None


class RecallEntry(TypedDict):
    """`sha256` is of the notice's payload."""

    notice: str
    seq: int
    sha256: str


class RecallList(TypedDict):
    """`gw.recalls/v1`: all that this account was sent after `after` and up to `through`; `more` may come beyond it."""

    type: str
    origin: str
    account: str
    after: int
    through: int
    more: bool
    issued: str
    expires: str
    notices: list[RecallEntry]


class RecallAnswer(TypedDict):
    """Of ``GET /v1/recalls?after=SEQ``: the list, the notices it names in the same order, and the keys of today."""

    list: Envelope
    notices: list[Envelope]
    keys: Envelope


class InstallStatement(TypedDict):
    """`gw.install/v1`: signed by the key that it makes known, which proves that the sender has it."""

    type: str
    origin: str
    account: str
    public_key: str
    name: str
    issued: str


class Install(TypedDict):
    """Of ``POST /v1/me/installs``: 201 new, 200 known. `id` is the key's id."""

    id: str
    name: str
    registered_at: str
    retired_at: str | None


class Result(TypedDict):
    """`outcome` is a word of `Outcome`."""

    d: str
    outcome: str
    at: str


class ReceiptStatement(TypedDict):
    """`gw.receipt/v1`: what one install did about one notice.

    `counts` has a number for every `Outcome`; they add up to the digests of the notice. `results` must list each
    that is locked, modified or kept by law, and may list the others.
    """

    type: str
    origin: str
    notice: str
    notice_sha256: str
    account: str
    install: str
    sdk: str
    os: str
    counts: dict[str, int]
    results: list[Result]
    copies_outside: str
    nonce: str


class ReceiptAccepted(TypedDict):
    """`state` is what the account's part in the recall has come to: fetched, claimed, exempt or overdue.

    `waiting` names the installs of the account that fetched such copies and have not answered.
    """

    id: str
    notice: str
    state: str
    waiting: list[str]
