"""Every error the catalogue raises on purpose. Each has a code, and a hint that says what to do next.

CatalogError
├── CatalogUnavailable    the catalogue cannot be read or written now
├── Denied                a decision was "no"; carries the Decision
├── NotFound              nothing of that name is there for this actor
├── Conflict              the request does not fit the present state
├── Invalid               the request itself is wrong; names the fields
└── TooMany               a limit of the policy was reached
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.vocabulary import Decision


class CatalogError(Exception):
    """The family; `code` is stable and goes to clients, `params` fill the sentence of the caller's language."""

    code = "error"

    def __init__(self, code: str | None = None, /, **params: str) -> None:
        self.code = code or self.code
        self.params: Mapping[str, str] = params
        super().__init__(self.code if not params else f"{self.code}: {params}")


class CatalogUnavailable(CatalogError):
    """The catalogue cannot be asked; nothing may be served on the strength of it."""

    code = "state-unavailable"


class Denied(CatalogError):
    """A decision was "no"."""

    code = "denied"

    def __init__(self, decision: Decision, /, **params: str) -> None:
        self.decision = decision
        super().__init__(decision.reason.value, **params)


class NotFound(CatalogError):
    """Absent, a draft, or not visible to this actor: the three look the same."""

    code = "not-found"


class Conflict(CatalogError):
    """The request does not fit the present state."""

    code = "conflict"


class Wrong(StrEnum):
    """What can be wrong with a field. The words have a sentence for each."""

    MISSING = "missing"
    UNKNOWN_KEY = "unknown-key"
    NOT_TEXT = "not-text"
    WRONG_KIND = "wrong-kind"
    ONE_OF = "one-of"
    BETWEEN = "between"
    CHARACTERS = "characters"
    AT_LEAST = "at-least"
    AT_MOST = "at-most"
    LINKS = "links"
    HALF_CHARACTER = "half-character"
    NEEDS_ASSET = "needs-asset"
    ASSET_NAME = "asset-name"
    TAG = "tag"
    ACCOUNT_NAME = "account-name"
    TERMS_ID = "terms-id"
    EMAIL = "email"
    PHONE = "phone"
    PATH = "path"
    SAME_FILE = "same-file"
    FILE_AND_FOLDER = "file-and-folder"
    NOT_SENT = "not-sent"
    STOPPED = "stopped"
    OTHER_SIZE = "other-size"
    COMMIT_LINE = "commit-line"
    BASE64 = "base64"
    LINE_LONG = "line-long"
    BRANCH = "branch"
    TAG_AT_RELEASE = "tag-at-release"
    SUBJECT = "subject"
    REVOKE_NO_ITEM = "revoke-no-item"
    WITHHOLD_ITEM = "withhold-item"
    SCOPES = "scopes"
    DERIVED_FROM = "derived-from"
    RESIDENCY = "residency"
    LICENCE = "licence"
    NO_SUCH_TERMS = "no-such-terms"
    NO_ITEMS = "no-items"
    NUMBERS = "numbers"
    NO_SUCH_PATH = "no-such-path"
    LINK_OR_DEVICE = "link-or-device"
    SHARDS_PLACE = "shards-place"
    COLUMNS = "columns"
    NOT_UTF8 = "not-utf8"
    HEAD_ALIAS = "head-alias"
    HEAD_DEEP = "head-deep"
    HEAD_KEYS = "head-keys"
    HEAD_LINES = "head-lines"
    HEAD_LONG = "head-long"
    HEAD_YAML = "head-yaml"
    NO_SUCH_VERSION = "no-such-version"
    ADDS_UP = "adds-up"
    DISAGREES = "disagrees"
    FOREIGN_DIGEST = "foreign-digest"
    TWICE = "twice"
    EXPECTS = "expects"
    PICKLE_HARMFUL = "pickle-harmful"
    PICKLE_BROKEN = "pickle-broken"
    PICKLE_ENCRYPTED = "pickle-encrypted"
    PICKLE_UNKNOWN_ARCHIVE = "pickle-unknown-archive"
    PICKLE_TOO_DEEP = "pickle-too-deep"
    PICKLE_TOO_LARGE = "pickle-too-large"
    PICKLE_TIME_OUT = "pickle-time-out"
    PICKLE_CRASHED = "pickle-crashed"
    PICKLE_UNCONFINED = "pickle-unconfined"
    NOT_SCANNED = "not-scanned"


class Flaw(str):
    """Why a field is wrong: the code, and what its sentence names."""

    params: Mapping[str, str]

    def __new__(cls, code: Wrong, /, **params: object) -> Flaw:
        made = super().__new__(cls, code.value)
        made.params = {name: str(value) for name, value in params.items()}
        return made


class Invalid(CatalogError):
    """The request is wrong. `fields` names each wrong field and why."""

    code = "invalid"

    def __init__(self, fields: Mapping[str, Flaw], code: str | None = None, /) -> None:
        self.fields = dict(fields)
        super().__init__(code, fields=", ".join(f"{name} ({why})" for name, why in self.fields.items()))


class TooMany(CatalogError):
    """A limit of the policy was reached; it frees itself with time."""

    code = "too-many"
