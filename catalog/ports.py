"""The storage contract: what a driver of the catalogue MUST promise.

A driver MUST make a committed transaction durable before `begin()` returns, MUST run write
transactions one after another as if alone, MUST give each event the next position of one counter,
and MUST raise CatalogUnavailable, and nothing of its own, when it cannot do so. A driver exists when
tests/contract/store passes against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from catalog.events import Happened
from catalog.policy.access import Ground
from catalog.recalls import (
    ArchiveFetch,
    Elsewhere,
    Fetched,
    FetchRecord,
    Flag,
    Holder,
    HolderCounts,
    HolderState,
    Install,
    Recall,
    Receipt,
    Task,
    TaskAnswer,
)
from catalog.vocabulary import (
    Acceptance,
    Account,
    AccountState,
    Asset,
    Complaint,
    ComplaintState,
    Content,
    Cut,
    DataClass,
    Delivery,
    Event,
    Grant,
    Item,
    Job,
    Kind,
    Login,
    Notice,
    Preview,
    Release,
    ReleaseReason,
    Replica,
    Scan,
    Session,
    Settlement,
    StoppedItem,
    Terms,
    Token,
    Twin,
    Version,
    VersionState,
)


class Clock(Protocol):
    """The time now, in UTC. Never the database's."""

    def __call__(self) -> datetime: ...


class NewId(Protocol):
    """`digits` random hex digits from a cryptographic source."""

    def __call__(self, digits: int) -> str: ...


class Accounts(Protocol):
    def add(self, account: Account, password_hash: str | None) -> None:
        """MUST raise Conflict("name-taken") when the name is in use, whatever its case."""

    def get(self, account_id: str) -> Account | None: ...
    def named(self, name: str) -> Account | None: ...
    def everyone(self) -> Sequence[Account]: ...
    def password_hash(self, account_id: str) -> str | None: ...
    def set_password_hash(self, account_id: str, password_hash: str) -> None: ...
    def set_state(self, account_id: str, state: AccountState) -> None: ...
    def add_token(self, token: Token) -> None: ...
    def token(self, sha256: str) -> Token | None: ...
    def tokens(self, account_id: str) -> Sequence[Token]: ...
    def token_stands(self, token_id: str) -> bool:
        """Whether there is such a token that was not revoked. Its last day is not looked at."""

    def revoke_token(self, token_id: str, at: datetime) -> None: ...
    def add_session(self, session: Session) -> None: ...
    def session(self, sha256: str) -> Session | None: ...
    def end_session(self, sha256: str) -> None: ...
    def end_sessions(self, account_id: str) -> None: ...


class Logins(Protocol):
    def add(self, login: Login) -> None: ...
    def update(self, login: Login) -> None: ...
    def by_device(self, sha256: str) -> Login | None: ...
    def by_code(self, user_code: str) -> Login | None: ...
    def by_renewal(self, sha256: str) -> Login | None:
        """Also by the secret before the present one."""

    def purge(self, before: datetime) -> None:
        """Forget those whose `until` is earlier."""


class Grants(Protocol):
    def get(self, asset_id: str, account_id: str) -> Grant | None: ...
    def put(self, grant: Grant) -> None:
        """One for an account and an asset; the later word counts."""

    def of_asset(self, asset_id: str) -> Sequence[Grant]: ...


class TermsRecords(Protocol):
    def add(self, terms: Terms) -> None: ...
    def in_force(self, terms_id: str) -> Terms | None:
        """The newest version, major before minor."""

    def get(self, terms_id: str, major: int, minor: int) -> Terms | None: ...
    def versions(self, terms_id: str) -> Sequence[Terms]: ...
    def accept(self, acceptance: Acceptance) -> bool:
        """MUST keep one row for an account, asset and terms version, however many ask at once; True when new."""

    def acceptance(self, account_id: str, asset_id: str, terms: Terms) -> Acceptance | None: ...
    def accepted_majors(self, account_id: str, asset: Asset) -> frozenset[int]:
        """The majors of the asset's terms that stand for this account; for class public an acceptance
        given for any public asset under the same terms counts."""

    def acceptances_of(self, asset_id: str) -> Sequence[Acceptance]:
        """Newest first."""

    def acceptances(self, account_id: str) -> Sequence[tuple[Acceptance, str]]:
        """With the full name of the asset, newest first."""


