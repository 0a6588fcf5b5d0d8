"""The words of recall: what is called back, from whom, what they answer, and what is left for a person to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from catalog.vocabulary import DeliveryEnd, StopReason


class RecallAction(StrEnum):
    """What a notice asks for."""

    PURGE = "purge"
    QUARANTINE = "quarantine"  # a hold: set aside, nothing to answer
    WITHDRAWN = "withdrawn"  # the hold was lifted


class RecallScope(StrEnum):
    VERSION = "version"  # whole versions
    ITEMS = "items"  # one content, in every version that has it


class HolderState(StrEnum):
    """sent → fetched → claimed or exempt; sent or fetched → overdue at the deadline; an answer may come after it."""

    SENT = "sent"
    FETCHED = "fetched"
    CLAIMED = "claimed"
    EXEMPT = "exempt"
    OVERDUE = "overdue"


class Outcome(StrEnum):
    """What became of one content, as its holder states it. A statement is a claim, never a proof."""

    DELETED = "deleted"
    ABSENT = "absent"
    LOCKED = "locked"
    MODIFIED = "modified"
    KEPT_BY_LAW = "kept_by_law"


class CopiesOutside(StrEnum):
    UNKNOWN = "unknown"
    NONE_DECLARED = "none_declared"
    DECLARED = "declared"


class TaskKind(StrEnum):
    """What waits for a person, with a clock."""

    RECALL_OVERDUE = "recall-overdue"  # operators: decide about those who have not answered
    SOURCE_STOPPED = "source-stopped"  # the publisher of something derived: say what becomes of it
    SERVED_ELSEWHERE = "served-elsewhere"  # operators: decide about other assets that serve what was stopped


class TaskAnswer(StrEnum):
    """The first is the operators' word on what waits for them; the others a publisher's on a stopped source."""

    SEEN_TO = "seen_to"
    REPLACED = "replaced"
    RETRAINED = "retrained"
    UNLEARNED = "unlearned"
    WITHDRAWN = "withdrawn"
    NOT_AFFECTED = "not_affected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which deliveries carried something: any of these versions, or only these paths of each.

    `paths` None means every item of the versions.
    """

    versions: tuple[str, ...]
    paths: Mapping[str, frozenset[str]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """While an item of `asset_id` was stopped: from a position of the ledger up to another, or until now."""

    start: int
    stop: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFetch:
    """A delivery of many items at once; `include` is the JSON list of its globs, `size` its bytes."""

    account_id: str
    version_id: str
    include: str | None
    as_of: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one account got of one version: how often, how many bytes, first and last when."""

    account_id: str
    version_id: str
    fetches: int
    bytes: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRecord:
    """One fetch of an item, or of an archive (`path` None) of `include`, however many ranges it took.

    start, stop: the least and the end of the last byte that was asked for. bytes: acknowledged so far.
    parts: deliveries. end: how the last of them ended; None while one is running.
    """

    asset: str
    version_id: str
    path: str | None
    include: str | None
    start: int
    stop: int
    started_at: datetime
    parts: int
    bytes: int
    end: DeliveryEnd | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """One message to holders. `seq` rises by at least one from message to message of an installation.

    A stop's notice has one; more where its hold was lifted (WITHDRAWN), or where a download joined late.
    """

    seq: int
    notice_id: str
    action: RecallAction
    scope: RecallScope
    asset_id: str
    asset: str  # its full name
    versions: tuple[str, ...]
    sha256: str | None  # the one content, where the scope is ITEMS
    reason: StopReason
    successor: str | None
    position: int
    issued_at: datetime
    expires_at: datetime
    deadline_at: datetime | None  # None: nothing to answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An account's part in the recall of one notice; `seq` is the message it was sent."""

    notice_id: str
    account_id: str
    seq: int
    state: HolderState
    sent_at: datetime
    fetched_at: datetime | None
    overdue_at: datetime | None
    answered_at: datetime | None
    removed: int  # contents stated as deleted
    excused_by: str | None
    suspended_at: datetime | None  # further downloads stopped until there is an answer
    mails: int
    mailed_at: datetime | None
    mail_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCounts:
    """What may be told to anyone who may know of the recall at all. Each holder is in one of the last five."""

    holders: int
    waiting: int  # sent or fetched
    deleted: int  # claimed, and something was deleted
    absent: int  # claimed that there was nothing
    exempt: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An item of another asset that has the same content as what was stopped for good.

    `held`: only a hold keeps it from being served.
    """

    subject: str  # ns/name@version:path
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The first of such copies that are not stopped for good as well, and how many there are."""

    first: Sequence[Copy]
    count: int

    @property
    def lines(self) -> Sequence[str]:
        more = self.count - len(self.first)
        named = [f"{copy.subject} (held)" if copy.held else copy.subject for copy in self.first]
        return [*named, *([f"+ {more}"] if more else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """One home of the SDK, known by the public key that its receipts are signed with."""

    id: str
    account_id: str
    public_key: bytes
    name: str
    registered_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was stated about one notice: by an install, signed, or by the person on the account page.

    `listed` are contents with their outcome where that was told one by one.
    """

    id: str
    notice_id: str
    account_id: str
    install_id: str | None
    nonce: str
    sha256: str  # of the signed payload; of the canonical statement where it was made by hand
    counts: Mapping[Outcome, int]
    listed: Mapping[str, Outcome]
    copies_outside: CopiesOutside
    note: str
    envelope: str | None  # as it came
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that waits for a person. `assignee_id` None: the operators."""

    id: str
    kind: TaskKind
    notice_id: str
    asset_id: str  # what it is about: the recalled asset, or the derived one
    version_id: str | None  # the derived version
    assignee_id: str | None
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    answer: TaskAnswer | None
    note: str  # what it named when it was opened, a line each; once it is closed, with what was answered below

    @property
    def named(self) -> Sequence[str]:
        """What it named when it was opened: paths, which have no empty lines in them."""
        return self.note.partition("\n\n")[0].splitlines() if self.kind is TaskKind.SERVED_ELSEWHERE else ()

    @property
    def said(self) -> str:
        """What was answered."""
        return self.note.partition("\n\n")[2] if self.kind is TaskKind.SERVED_ELSEWHERE else self.note


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A version descends from something that was stopped for good."""

    version_id: str
    source_id: str  # the version that was stopped, or that holds the withheld item
    notice_id: str
    flagged_at: datetime
