"""Bytes: one item, or an archive of many. From the decision to the settled delivery row."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from catalog.actions.deliver import Access
from catalog.errors import CatalogUnavailable
from catalog.policy.access import Ground
from catalog.policy.globs import Globs
from catalog.policy.recall import EMPTY_ARCHIVE
from catalog.vocabulary import Actor, Delivery, DeliveryEnd, Door, Item, Settlement, Version
from gateway.blobs.base import Blob, Originals
from gateway.streams.archive import Member, archive_size, send_archive
from gateway.streams.body import Ended, Outcome, connection_of, send_blob
from gateway.streams.caps import Caps
from gateway.streams.extensions import WHOLE
from gateway.streams.ranges import Header, Plan, etag_of, evaluate
from gateway.streams.registry import Registry, Stopped, Stream
from gateway.streams.watcher import Watcher
from gateway.streams.zip import Layout, send_zip
from gateway.web.context import Catalogue
from gateway.web.deliveries import DeliveryWriter
from gateway.web.fetches import Fetches

Transfer = Callable[[Stream], Awaitable[Outcome]]
Abort = Callable[[], None]

WITHHELD = ".hubgate-withheld.json"  # the last member of an archive from which items were left out
DECIDE_AGAIN = 3  # a stop that commits while a request is being decided makes it decide once more
PRIVATE: tuple[Header, ...] = (
    (b"cache-control", b"private, no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
IDS = 16**10
KEPT_HEADERS = 4096  # an item's headers never change; a small file is often asked for again
PRINTABLE = frozenset(map(chr, range(0x20, 0x7F))) - {'"', "\\", "%"}


class Decided(NamedTuple):
    """A decision, the catalogue's generation from before it was made, and what it lets go out: that and no more."""

    access: Access
    generation: int
    start: int
    stop: int
    transfer: Transfer


NOTHING = Outcome(sent=0, acknowledged=0, ended=Ended.GONE)

Decide = Callable[[], Awaitable[Decided]]


def tag_of(item: Item) -> str:
    return etag_of(item.sha256)