class Assets(Protocol):
    def add(self, asset: Asset) -> None: ...
    def named(self, ns: str, name: str) -> Asset | None: ...
    def get(self, asset_id: str) -> Asset | None: ...
    def update(self, asset: Asset) -> None:
        """Title, class and terms follow the newest release."""

    def search(
        self, *, kind: Kind | None, text: str, data_class: DataClass | None, after: str, limit: int, minors: bool
    ) -> Sequence[tuple[Asset, Version]]:
        """Assets whose newest release is served, with that release, ordered by full name after `after`."""

    def add_version(self, version: Version) -> None: ...
    def version(self, version_id: str) -> Version | None: ...
    def resolve(self, asset_id: str, ref: str) -> Version | None:
        """By id, by tag, or `main`: the newest released version whatever its state, never a draft."""

    def versions(self, asset_id: str) -> Sequence[Version]:
        """Newest first."""

    def draft(self, asset_id: str) -> Version | None: ...
    def release(self, version: Version) -> None:
        """Write the draft's card, warrant, tag, manifest digest and state; the tag leaves its former version."""

    def set_state(self, version_id: str, state: VersionState, notice_id: str | None) -> None: ...
    def add_items(self, version_id: str, items: Sequence[Item]) -> None:
        """In manifest order; a path that the draft already has is replaced."""

    def discard(self, version_id: str) -> None:
        """A draft, with its items and shards."""

    def remove_items(self, version_id: str, paths: Sequence[str]) -> None:
        """Harmless for a path that is not there."""

    def sum_items(self, version_id: str) -> tuple[int, int]:
        """How many items the version has, and their bytes."""

    def drafts(self) -> Sequence[tuple[Asset, Version]]:
        """All there are, newest first."""

    def clear_items(self, version_id: str) -> None:
        """Its shards too."""

    def items(self, version_id: str) -> Sequence[Item]:
        """In order of path, by code point."""

    def item(self, version_id: str, path: str) -> Item | None:
        """The path is compared as exact text."""

    def published_with(self, asset_id: str, manifest_sha256: str) -> Version | None:
        """A released, unstopped version with that manifest."""

    def places(self, sha256: str) -> Sequence[tuple[str, str, str]]:
        """Where a content is, drafts excepted: (asset id, version id, path)."""

    def digests(self) -> Iterator[tuple[str, int]]:
        """Every item's (sha256, size) once, drafts included."""


class Uploads(Protocol):
    """What clients have sent for a draft."""

    def add(self, version_id: str, contents: Sequence[Content], at: datetime) -> None:
        """Harmless when it is there already."""

    def known(self, asset_id: str, version_id: str | None, digests: Sequence[str]) -> Mapping[str, Content]:
        """Of these contents those that were sent for this draft, or that some version of the asset has."""

    def sent(self, version_id: str) -> Sequence[str]:
        """The digests of all that was sent for it."""

    def forget(self, version_id: str) -> None: ...
    def unused(self, digests: Sequence[str]) -> Sequence[str]:
        """Of these digests those that no version has and that were sent for no draft."""


