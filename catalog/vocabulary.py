"""The words of the catalogue: what exists, in which states, and why something is refused.

Frozen values only; no rule and no I/O. The words are the field's own and are used alike in code,
SQL, addresses and documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    RESEARCHER = "researcher"
    PUBLISHER = "publisher"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """What a token may do; a token never exceeds its account's role."""

    READ = "read"
    ACCEPT = "accept"
    PUBLISH = "publish"
    OPERATE = "operate"


class AccountState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Kind(StrEnum):
    DATASET = "dataset"
    MODEL = "model"


class Gate(StrEnum):
    """How an asset opens to those who accepted its terms: by itself, or by an operator's word on each."""

    AUTO = "auto"
    MANUAL = "manual"


class Approval(StrEnum):
    """Where an account stands with the operators of an asset; a rejected one gets nothing, whatever it accepted."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    REJECTED = "rejected"


class DataClass(StrEnum):
    """How sensitive an asset is. `level` orders them: 0 public, 1 model, 2 face and body, 3 minor."""

    PUBLIC = "public"
    MODEL = "model"
    FACE = "face"
    BODY = "body"
    MINOR = "minor"

    @property
    def level(self) -> int:
        return {"public": 0, "model": 1, "face": 2, "body": 2, "minor": 3}[self.value]


class VersionState(StrEnum):
    """draft → published ⇄ held; published or held → revoked (final for this version id) → destroyed."""

    DRAFT = "draft"
    PUBLISHED = "published"
    HELD = "held"
    REVOKED = "revoked"
    DESTROYED = "destroyed"


class ItemState(StrEnum):
    """served ⇄ held; served or held → withheld. By digest, in every version of the asset that has it."""

    SERVED = "served"
    HELD = "held"
    WITHHELD = "withheld"


class Stop(StrEnum):
    """The three acts that stop bytes."""

    HOLD = "hold"
    WITHHOLD = "withhold"
    REVOKE = "revoke"


class StopReason(StrEnum):
    RIGHTS_COMPLAINT = "rights_complaint"
    CHILD = "child"
    LICENCE = "licence"
    QUALITY = "quality"
    MISUSE = "misuse"
    SECURITY = "security"
    COURT_ORDER = "court_order"


class ReleaseReason(StrEnum):
    """Why a hold is lifted or a complaint dismissed; the last twelve are the policy's refusal codes."""

    UNFOUNDED = "unfounded"
    RESOLVED = "resolved"
    ERROR = "error"
    WITHDRAWN = "withdrawn"
    REPETITIVE = "repetitive"
    EXCESSIVE_TECHNICAL = "excessive_technical"
    RISK_TO_OTHERS = "risk_to_others"
    IMPRACTICAL = "impractical"
    LEGAL_OBLIGATION = "legal_obligation"
    NATIONAL_SECURITY = "national_security"
    PUBLIC_SAFETY_HEALTH = "public_safety_health"
    CRIMINAL_JUSTICE = "criminal_justice"
    BAD_FAITH_WITH_EVIDENCE = "bad_faith_with_evidence"
    VITAL_INTEREST_NO_CONSENT = "vital_interest_no_consent"
    SERIOUS_HARM_TO_RIGHTS = "serious_harm_to_rights"
    TRADE_SECRET = "trade_secret"  # noqa: S105  a reason, not a secret


class ComplaintKind(StrEnum):
    """On whose behalf; `child` speaks for a person under 14, `misuse` reports a use rather than a picture."""

    SELF = "self"
    GUARDIAN = "guardian"
    RELATIVE = "relative"
    AGENT = "agent"
    ORGANISATION = "organisation"
    CHILD = "child"
    MISUSE = "misuse"


class ComplaintState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class LawfulBasis(StrEnum):
    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal_duty"
    SECURITY = "security"
    PUBLIC_HEALTH = "public_health"
    JUSTICE = "justice"
    EMERGENCY = "emergency"
    SELF_PUBLISHED = "self_published"
    PUBLIC_SOURCE = "public_source"
    SERVICE_SAFETY = "service_safety"
    RESEARCH = "research"
    OTHER_LAW = "other_law"


class Persons(StrEnum):
    ADULTS = "adults"
    MINORS = "minors"
    UNKNOWN = "unknown"
    NONE = "none"


class Door(StrEnum):
    """What an actor asks for. Each door has its own row of rules in policy/access.py."""

    CARD = "card"  # listing, card, terms: what anyone may read
    PREVIEWS = "previews"
    MANIFEST = "manifest"  # manifest and checksums
    BYTES = "bytes"  # one item, or an archive of them