def nothing_more(item: Item) -> Sequence[Header]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One item, as a dialect names it: all that a dialect has a say in. `version` is an id, a tag or `main`.

    `etag` is the item's strong entity tag, `headers` what goes with the bytes beside the headers that all items have.
    """

    ns: str
    name: str
    version: str
    path: str
    etag: Callable[[Item], str] = tag_of
    headers: Callable[[Item], Sequence[Header]] = nothing_more


class Packed(NamedTuple):
    """A number of items as one stream: its size, and who sends it."""

    size: int
    send: Callable[..., Awaitable[Outcome]]


class Form(NamedTuple):
    """How items become one stream: what it is called, and who lays it out."""

    suffix: str
    media_type: bytes
    pack: Callable[[Access, Sequence[Member], tuple[str, bytes] | None], Packed]


class Pack(NamedTuple):
    """Many items of a version, as a dialect names them; without `include`, all."""

    ns: str
    name: str
    version: str
    include: Sequence[str]
    form: Form


class Downloads:
    """The only handlers that reach originals."""

    def __init__(
        self,
        catalogue: Catalogue,
        originals: Originals,
        registry: Registry,
        caps: Caps,
        watcher: Watcher,
        deliveries: DeliveryWriter,
    ) -> None:
        self._catalogue = catalogue
        self._originals = originals
        self._registry = registry
        self._caps = caps
        self._watcher = watcher
        self._deliveries = deliveries
        self._fetches = Fetches(catalogue)
        self._count = int(catalogue.new_id(10), 16)

    async def file(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """GET and HEAD of one item."""
        where: Mapping[str, str] = scope["path_params"]
        wanted = Wanted(ns=where["ns"], name=where["name"], version=where["version"], path=where["path"])
        await self.item(scope, send, actor, wanted)

    async def item(self, scope: Scope, send: Send, actor: Actor, wanted: Wanted) -> None:
        """Answer GET or HEAD with one item, whole or a range. Raises Denied before anything is sent."""
        generation = self._catalogue.generation
        access = await self._catalogue.item(actor, wanted.ns, wanted.name, wanted.version, wanted.path)
        item = _item(access)
        plan = evaluate(scope["method"], scope["headers"], size=item.size, etag=wanted.etag(item))
        headers = (*item_headers(access, item), *wanted.headers(item))
        if scope["method"] == "HEAD" or plan.length == 0:
            await self._bare(scope, send, plan, headers)
            return

        async def transfer(stream: Stream) -> Outcome:
            blob = await self._open(item)
            try:
                return await send_blob(
                    scope, send, blob=blob, plan=plan, headers=headers, stream=stream, may_send=self._watcher.may_send
                )
            finally:
                blob.close()

        async def decide() -> Decided:
            # Whatever is decided again is about these bytes: `main` may have moved on meanwhile.
            generation = self._catalogue.generation
            again = await self._catalogue.item(actor, wanted.ns, wanted.name, _version(access).id, wanted.path)
            return Decided(again, generation, plan.start, plan.stop, transfer)

        await self._stream(
            scope, actor, Decided(access, generation, plan.start, plan.stop, transfer), decide, include=None
        )

    async def archive(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """GET and HEAD of a tar of the items that `include` selects; stopped ones are named in its last member."""
        where: Mapping[str, str] = scope["path_params"]
        include = tuple(Request(scope).query_params.getlist("include"))
        await self.pack(scope, send, actor, Pack(where["ns"], where["name"], where["version"], include, TAR))

    async def pack(self, scope: Scope, send: Send, actor: Actor, wanted: Pack) -> None:
        """Answer GET or HEAD with many items in one stream. Raises Denied before anything is sent."""

        async def decide(ref: str) -> Decided:
            """Chooses anew each time: an item that was stopped while the request waited for its turn stays out."""
            generation = self._catalogue.generation
            access, ground = await self._catalogue.access(actor, Door.BYTES, wanted.ns, wanted.name, ref)
            items, last = select(await self._catalogue.manifest(ground), ground, wanted.include)
            members = [Member(path=i.path, size=i.size, open=partial(self._originals.open, i.sha256)) for i in items]
            packed = wanted.form.pack(access, members, last)
            transfer = partial(
                packed.send, scope, send, headers=pack_headers(access, wanted.form), may_send=self._watcher.may_send
            )
            return Decided(access, generation, 0, packed.size, lambda stream: transfer(stream=stream))

        decided = await decide(wanted.version)
        if scope["method"] == "HEAD":
            whole = Plan(status=HTTPStatus.OK, start=0, stop=decided.stop, headers=())
            await self._bare(scope, send, whole, pack_headers(decided.access, wanted.form))
            return
        again = partial(decide, _version(decided.access).id)
        await self._stream(scope, actor, decided, again, include=wanted.include)

    async def _stream(
        self, scope: Scope, actor: Actor, decided: Decided, decide: Decide, *, include: Sequence[str] | None
    ) -> None:
        """Register, write the delivery down, send, settle: the order that loses nothing and sends nothing too much."""
        link = connection_of(scope)
        client = scope.get("client")
        account_id = "" if actor.account is None else actor.account.id
        async with self._caps.admit(account=account_id, address=client[0] if client else ""):
            # The wait for a place may have been long: what was decided before it may hold no more.
            abort = (lambda: None) if link is None else link.abort
            decided, stream = await self._register(actor, decided, decide, abort)
            try:
                delivery = self._delivery(decided, actor, include)
                item = decided.access.item
                if item is None:
                    await self._deliveries.started(delivery)
                    await self._deliver(delivery, decided.transfer, stream)
                    return
                delivery = await self._fetches.begin(delivery, item.path, item.size)
                try:
                    await self._deliveries.started(delivery)
                except BaseException:
                    self._fetches.forget(delivery, item.path)
                    raise
                outcome = NOTHING
                try:
                    outcome = await self._deliver(delivery, decided.transfer, stream)
                finally:
                    cut = outcome.ended is Ended.CUT
                    self._fetches.end(delivery, item.path, outcome.acknowledged, cut=cut)
            finally:
                stream.close()

    async def _deliver(self, delivery: Delivery, transfer: Transfer, stream: Stream) -> Outcome:
        """Send, and have it settled what became of it."""
        outcome = NOTHING
        try:
            outcome = await transfer(stream)
        finally:
            self._deliveries.ended(
                Settlement(
                    delivery_id=delivery.id,
                    acknowledged=outcome.acknowledged,
                    end=DeliveryEnd(outcome.ended.value),
                    ended_at=self._catalogue.now(),
                )
            )
        return outcome

    async def _register(self, actor: Actor, decided: Decided, decide: Decide, abort: Abort) -> tuple[Decided, Stream]:
        for _ in range(DECIDE_AGAIN):
            if decided.generation != self._catalogue.generation:
                decided = await decide()
            access = decided.access
            try:
                return decided, self._registry.register(access.subjects(actor), access.decision.as_of, abort)
            except Stopped:
                decided = decided._replace(generation=-1)
        raise CatalogUnavailable()

    def _delivery(self, decided: Decided, actor: Actor, include: Sequence[str] | None) -> Delivery:
        access = decided.access
        if actor.account is None or access.asset is None or access.version is None:
            raise CatalogUnavailable()  # no decision opens this door without the three
        now = self._catalogue.now()
        return Delivery(
            id=self._next_id(now),
            account_id=actor.account.id,
            token_id=actor.token_id,
            asset_id=access.asset.id,
            version_id=access.version.id,
            path=None if access.item is None else access.item.path,
            include=None if include is None else json.dumps(list(include), ensure_ascii=False),
            start=decided.start,
            stop=decided.stop,
            as_of=access.decision.as_of,
            started_at=now,
        )

    def _next_id(self, now: datetime) -> str:
        """By time: new rows lie side by side in the index, so that a commit writes fewer pages.

        Then from a number by chance on, so that no two processes give the same; asking for chance anew costs a system
        call, in which another thread may take the interpreter.
        """
        self._count = (self._count + 1) % IDS
        return f"{int(now.timestamp() * 1e6):014x}{self._count:010x}"

    async def _open(self, item: Item) -> Blob:
        if self._originals.opens_at_once:
            return self._originals.open(item.sha256)
        return await anyio.to_thread.run_sync(self._originals.open, item.sha256)

    async def _bare(self, scope: Scope, send: Send, plan: Plan, headers: Sequence[Header]) -> None:
        """The head alone: for HEAD, and for answers without a body."""
        self._may_answer()
        head = [*headers, *plan.headers]
        length = None if plan.status == HTTPStatus.NOT_MODIFIED else plan.length
        if WHOLE in scope.get("extensions", {}):
            await send({"type": WHOLE, "status": plan.status, "headers": head, "body": b"", "length": length})
            return
        if length is not None:
            head.append((b"content-length", b"%d" % length))
        await send({"type": "http.response.start", "status": plan.status, "headers": head})
        await send({"type": "http.response.body", "body": b""})

    def _may_answer(self) -> None:
        """A replica that no longer hears of stops tells nothing of what it once knew."""
        if not self._watcher.may_send():
            raise CatalogUnavailable()


def _item(access: Access) -> Item:
    if access.item is None:
        raise CatalogUnavailable()  # a granted item is always there
    return access.item


def _version(access: Access) -> Version:
    if access.version is None:
        raise CatalogUnavailable()  # nor is it without its version
    return access.version


def item_headers(access: Access, item: Item) -> tuple[Header, ...]:
    """What goes with an item's bytes, whole or in part: type, digest, date and name, and that nobody may keep it."""
    published_at = None if access.version is None else access.version.published_at
    return _headers(item.path.rpartition("/")[2], item.sha256, item.media_type, published_at)