class Shards(Protocol):
    """Which small files of a version are packed into which tars; the tars are items of it, too."""

    def put(self, version_id: str, item: Item, members: Collection[str]) -> None:
        """Add the item, which is a shard, or write anew what is known of it; with `members`, these files and no others
        have its slot."""

    def keep(self, version_id: str, paths: Collection[str]) -> None:
        """Drop all shards of a draft but those at these paths; files of no slot that is left lose theirs."""

    def of(self, version_id: str) -> Sequence[Item]:
        """In order of path, unlisted ones too."""

    def members(self, version_id: str, slot: int) -> Sequence[Item]:
        """The files of a slot, in order of path."""

    def holding(self, sha256: str) -> Sequence[tuple[str, str, Item]]:
        """Every shard that has a content in it, drafts excepted: (asset id, version id, item)."""

    def inside(self, asset_id: str, sha256: str) -> frozenset[str]:
        """What is in the shard of that digest, by digest; empty where the asset has no such shard."""

    def list_only(self, version_id: str, slot: int, path: str | None) -> None:
        """Of the slot's shards only this one is listed from now on, or none; the version's `packing` moves on."""


class Stops(Protocol):
    def add_notice(self, notice: Notice) -> None: ...
    def notice(self, notice_id: str) -> Notice | None: ...
    def notices(self, asset_id: str) -> Sequence[Notice]: ...
    def open_notices(self) -> Sequence[Notice]:
        """Holds that stand, oldest first."""

    def lift(self, notice_id: str, at: datetime) -> None: ...
    def stop_item(self, asset_id: str, item: StoppedItem) -> None: ...
    def release_item(self, asset_id: str, sha256: str) -> None: ...
    def stopped(self, asset_id: str) -> dict[str, StoppedItem]:
        """By digest."""

    def sum_stopped(self, version_id: str) -> tuple[int, int]:
        """How many of the version's files are stopped by themselves, and their bytes; shards are no files."""

    def items_of(self, notice_id: str) -> Sequence[tuple[str, str]]:
        """What stands under that notice: (asset id, digest)."""

    def in_use(self) -> frozenset[str]:
        """The notices that some version or item stands under."""

    def propose(self, release: Release) -> None: ...
    def release(self, release_id: str) -> Release | None: ...
    def proposals(self) -> Sequence[Release]:
        """Those that wait for a second person."""

    def confirm(self, release_id: str, account_id: str, at: datetime) -> None: ...


class Complaints(Protocol):
    def add(self, complaint: Complaint) -> None: ...
    def get(self, case: str) -> Complaint | None: ...
    def queue(self, state: ComplaintState | None) -> Sequence[Complaint]:
        """By due time, the earliest first."""

    def notices(self, case: str) -> Sequence[Notice]: ...
    def decide(self, case: str, state: ComplaintState, at: datetime, by: str, reason: ReleaseReason | None) -> None: ...
    def child_holds_since(self, source: str, since: datetime) -> int:
        """How many items complaints from that source have held since then."""


class Deliveries(Protocol):
    def add(self, deliveries: Sequence[Delivery]) -> None: ...
    def settle(self, settlements: Sequence[Settlement]) -> None: ...
    def of_account(self, account_id: str, limit: int) -> Sequence[FetchRecord]:
        """What the account fetched, newest first."""

    def began(self, account_id: str, version_id: str, path: str, since: datetime) -> str | None:
        """The delivery that began the latest fetch of the item which was still going on at `since` or later."""

    def held(self, account_id: str) -> Sequence[Fetched]:
        """What the account has got, version by version, the latest first."""

    def of_versions(self, account_id: str, versions: Collection[str]) -> Sequence[Delivery]: ...
    def accounts(self, version_id: str, paths: Collection[str] | None) -> Sequence[str]:
        """Who fetched one of these items by itself, each once; `paths` None: anything at all, archives included.

        MUST be quick however often each of them has fetched.
        """

    def archives(self, version_id: str) -> Sequence[ArchiveFetch]: ...
    def tally(
        self,
        version_id: str,
        paths: Collection[str] | None,
        includes: Collection[str | None],
        accounts: Collection[str] | None = None,
    ) -> Sequence[Fetched]:
        """By account: fetches of these items, and archives with one of these `includes`; `paths` None: everything.

        `accounts` None: all of them.
        """

    def count(self) -> int: ...


