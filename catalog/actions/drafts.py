"""A draft that grows by commits, as clients of foreign dialects send them, until somebody releases it.

Nothing in a draft is served to anyone; its list is for its publisher and for operators. A new draft of an asset that is
served begins with what is served, so a commit changes it as it would change a repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.actions import deliver, publish
from catalog.actions.authority import authorise
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.policy import card as cards
from catalog.policy import names
from catalog.policy.media import media_type
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Account, Actor, Asset, Content, Door, Item, Kind, Reason, Role, Version, VersionState

MAX_ITEMS = 1_000_000  # of a version
BARRED_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """The path holds this content from now on; `size` is what was announced, None where nothing was."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Without this file, or with `folder` without all that lies below the path. What is not there is not missed."""

    path: str
    folder: bool = False


Change = Write | Remove


def writable(tx: Transaction, actor: Actor, kind: Kind, ns: str, name: str) -> Asset:
    """The asset, for those who may change it.

    Raises Denied; NotFound where there is none of that kind, or one that the actor cannot see.
    """
    publisher = authorise(tx, actor, Act.PUBLISH)
    asset = tx.assets.named(ns, name)
    if asset is None or asset.kind is not kind or not _sees(tx, actor, publisher, asset):
        raise NotFound()
    publish.check_owner(tx, publisher, asset)
    return asset


def create(
    tx: Transaction, actor: Actor, kind: Kind, full_name: str, *, now: datetime, new_id: NewId
) -> tuple[Asset, bool]:
    """The asset with an empty draft; False when it was there already. Raises Invalid, Denied, Conflict."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    ns, name = names.asset_name(full_name)
    found = tx.assets.named(ns, name)
    if found is None:
        publish.open_draft(tx, actor, kind, full_name, now=now, new_id=new_id)
        made = tx.assets.named(ns, name)
        if made is None:
            raise NotFound()
        return made, True
    publish.check_owner(tx, publisher, found)
    if found.kind is not kind:
        raise Conflict("other-kind", asset=full_name, kind=found.kind.value)
    return found, False


def opened(tx: Transaction, actor: Actor, asset: Asset, *, now: datetime, new_id: NewId) -> Version:
    """The asset's draft; a new one begins with what is served of `main`. Raises Denied."""
    there = tx.assets.draft(asset.id)
    draft = publish.open_draft(tx, actor, asset.kind, asset.full_name, now=now, new_id=new_id)
    if there is None:
        tx.assets.add_items(draft.id, _served(tx, asset))
    return draft


def base(tx: Transaction, asset: Asset) -> Version | None:
    """What a commit changes: the draft, or while there is none what is served."""
    draft = tx.assets.draft(asset.id)
    return draft if draft is not None else _served_main(tx, asset)


def present(tx: Transaction, asset: Asset, paths: Sequence[str]) -> dict[str, Item]:
    """Those of the paths that a commit would find there."""
    version = base(tx, asset)
    if version is None:
        return {}
    stopped = tx.stops.stopped(asset.id) if version.state is VersionState.PUBLISHED else {}
    found = [tx.assets.item(version.id, path) for path in paths]
    return {item.path: item for item in found if item is not None and item.sha256 not in stopped}


def barred(tx: Transaction, asset: Asset, digests: Sequence[str]) -> Mapping[str, str]:
    """Contents that could not be published under any name, each with its notice; better said before they are sent."""
    return tx.recalls.barred_contents(asset.id, digests, BARRED_SHOWN)


def record(tx: Transaction, actor: Actor, version_id: str, content: Content, *, now: datetime) -> None:
    """Bytes have come for the draft. Raises Denied, NotFound, Conflict."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    publish.draft_of(tx, publisher, version_id)
    tx.uploads.add(version_id, [content], now)


def commit(
    tx: Transaction,
    actor: Actor,
    asset: Asset,
    changes: Sequence[Change],
    sent: Sequence[Content],
    *,
    parent: str | None,
    now: datetime,
    new_id: NewId,
) -> Version:
    """Change the draft, wholly or not at all. `sent` are the contents that came with the commit itself.

    `parent` is the version that whoever made the commit had before their eyes. Raises Denied; Conflict when that is
    another, or when content comes in that was stopped; Invalid for content that nobody sent for this draft.
    """
    before = base(tx, asset)
    draft = opened(tx, actor, asset, now=now, new_id=new_id)
    if parent is not None and parent != draft.id and (before is None or parent != before.id):
        raise Conflict("parent-moved", asset=asset.full_name)
    known = {content.sha256: content for content in sent}
    named = {change.sha256 for change in changes if isinstance(change, Write)} - known.keys()
    known |= tx.uploads.known(asset.id, draft.id, sorted(named))
    after: dict[str, Item | None] = {}
    for change in changes:
        if isinstance(change, Write):
            after[names.file_path(change.path)] = _item(change, known.get(change.sha256))
        elif change.folder:
            below = names.item_path(change.path) + "/"
            gone = [item.path for item in tx.assets.items(draft.id) if item.path.startswith(below)]
            after |= dict.fromkeys([*gone, *(path for path in after if path.startswith(below))])
        else:
            after[names.item_path(change.path)] = None
    tx.assets.remove_items(draft.id, [path for path, item in after.items() if item is None])
    tx.assets.add_items(draft.id, [item for item in after.values() if item is not None])
    if tx.assets.sum_items(draft.id)[0] > MAX_ITEMS:
        raise Invalid({"items": Flaw(Wrong.AT_MOST, most=MAX_ITEMS)})
    publish.refuse_what_was_stopped(tx, asset, draft.id, after)
    tx.uploads.add(draft.id, sent, now)
    return draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft before the eyes of those who may release it."""

    asset: Asset
    version: Version
    publisher: str  # name
    items: int
    size: int  # bytes