@lru_cache(maxsize=KEPT_HEADERS)
def _headers(name: str, sha256: str, media_type: str, published_at: datetime | None) -> tuple[Header, ...]:
    dated: tuple[Header, ...] = ()
    if published_at is not None:
        dated = ((b"last-modified", format_datetime(published_at, usegmt=True).encode()),)
    return (
        (b"content-type", media_type.encode()),
        (b"repr-digest", b"sha-256=:%s:" % base64.b64encode(bytes.fromhex(sha256))),
        (b"content-disposition", disposition(name)),
        *dated,
        *PRIVATE,
    )


def pack_headers(access: Access, form: Form) -> list[Header]:
    name = "archive" if access.asset is None else access.asset.name
    return [(b"content-type", form.media_type), (b"content-disposition", disposition(name + form.suffix)), *PRIVATE]


def tarred(access: Access, members: Sequence[Member], last: tuple[str, bytes] | None) -> Packed:
    mtime = _published(access)
    return Packed(archive_size(members, last, mtime), partial(send_archive, members=members, last=last, mtime=mtime))


def zipped(access: Access, members: Sequence[Member], last: tuple[str, bytes] | None) -> Packed:
    """Below one folder that is named after the asset and the version; the version's id is the archive's comment."""
    version = _version(access).id
    name = "archive" if access.asset is None else access.asset.name
    layout = Layout(
        members=members,
        last=last,
        folder=f"{name}-{version}",
        mtime=_published(access),
        # The ledger takes an archive that is no longer than an empty tar for an empty one: this one never is.
        comment=version.encode().ljust(EMPTY_ARCHIVE if members else 0),
    )
    return Packed(layout.size, partial(send_zip, layout=layout))


TAR = Form(".tar", b"application/x-tar", tarred)
ZIP = Form(".zip", b"application/zip", zipped)


def _published(access: Access) -> int:
    published_at = _version(access).published_at
    return 0 if published_at is None else int(published_at.timestamp())


def disposition(name: str) -> bytes:
    """Always a download (RFC 6266): an ASCII name for old clients, the true one beside it."""
    plain = "".join(character if character in PRINTABLE else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()


def select(
    manifest: Mapping[str, Item], ground: Ground, include: Sequence[str]
) -> tuple[list[Item], tuple[str, bytes] | None]:
    """The items that may be served, and a last member that names the chosen ones that may not.

    Shards hold what is chosen already, and come only to those who ask for some files by name.
    """
    globs = Globs(include)
    chosen = [item for item in manifest.values() if (include or item.shard is None) and globs.choose(item.path)]
    stopped = [
        {"path": item.path, "state": ground.stopped[item.sha256].state.value}
        for item in chosen
        if item.sha256 in ground.stopped
    ]
    served = [item for item in chosen if item.sha256 not in ground.stopped]
    if not stopped:
        return served, None
    return served, (WITHHELD, json.dumps({"items": stopped}, ensure_ascii=False).encode() + b"\n")
