"""From a publisher's client into a draft, and from the draft to a release: rights, bytes and records in their order.

Bytes are stored before the catalogue names them, and the catalogue names only what is stored: when what follows fails,
contents that came with it go again unless something else has them. Every method runs in a thread.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from catalog.actions import drafts, publish
from catalog.actions.authority import ANYONE, authorise, in_person
from catalog.errors import Conflict, Flaw, Invalid, Wrong
from catalog.policy import card as cards
from catalog.policy import names, packing
from catalog.policy.media import media_type
from catalog.policy.roles import Act
from catalog.ports import Clock, NewId, Store, Transaction
from catalog.vocabulary import Actor, Asset, Content, Item, Kind, Version
from gateway.blobs.base import CHUNK, BlobMismatch, BlobMissing, BlobsFull, Originals, Source
from gateway.blobs.room import room_needed
from gateway.pickles.examine import examine
from gateway.shards import pack_draft
from gateway.uploads import ndjson
from gateway.uploads.staging import Staging
from gateway.uploads.tickets import LIFE, Ticket, Tickets

MIB = 1024 * 1024
INSIDE_MOST = 100 * MIB  # bytes of a file inside a commit
WHOLE_MOST = 64 * MIB  # a content up to this size comes in one request
PART = 64 * MIB
PARTS_MOST = 1000
CARD_MOST = 4 * MIB
LOOKERS = 16
TOGETHER = 200  # contents that are deleted in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A content that a client has and would send."""

    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about it: send it with this ticket, or nothing since it is there, or never: `why`."""

    wanted: Wanted
    ticket: Ticket | None = None
    why: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A draft before its release; `wrong` is what it lacks, `publication` None when its card cannot be read."""

    draft: drafts.Draft
    items: Sequence[Item]
    publication: publish.Publication | None
    wrong: Mapping[str, Flaw]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What whoever releases says beside the card: each may be left out where the card's head says it.

    `pack` None packs datasets of many small files.
    """

    warrant: Mapping[str, object] | None = None
    terms_id: str | None = None
    tag: str | None = None
    data_class: str | None = None
    pack: bool | None = None


class Uploads:
    """`most` is the size of the largest content, in bytes."""

    def __init__(
        self,
        store: Store,
        originals: Originals,
        staging: Staging,
        tickets: Tickets,
        *,
        most: int,
        previews_per_version: int,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._originals = originals
        self._staging = staging
        self._tickets = tickets
        self._most = most
        self._previews = previews_per_version
        self._clock = clock
        self._new_id = new_id

    def plan(
        self, actor: Actor, kind: Kind, ns: str, name: str, wanted: Sequence[Wanted], *, in_parts: bool
    ) -> list[Plan]:
        """What to do about each content; `in_parts` where the client can send one so.

        Opens the draft when there is none. Raises Denied, NotFound.
        """
        now = self._clock()
        digests = [one.sha256 for one in wanted]
        with self._store.begin() as tx:
            asset = drafts.writable(tx, actor, kind, ns, name)
            draft = drafts.opened(tx, actor, asset, now=now, new_id=self._new_id)
            known = tx.uploads.known(asset.id, draft.id, digests)
            barred = drafts.barred(tx, asset, digests)
        self._staging.sweep()
        plans = []
        for one in wanted:
            try:
                if one.sha256 in barred:
                    raise Conflict("content-stopped", path=one.sha256, count="1", notice=barred[one.sha256])
                if one.sha256 in known and known[one.sha256].size == one.size:
                    plans.append(Plan(wanted=one))
                    continue
                if one.size > self._most:
                    raise Invalid({one.sha256: Flaw(Wrong.AT_MOST, most=self._most)})
                self._staging.need_room(one.size)
            except (Conflict, Invalid, BlobsFull) as error:
                plans.append(Plan(wanted=one, why=error))
                continue
            plans.append(Plan(wanted=one, ticket=self._ticket(actor, draft, one, now, in_parts=in_parts)))
        return plans

    def signed(self, ticket: Ticket) -> str:
        return self._tickets.sign(ticket)

    def ticket(self, text: str) -> Ticket:
        """Raises BadTicket; Denied when whose it is may no longer send; NotFound, Conflict when the draft is none."""
        ticket = self._tickets.read(text, self._clock())
        with self._store.read() as tx:
            publish.draft_of(tx, authorise(tx, _holder(tx, ticket), Act.PUBLISH), ticket.version_id)
        return ticket

    def put(self, ticket: Ticket, source: Source) -> None:
        """The whole content. Raises BlobMismatch for any other bytes, of which none are kept; BlobsFull."""
        self._staging.need_room(ticket.size)
        with self._undone() as fresh:
            if not self._originals.exists(ticket.sha256):
                fresh.add(ticket.sha256)
            stored = self._originals.put(source, ticket.size, sha256=ticket.sha256)
            content = Content(sha256=stored.sha256, git_sha1=stored.git_sha1, size=stored.size)
            with self._store.begin() as tx:
                self._check_there([stored.sha256])
                drafts.record(tx, _holder(tx, ticket), ticket.version_id, content, now=self._clock())

    def put_part(self, ticket: Ticket, number: int, source: Source) -> None:
        """One part, from 1 on; durable on return. Raises BlobMismatch, BlobsFull."""
        if not 1 <= number <= ticket.parts:
            raise BlobMismatch(f"there are {ticket.parts} parts")
        start = (number - 1) * ticket.part
        size = min(ticket.part, ticket.size - start)
        self._staging.need_room(size)
        self._staging.write(ticket.staged, start, size, source)

    def complete(self, ticket: Ticket) -> None:
        """All parts are there. Raises BlobMismatch when together they are not the content: then they go."""
        try:
            with self._staging.open(ticket.staged) as whole:
                self.put(ticket, whole)
        except BlobMismatch:
            self._staging.drop(ticket.staged)
            raise
        self._staging.drop(ticket.staged)

    def commit(
        self,
        actor: Actor,
        kind: Kind,
        ns: str,
        name: str,
        source: Source,
        version_of: Callable[[str, Sequence[str]], str],
    ) -> Version:
        """Read a commit and change the draft by it, wholly or not at all.

        `version_of` says which version a commit's name means. Raises Invalid, Denied, NotFound, Conflict, BlobsFull.
        """
        with self._store.read() as tx:  # before a byte is read
            drafts.writable(tx, actor, kind, ns, name)
        changes: list[drafts.Change] = []
        sent: dict[str, Content] = {}
        parent: str | None = None
        with room_needed(), self._undone() as fresh:
            for operation in ndjson.Commit(source, self._staging.spool, INSIDE_MOST).operations():
                match operation:
                    case ndjson.Header():
                        parent = operation.parent
                    case ndjson.File(path=path, content=spooled, size=size):
                        names.file_path(path)
                        with spooled:
                            content = self._take(spooled, size, fresh)
                        sent[content.sha256] = content
                        changes.append(drafts.Write(path=path, sha256=content.sha256, size=size))
                    case ndjson.Reference(path=path, sha256=sha256, size=size):
                        changes.append(drafts.Write(path=path, sha256=sha256, size=size))
                    case ndjson.Deletion(path=path, folder=folder):
                        changes.append(drafts.Remove(path=path, folder=folder))
            with self._store.begin() as tx:
                asset = drafts.writable(tx, actor, kind, ns, name)
                self._check_there(sent)
                if parent is not None:
                    parent = version_of(parent, [version.id for version in tx.assets.versions(asset.id)])
                return drafts.commit(
                    tx,
                    actor,
                    asset,
                    changes,
                    list(sent.values()),
                    parent=parent,
                    now=self._clock(),
                    new_id=self._new_id,
                )

    def look(self, actor: Actor, version_id: str, choice: Choice) -> Seen:
        """A draft, and what a release with this choice would still lack. Raises NotFound, Denied."""
        with self._store.read() as tx:
            draft, items = drafts.look(tx, actor, version_id)
            wrong = {} if items else {"items": Flaw(Wrong.NO_ITEMS)}
            for path, notice in publish.stopped_in(tx, draft.asset, version_id).items():
                wrong[ascii(path)] = Flaw(Wrong.STOPPED, notice=notice)
            try:
                publication = self._publication(draft.asset, tx.assets.item(version_id, names.CARD), choice)
                wrong |= publish.vouched_for(tx, publication)[1]
                names.no_collisions(item.path for item in items)
            except Invalid as error:
                return Seen(draft=draft, items=items, publication=None, wrong=wrong | error.fields)
        return Seen(draft=draft, items=items, publication=publication, wrong=wrong)

    def release(
        self, actor: Actor, version_id: str, choice: Choice, on_bytes: Callable[[int], None] = lambda count: None
    ) -> publish.Released:
        """Release the draft, its card completed and its small files packed.

        `on_bytes` is told of each byte that is packed. Raises what `publish.release` raises; then it stays a draft.
        """
        with self._store.read() as tx:
            draft, _ = drafts.look(tx, actor, version_id)
            card = tx.assets.item(version_id, names.CARD)
            publication = self._publication(draft.asset, card, choice)
            wrong = publish.vouched_for(tx, publication)[1]
        if wrong:
            raise Invalid(wrong, "warrant-incomplete")  # before the long work, not after it
        if draft.asset.kind is Kind.MODEL:
            examine(self._store, self._originals, actor, version_id, clock=self._clock)
        with self._store.read() as tx:
            items = tx.assets.items(version_id)
        files = {item.path: item for item in items if item.shard is None}
        wanted = choice.pack if draft.asset.kind is Kind.DATASET else bool(choice.pack)
        plan = packing.plan(
            (packing.File(item.path, item.size) for item in files.values()), publication.card, wanted=wanted
        )
        shards = {packing.shard_path(s.number, s.split, [files[path] for path in s.paths]) for s in plan.slots}
        if plan.card or card is not None:
            # What is stored is what is served: the card is completed before it is hashed, never on its way out.
            publication = replace(publication, card=publish.whole_card(replace(publication, card=plan.card)))
            card = self._replaced(actor, draft, card, publication.card)
            if draft.asset.kind is Kind.MODEL:
                examine(self._store, self._originals, actor, version_id, clock=self._clock, only={names.CARD})
        with room_needed():
            pack_draft(self._store, self._originals, actor, version_id, plan.slots, on_bytes)
        with self._store.begin() as tx:
            self._check_unmoved(tx, draft, card)
            if plan.slots:
                self._check_packed(tx, draft, _beside_card(items), shards)
            leftover = [*tx.uploads.sent(version_id), *(item.sha256 for item in items if item.shard is not None)]
            released = publish.release(
                tx, actor, version_id, publication, previews_per_version=self._previews, now=self._clock()
            )
        self._sweep(leftover)
        return replace(released, warnings=(*plan.warnings, *released.warnings))

    def _replaced(self, actor: Actor, draft: drafts.Draft, card: Item | None, text: str) -> Item:
        """The card with this text in the draft. Raises Conflict when another came meanwhile."""
        with self._undone() as fresh:
            whole = self._stored_card(text, fresh)
            with self._store.begin() as tx:
                self._check_unmoved(tx, draft, card)
                self._check_there([whole.sha256])
                publish.add_items(tx, actor, draft.version.id, [whole])
        self._sweep([] if card is None else [card.sha256])
        return whole

    def _check_unmoved(self, tx: Transaction, draft: drafts.Draft, card: Item | None) -> None:
        """What the card vouches for is what whoever releases has seen. Raises Conflict."""
        if tx.assets.item(draft.version.id, names.CARD) != card:
            raise Conflict("draft-moved", asset=draft.asset.full_name)

    def _check_packed(
        self, tx: Transaction, draft: drafts.Draft, files: set[tuple[str, str]], shards: set[str]
    ) -> None:
        """The draft holds these files beside its card, and their shards. Raises Conflict."""
        now = tx.assets.items(draft.version.id)
        if _beside_card(now) != files or {item.path for item in now if item.shard is not None} != shards:
            raise Conflict("draft-moved", asset=draft.asset.full_name)

    def discard(self, actor: Actor, version_id: str) -> None:
        """The draft is no more; bytes that nothing else has go too. Raises NotFound, Denied."""
        with self._store.begin() as tx:
            digests = drafts.discard(tx, actor, version_id, now=self._clock())
        self._sweep(digests)

    def _ticket(self, actor: Actor, draft: Version, wanted: Wanted, now: datetime, *, in_parts: bool) -> Ticket:
        if actor.account is None:
            raise LookupError("a ticket is made for an account")
        part = 0 if wanted.size <= WHOLE_MOST or not in_parts else max(PART, -(-wanted.size // PARTS_MOST))
        until = int((now + LIFE).timestamp())
        return Ticket(draft.id, wanted.sha256, wanted.size, actor.account.id, actor.token_id, part, until)

    def _take(self, spooled: BinaryIO, size: int, fresh: set[str]) -> Content:
        """Store a content that is here as a file. Raises BlobsFull."""
        digest = hashlib.sha256()
        while piece := spooled.read(CHUNK):
            digest.update(piece)
        spooled.seek(0)
        if not self._originals.exists(digest.hexdigest()):
            self._staging.need_room(size)
            fresh.add(digest.hexdigest())
        stored = self._originals.put(spooled, size, sha256=digest.hexdigest())
        return Content(sha256=stored.sha256, git_sha1=stored.git_sha1, size=stored.size)

    def _publication(self, asset: Asset, card: Item | None, choice: Choice) -> publish.Publication:
        """Raises Invalid when the card cannot be read."""
        text = "" if card is None else self._text(card)
        said = cards.vouched(text)
        return publish.Publication(
            kind=asset.kind,
            full_name=asset.full_name,
            terms_id=choice.terms_id or said.terms_id,
            warrant=said.warrant if choice.warrant is None else choice.warrant,
            class_override=choice.data_class,
            tag=choice.tag or said.tag,
            card=text,
        )

    def _text(self, card: Item) -> str:
        if card.size > CARD_MOST:
            raise Invalid({names.CARD: Flaw(Wrong.AT_MOST, most=CARD_MOST)})
        blob = self._originals.open(card.sha256)
        try:
            return blob.read(0, blob.size).decode()
        except UnicodeDecodeError as error:
            raise Invalid({names.CARD: Flaw(Wrong.NOT_UTF8)}) from error
        finally:
            blob.close()

    def _stored_card(self, text: str, fresh: set[str]) -> Item:
        data = text.encode()
        content = self._take(io.BytesIO(data), len(data), fresh)
        return Item(
            path=names.CARD,
            size=content.size,
            sha256=content.sha256,
            git_sha1=content.git_sha1,
            media_type=media_type(names.CARD),
        )

    def _check_there(self, digests: Collection[str]) -> None:
        """Inside the transaction that will name them: a sweep may have come between. Raises BlobMissing."""
        with ThreadPoolExecutor(LOOKERS) as pool:
            for digest, there in zip(digests, pool.map(self._originals.exists, digests), strict=True):
                if not there:
                    raise BlobMissing(digest)

    @contextmanager
    def _undone(self) -> Iterator[set[str]]:
        """Contents that were put in while the block ran, as the block tells, go again when it fails."""
        fresh: set[str] = set()
        try:
            yield fresh
        except BaseException:
            self._sweep(fresh)
            raise

    def _sweep(self, digests: Iterable[str]) -> None:
        """Delete the contents among these that nothing in the catalogue names."""
        told = sorted(set(digests))
        for start in range(0, len(told), TOGETHER):
            # Inside a writing transaction: whoever would name one of them meanwhile looks for it in another, later one.
            with self._store.begin() as tx:
                for digest in tx.uploads.unused(told[start : start + TOGETHER]):
                    self._originals.delete(digest)


def _beside_card(items: Sequence[Item]) -> set[tuple[str, str]]:
    """The files that somebody sent: path and digest."""
    return {(item.path, item.sha256) for item in items if item.shard is None and item.path != names.CARD}


def _holder(tx: Transaction, ticket: Ticket) -> Actor:
    """Whoever the ticket was made for, as they stand now; nobody when the account is gone."""
    account = tx.accounts.get(ticket.account_id)
    return ANYONE if account is None else replace(in_person(account), token_id=ticket.token_id)