def drafts(tx: Transaction, actor: Actor) -> list[Draft]:
    """One's own, newest first; to an operator all. Raises Denied."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    every = publisher.role is Role.OPERATOR
    return [_draft(tx, *pair) for pair in tx.assets.drafts() if every or pair[0].publisher_id == publisher.id]


def look(tx: Transaction, actor: Actor, version_id: str) -> tuple[Draft, Sequence[Item]]:
    """A draft with its items. Raises Denied; NotFound also for another's, and once it is released."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    version = tx.assets.version(version_id)
    asset = None if version is None else tx.assets.get(version.asset_id)
    if version is None or asset is None or version.state is not VersionState.DRAFT:
        raise NotFound()
    if asset.publisher_id != publisher.id and publisher.role is not Role.OPERATOR:
        raise NotFound()
    return _draft(tx, asset, version), tx.assets.items(version_id)


def released_as(tx: Transaction, actor: Actor, version_id: str) -> str:
    """The name of one's own asset that a former draft was released into. Raises Denied, NotFound."""
    publisher = authorise(tx, actor, Act.PUBLISH)
    version = tx.assets.version(version_id)
    asset = None if version is None else tx.assets.get(version.asset_id)
    own = asset is not None and (asset.publisher_id == publisher.id or publisher.role is Role.OPERATOR)
    if version is None or asset is None or not own or version.state is VersionState.DRAFT:
        raise NotFound()
    return asset.full_name


def discard(tx: Transaction, actor: Actor, version_id: str, *, now: datetime) -> list[str]:
    """The draft is no more: the next one begins anew with what is served.

    Gives the digests of what was in it or sent for it. Raises what `look` raises.
    """
    publisher = authorise(tx, actor, Act.PUBLISH)
    _, items = look(tx, actor, version_id)
    digests = [*(item.sha256 for item in items), *tx.uploads.sent(version_id)]
    publish.end_draft(tx, publisher, version_id, now=now)
    return list(dict.fromkeys(digests))


def wanting(tx: Transaction, kind: Kind, card: str) -> dict[str, Flaw]:
    """What a card's head must still vouch for before a version with it can be released."""
    try:
        said = cards.vouched(card)
    except Invalid as error:
        return dict(error.fields)
    publication = publish.Publication(
        kind=kind, full_name="", terms_id=said.terms_id, warrant=said.warrant, class_override=None, tag=None, card=card
    )
    return publish.vouched_for(tx, publication)[1]


def _item(change: Write, content: Content | None) -> Item:
    if content is None:
        raise Invalid({ascii(change.path): Flaw(Wrong.NOT_SENT)})
    if change.size not in {None, content.size}:
        raise Invalid({ascii(change.path): Flaw(Wrong.OTHER_SIZE, size=content.size)})
    return Item(
        path=change.path,
        size=content.size,
        sha256=content.sha256,
        git_sha1=content.git_sha1,
        media_type=media_type(change.path),
    )


def _draft(tx: Transaction, asset: Asset, version: Version) -> Draft:
    publisher = tx.accounts.get(asset.publisher_id)
    count, size = tx.assets.sum_items(version.id)
    return Draft(
        asset=asset, version=version, publisher="" if publisher is None else publisher.name, items=count, size=size
    )


def _sees(tx: Transaction, actor: Actor, account: Account, asset: Asset) -> bool:
    if asset.publisher_id == account.id or account.role is Role.OPERATOR:
        return True
    ground = deliver.ground(tx, actor, ns=asset.ns, name=asset.name, ref=names.MAIN)
    return deliver.judge(ground, actor, Door.CARD).decision.reason is not Reason.NOT_FOUND


def _served_main(tx: Transaction, asset: Asset) -> Version | None:
    main = tx.assets.resolve(asset.id, names.MAIN)
    return main if main is not None and main.state is VersionState.PUBLISHED else None


def _served(tx: Transaction, asset: Asset) -> list[Item]:
    main = _served_main(tx, asset)
    stopped = tx.stops.stopped(asset.id)
    if main is None:
        return []
    # Without its shards: they hold what the draft may no longer have, and are made anew at its release.
    files = (item for item in tx.assets.items(main.id) if item.shard is None)
    return [replace(item, slot=None) for item in files if item.sha256 not in stopped]