class Recalls(Protocol):
    def add(self, recall: Recall) -> int:
        """Its number, which MUST be higher than any given before; the one in `recall` is ignored."""

    def send(self, notice_id: str, seq: int, accounts: Collection[str], at: datetime) -> None:
        """Make each account a holder, in the state SENT."""

    def of_notice(self, notice_id: str) -> Sequence[Recall]:
        """In order of `seq`: the first is the recall itself."""

    def latest(self, limit: int, before: int | None) -> Sequence[Recall]:
        """The first message of each notice, newest first."""

    def standing_since(self, position: int) -> Sequence[Recall]:
        """The first message of each notice that was issued after a position and is not lifted."""

    def sent_to(self, account_id: str, after: int, limit: int) -> Sequence[Recall]: ...
    def digests(self, recall: Recall) -> Sequence[tuple[str, int]]:
        """Each content called back, (sha256, size), in order of digest."""

    def named_in(self, recall: Recall, digests: Collection[str]) -> frozenset[str]:
        """Those of the digests that the recall calls back."""

    def barred(self, asset_id: str, version_id: str, limit: int) -> Mapping[str, str]:
        """Items of a draft, path to notice, whose content is withheld, held in another asset, or revoked and not served
        by this one; the text of licences may come back after what it lay beside was revoked."""

    def barred_contents(self, asset_id: str, digests: Sequence[str], limit: int) -> Mapping[str, str]:
        """The same for contents that are about to be sent, digest to notice, under whatever name."""

    def elsewhere(self, recall: Recall, limit: int, known: Sequence[Recall] = ()) -> Elsewhere:
        """What other assets serve at present of the contents called back, or would when a hold is lifted; the text of
        licences is nobody's. Without what is found for a recall in `known` as well."""

    def holder(self, notice_id: str, account_id: str) -> Holder | None: ...
    def holders(
        self, notice_id: str, *, states: Collection[HolderState] = ..., after: str = "", limit: int
    ) -> Sequence[Holder]:
        """In order of account id, after one."""

    def of_account(self, account_id: str) -> Sequence[Holder]:
        """Newest first."""

    def change(self, notice_id: str, account_id: str, **changes: object) -> None: ...
    def counts(self, notices: Collection[str]) -> HolderCounts:
        """Of all these together, each account once, where it stands worst: it has deleted what it got only when it says
        so of every one of them that it was sent."""

    def add_receipt(self, receipt: Receipt) -> None: ...
    def knows_nonce(self, account_id: str, nonce: str) -> bool: ...
    def receipts(self, notice_id: str, account_id: str | None = None) -> Sequence[Receipt]:
        """Oldest first."""


class Installs(Protocol):
    def add(self, install: Install) -> None: ...
    def get(self, install_id: str) -> Install | None: ...
    def of_account(self, account_id: str) -> Sequence[Install]: ...
    def rename(self, install_id: str, name: str) -> None: ...
    def set_retired(self, install_id: str, at: datetime | None) -> None: ...
    def use(self, install_id: str, token_id: str) -> None:
        """The install fetches with that token; known already is no error."""

    def tokens(self, account_id: str) -> Sequence[tuple[str, str]]:
        """(install id, token id)."""


class Tasks(Protocol):
    def open(self, task: Task) -> None: ...
    def get(self, task_id: str) -> Task | None: ...
    def waiting(self) -> Sequence[Task]:
        """By due time, the earliest first."""

    def of_account(self, account_id: str) -> Sequence[Task]: ...
    def of_notice(self, notice_id: str) -> Sequence[Task]: ...
    def close(self, task_id: str, at: datetime, by: str, answer: TaskAnswer, note: str) -> None: ...


class Lineage(Protocol):
    def derive(self, version_id: str, parents: Collection[str]) -> None: ...
    def parents(self, version_id: str) -> Sequence[str]: ...
    def children(self, versions: Collection[str]) -> Sequence[tuple[str, str]]:
        """(parent, child) for each version made from one of these."""

    def flag(self, flag: Flag) -> bool:
        """True when the version did not have it yet."""

    def flags(self, versions: Collection[str]) -> Sequence[Flag]: ...


