"""From the dialect's names (kind, repository, revision) to the catalogue's ground."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from catalog.actions import deliver
from catalog.errors import NotFound
from catalog.policy import names
from catalog.policy.access import Ground
from catalog.vocabulary import Actor, Asset, Door, Item, Kind, Reason, Scope, Version
from gateway.web.compat.hub import commits
from gateway.web.context import Catalogue, denied

Changes = tuple[tuple[str, ...], tuple[str, ...]]
Opening = tuple[str | None, str | None, frozenset[Scope], str, str, str, str]
K = TypeVar("K")
V = TypeVar("V")

KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET}  # spaces are known to the dialect, but there are none here
BRANCHES, TAGS = "refs/heads/", "refs/tags/"
KEPT = 4096
SHOWN = 200  # characters of a name that was never one, in the answer


class NoSuchRepository(NotFound):
    code = "no-such-repository"


class NoSuchRevision(NotFound):
    code = "no-such-revision"


class NoSuchEntry(NotFound):
    """`commit` is where it was looked for."""

    code = "no-such-entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository at a revision.

    `commit` is what an answer calls it: the commit that was asked for, or the present one of a branch or tag.
    `present` is the version's commit as things stand; another than `commit` when items were stopped meanwhile.
    """

    asset: Asset
    version: Version
    ground: Ground
    commit: str
    present: str
    missing: int  # items that are stopped

    @property
    def full_name(self) -> str:
        return self.asset.full_name


class Repositories:
    """All methods belong to the event loop's thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._versions: OrderedDict[tuple[str, str], str] = OrderedDict()  # (asset, derived commit) → version id
        self._changed: OrderedDict[tuple[tuple[str, int], frozenset[str]], Changes] = OrderedDict()
        self._opened: OrderedDict[Opening, tuple[int, Place]] = OrderedDict()  # with the generation it holds for

    async def at(self, actor: Actor, where: Mapping[str, str], revision: str | None = None) -> Place:
        """What anyone may know of the repository at the revision, by default the one of the address, else `main`.

        Raises NoSuchRepository, NoSuchRevision, and Denied when it is stopped.
        """
        asset = await self.asset(actor, where)
        revision = where.get("rev", names.MAIN) if revision is None else revision
        ref = await self._ref(asset, revision.removeprefix(BRANCHES).removeprefix(TAGS))
        ground = await self._catalogue.ground(actor, asset.ns, asset.name, ref)
        access = deliver.judge(ground, actor, Door.CARD)
        version = ground.version
        if version is None or access.decision.reason is Reason.NOT_FOUND:
            raise NoSuchRevision(asset=asset.full_name, revision=revision)
        if not access.decision.allowed:
            raise denied(access)
        missing, added = await self._changes(ground, version)
        present = commits.derived(version.id, missing, added)
        pinned = commits.COMMIT.fullmatch(revision) is not None
        return Place(
            asset=asset,
            version=version,
            ground=ground,
            commit=revision if pinned else present,
            present=present,
            missing=len(missing),
        )

    async def opened(self, actor: Actor, where: Mapping[str, str], revision: str | None = None) -> Place:
        """The same for those who may see its list of files. Raises Denied too.

        A client asks for one file after another: what it found is kept for it until anything in the catalogue moves.
        """
        generation = self._catalogue.generation
        account_id = None if actor.account is None else actor.account.id
        revision = where.get("rev", names.MAIN) if revision is None else revision
        key = (account_id, actor.token_id, actor.scopes, where["kind"], where["ns"], where["name"], revision)
        kept = self._opened.get(key)
        if kept is not None and kept[0] == generation:
            return kept[1]
        place = await self.at(actor, where, revision)
        access = deliver.judge(place.ground, actor, Door.MANIFEST)
        if not access.decision.allowed:
            raise denied(access)
        _keep(self._opened, key, (generation, place))
        return place

    def is_open(self, actor: Actor, place: Place) -> bool:
        return deliver.judge(place.ground, actor, Door.MANIFEST).decision.allowed

    async def items(self, place: Place) -> Mapping[str, Item]:
        """All items of the version by path, in order of path, stopped ones too."""
        return await self._catalogue.manifest(place.ground)

    async def asset(self, actor: Actor, where: Mapping[str, str], *, any_kind: bool = False) -> Asset:
        """The asset of the address, stopped or not. What cannot be seen looks like what is not there.

        Raises NoSuchRepository.
        """
        if not names.PART.fullmatch(where["ns"]) or not names.PART.fullmatch(where["name"]):
            raise NoSuchRepository(asset=f"{where['ns']}/{where['name']}"[:SHOWN])
        ground = await self._catalogue.ground(actor, where["ns"], where["name"], names.MAIN)
        asset = ground.asset
        hidden = deliver.judge(ground, actor, Door.CARD).decision.reason is Reason.NOT_FOUND
        if asset is None or hidden or not (any_kind or asset.kind is KINDS.get(where["kind"])):
            raise NoSuchRepository(asset=f"{where['ns']}/{where['name']}")
        return asset

    async def _ref(self, asset: Asset, revision: str) -> str:
        """The catalogue's name of a revision: a derived commit is its version. Raises NoSuchRevision."""
        if not names.TAG.fullmatch(revision):
            raise NoSuchRevision(asset=asset.full_name, revision=revision[:SHOWN])
        if commits.COMMIT.fullmatch(revision) is None:
            return revision
        key = (asset.id, revision)
        kept = self._versions.get(key)
        if kept is None:
            versions = await self._catalogue.read(lambda tx: tx.assets.versions(asset.id))
            kept = commits.version_of(revision, [version.id for version in versions])
            if kept is None:
                return revision
            _keep(self._versions, key, kept)
        return kept

    async def _changes(self, ground: Ground, version: Version) -> Changes:
        """What the version's files are not as they were released: digests that are not served, and of new shards."""
        if not ground.stopped and not version.packing:
            return (), ()
        key = (version.contents, frozenset(ground.stopped))
        kept = self._changed.get(key)
        if kept is None:
            items = (await self._catalogue.manifest(ground)).values()
            missing = {item.sha256 for item in items} & ground.stopped.keys()
            added = {item.sha256 for item in items if item.shard is not None and item.shard.without}
            kept = tuple(sorted(missing)), tuple(sorted(added - missing))
            _keep(self._changed, key, kept)
        return kept


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    if len(kept) > KEPT:
        kept.popitem(last=False)
