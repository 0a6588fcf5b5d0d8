"""What operators look at: the queue, one case, holds and proposals, accounts, events. Nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import previews
from catalog.actions.authority import authorise
from catalog.actions.complaints import subjects_named
from catalog.errors import CatalogError, NotFound
from catalog.policy import names
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.vocabulary import (
    Account,
    Actor,
    Asset,
    Complaint,
    ComplaintState,
    Event,
    ItemState,
    Notice,
    Release,
    ReleaseReason,
    StopReason,
    SubjectRef,
    VersionState,
)
from gateway.web.context import Catalogue
from gateway.web.operations import one_of
from gateway.web.render import Renderer

EVENTS = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """Something of a case that can be stopped, as it stands now; `picture` is the address of its blurred tile."""

    ref: SubjectRef
    scope: str  # asset, version or item
    state: str
    notice_id: str | None
    picture: str | None
    tile: int | None


@dataclass(frozen=True, slots=True)
class Case:
    complaint: Complaint
    notices: Sequence[Notice]
    subjects: list[Subject]
    decided_by: str | None


def queue(tx: Transaction, actor: Actor, state: ComplaintState | None) -> Sequence[Complaint]:
    authorise(tx, actor, Act.READ_QUEUE)
    return tx.complaints.queue(state)


def one_case(tx: Transaction, actor: Actor, case: str) -> Case:
    """Raises NotFound."""
    authorise(tx, actor, Act.READ_QUEUE)
    complaint = tx.complaints.get(case)
    if complaint is None:
        raise NotFound("no-such-case", case=case)
    refs = subjects_named(tx, complaint)
    subjects = [_item(tx, ref) for ref in dict.fromkeys(refs)]
    asset = _asset(tx, complaint.asset)
    if asset is not None:
        subjects += _wider(tx, asset, {ref.version for ref in refs})
    decided_by = tx.accounts.get(complaint.decided_by) if complaint.decided_by else None
    return Case(complaint, tx.complaints.notices(case), subjects, decided_by.name if decided_by else None)


def _asset(tx: Transaction, full_name: str | None) -> Asset | None:
    try:
        return tx.assets.named(*names.asset_name(full_name or ""))
    except CatalogError:
        return None


def _item(tx: Transaction, ref: SubjectRef) -> Subject:
    """`ref` names an item that is really there."""
    asset, version_id, path = tx.assets.named(ref.ns, ref.name), ref.version or "", ref.path or ""
    version, item = tx.assets.version(version_id), tx.assets.item(version_id, path)
    if asset is None or version is None or item is None:
        raise NotFound("no-such-subject", subject=str(ref))
    stopped = tx.stops.stopped(asset.id).get(item.sha256)
    state, notice_id = (ItemState.SERVED, None) if stopped is None else (stopped.state, stopped.notice_id)
    numbers = [preview.n for preview in tx.previews.of_version(version_id) if preview.path == path]
    shown = {tile.n for tile in previews.tiles(tx, asset, version) if tile.blob is not None}
    number = next((number for number in numbers if number in shown), numbers[0] if numbers else None)
    served = version.state is VersionState.PUBLISHED and number in shown
    address = f"/v1/assets/{asset.full_name}/versions/{version_id}/previews/{number}" if served else None
    return Subject(ref, "item", state.value, notice_id, address, number)


def _wider(tx: Transaction, asset: Asset, named: set[str | None]) -> list[Subject]:
    """The versions that the case names, else the newest, and the asset as a whole."""
    released = [version for version in tx.assets.versions(asset.id) if version.state is not VersionState.DRAFT]
    chosen = [version for version in released if version.id in named] or released[:1]
    subjects = [
        Subject(
            SubjectRef(ns=asset.ns, name=asset.name, version=version.id),
            "version", version.state.value, version.notice_id, None, None,
        )
        for version in chosen
    ]  # fmt: skip
    if released:
        served = [version for version in released if version.state is VersionState.PUBLISHED]
        state = (served or released)[0].state.value
        subjects.append(Subject(SubjectRef(ns=asset.ns, name=asset.name), "asset", state, None, None, None))
    return subjects


@dataclass(frozen=True, slots=True)
class Holds:
    standing: Sequence[Notice]
    waiting: Sequence[Release]
    accounts: Mapping[str, Account]


def holds(tx: Transaction, actor: Actor) -> Holds:
    authorise(tx, actor, Act.RELEASE)
    return Holds(tx.stops.open_notices(), tx.stops.proposals(), {a.id: a for a in tx.accounts.everyone()})


def everyone(tx: Transaction, actor: Actor) -> Sequence[Account]:
    authorise(tx, actor, Act.MANAGE_ACCOUNTS)
    return tx.accounts.everyone()


def tail(tx: Transaction, actor: Actor, before: int | None) -> tuple[Sequence[Event], Mapping[str, Account]]:
    """The events before a position, or the last ones, newest first."""
    authorise(tx, actor, Act.READ_EVENTS)
    end = tx.ledger.position() if before is None else before - 1
    found = tx.ledger.events(max(0, end - EVENTS), EVENTS)
    shown = [event for event in reversed(found) if event.position <= end]
    return shown, {account.id: account for account in tx.accounts.everyone()}


def days_left(complaint: Complaint, now: datetime) -> int:
    """Whole days until it is due; negative when it is overdue."""
    return (complaint.due_at - now).days


class DeskPages:
    def __init__(self, catalogue: Catalogue, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._renderer = renderer

    async def queue(self, request: Request, actor: Actor) -> Response:
        text = request.query_params.get("state", "open")
        state = None if text == "all" else one_of(ComplaintState, "state", text)
        found = await self._catalogue.read(queue, actor, state)
        return self._renderer.render(
            request,
            "queue.html",
            actor,
            complaints=found,
            chosen=text,
            states=[*ComplaintState, "all"],
            days_left=partial(days_left, now=self._catalogue.now()),
        )

    async def case(self, request: Request, actor: Actor) -> Response:
        case = await self._catalogue.read(one_case, actor, request.path_params["case"])
        return self._renderer.render(
            request,
            "operator_case.html",
            actor,
            case=case,
            complaint=case.complaint,
            left=days_left(case.complaint, self._catalogue.now()),
            stop_reasons=tuple(StopReason),
            release_reasons=tuple(ReleaseReason),
        )

    async def holds(self, request: Request, actor: Actor) -> Response:
        found = await self._catalogue.read(holds, actor)
        return self._renderer.render(
            request, "holds.html", actor, holds=found, actor_id=actor.account and actor.account.id,
            release_reasons=tuple(ReleaseReason), waiting_for={release.notice_id for release in found.waiting},
        )  # fmt: skip

    async def accounts(self, request: Request, actor: Actor) -> Response:
        found = await self._catalogue.read(everyone, actor)
        return self._renderer.render(
            request, "people.html", actor, people=found,
            stop_reasons=tuple(StopReason), release_reasons=tuple(ReleaseReason),
        )  # fmt: skip

    async def events(self, request: Request, actor: Actor) -> Response:
        text = request.query_params.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        shown, accounts = await self._catalogue.read(tail, actor, before)
        older = shown[-1].position if shown and shown[-1].position > 1 else None
        return self._renderer.render(request, "events.html", actor, events=shown, accounts=accounts, older=older)