class Reason(StrEnum):
    """Why a door is open or shut. Closed: an unknown reason cannot be spoken."""

    GRANTED = "granted"
    UNAUTHENTICATED = "unauthenticated"
    SUSPENDED = "suspended"
    NOT_FOUND = "not-found"
    SCOPE_MISSING = "scope-missing"
    ROLE_MISSING = "role-missing"
    OTHER_PUBLISHER = "other-publisher"
    REVOKED = "revoked"
    HELD = "held"
    ITEM_WITHHELD = "item-withheld"
    ITEM_HELD = "item-held"
    NO_PREVIEWS = "no-previews"
    ACCESS_REJECTED = "access-rejected"
    TERMS_NOT_ACCEPTED = "terms-required"
    TERMS_OUTDATED = "terms-outdated"
    ACCESS_PENDING = "access-pending"
    INSTALL_UNKNOWN = "install-unknown"


class AcceptanceStatus(StrEnum):
    NONE = "none"
    OUTDATED = "outdated"  # accepted, but a later major version asks again
    IN_FORCE = "in-force"


class DeliveryEnd(StrEnum):
    COMPLETE = "complete"
    CUT = "cut"  # stopped by us
    GONE = "gone"  # the peer went away
    STALLED = "stalled"  # the peer read too slowly and was dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer with its reason, true as of ledger position `as_of`."""

    allowed: bool
    reason: Reason
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    name: str
    role: Role
    state: AccountState
    email: str | None
    phone: str | None  # E.164
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential for programs. The secret itself is never kept: `sha256` finds it again."""

    id: str
    account_id: str
    sha256: str
    hint: str  # the first characters, so that its owner can tell tokens apart
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that signed in; `sha256` is of the cookie's random id."""

    sha256: str
    account_id: str
    created_at: datetime
    expires_at: datetime


class LoginState(StrEnum):
    """asked → allowed → open → ended; asked → refused."""

    ASKED = "asked"
    ALLOWED = "allowed"
    REFUSED = "refused"
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A program that asked to be signed in. `until` bounds the asking, later the renewing; secrets are digests."""

    id: str
    client_id: str
    program: str  # what it calls itself
    device_sha256: str
    user_code: str
    state: LoginState
    account_id: str | None
    scopes: frozenset[Scope]
    asked_at: datetime
    until: datetime
    renewal_sha256: str | None
    spent_sha256: str | None  # the renewal secret before that one
    token_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks, with what they may do at most; `account` None is the anonymous public."""

    account: Account | None
    scopes: frozenset[Scope]
    token_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """What a publisher vouches for before anything may be released."""

    title: Title
    data_class: DataClass
    lawful_basis: LawfulBasis
    source: str
    persons: Persons
    licence: str
    residency: str
    contact: str
    pia: str | None
    derived_from: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    id: str
    ns: str
    name: str
    kind: Kind
    data_class: DataClass
    title: Title
    terms_id: str
    publisher_id: str
    created_at: datetime
    gate: Gate = Gate.AUTO

    @property
    def full_name(self) -> str:
        return f"{self.ns}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    id: str  # 40 hex digits, drawn when its draft opens
    asset_id: str
    state: VersionState
    tag: str | None
    card: str  # Markdown source
    warrant: Warrant | None  # None while a draft lacks it
    manifest_sha256: str | None
    item_count: int
    total_size: int  # bytes
    created_at: datetime
    published_at: datetime | None
    notice_id: str | None  # of the stop that applies to it
    packing: int = 0  # how often its shards were made anew since it was released

    @property
    def contents(self) -> tuple[str, int]:
        """What may be kept about its items is kept under this."""
        return self.id, self.packing


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a picture came from, as the publisher's sidecar says; all optional."""

    source_url: str | None
    source_sha256: str | None
    source_author: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A tar of many small files of its version: all that have its slot, but for those of `without`.

    A slot has one shard that is `listed` at most; its others were made before some file was stopped, or meanwhile.
    """

    slot: int
    without: tuple[str, ...]  # paths
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    path: str
    size: int  # bytes
    sha256: str
    git_sha1: str
    media_type: str
    provenance: Provenance | None = None
    slot: int | None = None  # of the shard that the file is packed into
    shard: Shard | None = None  # set where the item is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes by their digests: hex SHA-256, and hex SHA-1 as git counts it."""

    sha256: str
    git_sha1: str
    size: int  # bytes