class Scans(Protocol):
    """What was found in contents, whichever asset has them."""

    def put(self, scan: Scan) -> None:
        """The later one counts."""

    def of_version(self, version_id: str) -> Mapping[str, Scan]:
        """By SHA-256; contents that nobody looked through are missing."""

    def pair(self, twin: Twin) -> None:
        """Known already is no error."""

    def twins(self, sha256: str) -> Sequence[Twin]:
        """Of which this content is either."""


class Previews(Protocol):
    def plan(self, previews: Sequence[Preview]) -> None: ...
    def record(self, previews: Sequence[Preview]) -> None: ...
    def of_version(self, version_id: str) -> Sequence[Preview]:
        """In order of `n`."""

    def get(self, version_id: str, n: int) -> Preview | None: ...


class Outbox(Protocol):
    """Work that a commit promised. At least once: a job whose worker died is taken again."""

    def enqueue(self, kind: str, payload: dict[str, object], at: datetime) -> int:
        """Not to be taken before `at`, which may lie in the future."""

    def take(self, kinds: Iterable[str], now: datetime, until: datetime) -> Job | None: ...
    def renew(self, job_id: int, until: datetime) -> None: ...
    def done(self, job_id: int, now: datetime) -> None: ...
    def failed(self, job_id: int, error: str, again_at: datetime) -> None: ...
    def is_done(self, job_id: int) -> bool: ...
    def waiting(self) -> int: ...


class Ledger(Protocol):
    def position(self) -> int: ...
    def events(self, after: int, limit: int) -> Sequence[Event]: ...
    def about(self, subject: str) -> Sequence[Event]:
        """In order of position."""


class Projection(Protocol):
    """The present state, in the shape that the ledger's fold gives, for `hubgate verify`."""

    def snapshot(self) -> dict[str, str]: ...


class Facts(Protocol):
    def ground(self, *, account_id: str | None, token_id: str | None = None, ns: str, name: str, ref: str) -> Ground:
        """What access.decide needs, of one snapshot. `reads` is True: the caller knows the credential's scopes."""


class Transaction(Protocol):
    accounts: Accounts
    logins: Logins
    grants: Grants
    terms: TermsRecords
    assets: Assets
    uploads: Uploads
    shards: Shards
    stops: Stops
    complaints: Complaints
    deliveries: Deliveries
    recalls: Recalls
    installs: Installs
    tasks: Tasks
    lineage: Lineage
    scans: Scans
    previews: Previews
    outbox: Outbox
    ledger: Ledger
    facts: Facts
    projection: Projection

    def append(self, event: Happened, *, actor: str, at: datetime) -> int:
        """Add the event to the ledger; gives its position."""


class ChangeFeed(Protocol):
    """How a serving replica learns of changes, and tells what it has applied. Used from one thread, but for `replicas`.

    Cheap enough to be asked every 10 ms.
    """

    def moved(self) -> bool:
        """True when anything may have been committed since the last call; the first call gives True."""

    def position(self) -> int: ...
    def cuts_since(self, position: int) -> Sequence[Cut]:
        """Changes after `position` that end running streams, in order."""

    def enrol(self, replica: str, position: int, now: datetime) -> None:
        """Durable: from here on every stop waits for this replica. One that cannot enrol serves nothing."""

    def applied(self, replica: str, position: int, streams_cut: int, now: datetime) -> None:
        """`streams_cut` counts from the replica's start."""

    def withdraw(self, replica: str) -> None: ...
    def forget(self, replica: Replica) -> None:
        """Withdraw another that is dead, unless it has written since `replica` was read."""

    def replicas(self) -> Sequence[Replica]: ...
    def close(self) -> None: ...


class Store(Protocol):
    def begin(self) -> AbstractContextManager[Transaction]:
        """A write transaction: commits on leaving, rolls back on an exception."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A snapshot; writing in it MUST fail."""

    def feed(self) -> ChangeFeed: ...
    def close(self) -> None: ...