class ScanVerdict(StrEnum):
    """What loading a file of a model runs, gravest last."""

    NO_PICKLE = "no-pickle"  # nothing of a pickle; what the file's own loader does was not judged
    DATA = "data"  # plain values: no code of anybody's choice
    CODE = "code"  # code of the packages that it names
    REFUSED = "refused"


class ScanRefusal(StrEnum):
    """Why a file may not be released. Closed."""

    HARMFUL = "harmful"  # it names what can run anything
    BROKEN = "broken"  # it imports something and then fails, or its archive contradicts itself
    ENCRYPTED = "encrypted"
    UNKNOWN_ARCHIVE = "unknown-archive"
    TOO_DEEP = "too-deep"
    TOO_LARGE = "too-large"
    TIME_OUT = "time-out"
    CRASHED = "crashed"
    UNCONFINED = "unconfined"  # this machine cannot lock the scanner in


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found in a content; `names` are what its pickles import beyond plain values, or what is harmful."""

    sha256: str
    scanner: str  # which, with its version: another one may know more
    verdict: ScanVerdict
    why: ScanRefusal | None
    names: tuple[str, ...]
    scanned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The same tensors in another form: whatever stops the source stops it."""

    source_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedItem:
    """The overlay on a digest within one asset."""

    sha256: str
    state: ItemState
    notice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    id: str
    major: int
    minor: int
    en: str
    zh: str
    sha256: str
    published_at: datetime

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    id: str
    account_id: str
    asset_id: str
    terms_id: str
    terms_version: str
    terms_sha256: str
    language: str
    purpose: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An operator's word on an account's access to an asset."""

    asset_id: str
    account_id: str
    approval: Approval
    reason: str | None  # of a rejection
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Bytes promised to an account; the row is durable before the first byte leaves."""

    id: str
    account_id: str
    token_id: str | None
    asset_id: str
    version_id: str
    path: str | None  # None: an archive of `include`
    include: str | None
    start: int
    stop: int  # half-open, bytes of the representation
    as_of: int
    started_at: datetime
    continues: str | None = None  # the delivery that began the fetch which this one is a part of; None: it begins one


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a delivery: bytes the peer's kernel acknowledged, and how it ended."""

    delivery_id: str
    acknowledged: int
    end: DeliveryEnd
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRef:
    """What a stop is about: an asset, one version of it, or one item of a version."""

    ns: str
    name: str
    version: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        text = f"{self.ns}/{self.name}"
        if self.version is not None:
            text += f"@{self.version}"
        if self.path is not None:
            text += f":{self.path}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintItem:
    """An item as the complainant named it: a path, or the number of a preview tile."""

    path: str | None
    version: str | None
    preview: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    case: str
    secret_sha256: str
    kind: ComplaintKind
    state: ComplaintState
    name: str
    contact: str
    request: str
    links: tuple[str, ...]  # text: shown, never fetched
    asset: str | None  # as named, "ns/name"
    items: tuple[ComplaintItem, ...]
    source: str  # keyed hash of the sender's address
    filed_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The public face of one stop: what a 451 points to. Never names a complainant."""

    id: str
    act: Stop
    subject: str
    asset_id: str
    version_id: str | None
    sha256: str | None  # of the item, for the catalogue's own use; never shown
    reason: StopReason
    case: str | None  # never shown to the public
    actor_id: str
    placed_at: datetime
    position: int
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A proposal to lift a hold; what needs two persons waits here for the second."""

    id: str
    notice_id: str
    subject: str
    reason: ReleaseReason
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


class PreviewState(StrEnum):
    PENDING = "pending"
    BLURRED = "blurred"
    REFUSED = "refused"
    ABSENT = "absent"  # the item held fewer pictures than were planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Tile `n` of a version, counted from 1; `blob` is the digest of the blurred picture.

    `part`: which of the pictures chosen inside the item it shows, counted from 1; None when it shows the item itself.
    """

    version_id: str
    n: int
    path: str
    item_sha256: str
    part: int | None
    state: PreviewState
    blob: str | None
    why: str | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the ledger. `position` is the epoch: one counter per installation."""

    position: int
    kind: str
    subject: str
    actor: str
    at: datetime
    data: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A change after which streams of `subjects` must not send one byte more."""

    position: int
    subjects: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A serving process as the others see it."""

    id: str
    applied: int
    streams_cut: int  # since it started
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: int
    kind: str
    payload: dict[str, object]
    attempts: int
