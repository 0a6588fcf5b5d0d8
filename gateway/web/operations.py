"""What operators do, for the API and the pages alike: act, and answer when it is effective."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from catalog.actions import accounts, complaints, credentials, grants, overdue, stops
from catalog.actions.authority import authorise
from catalog.errors import CatalogUnavailable, Flaw, Invalid, NotFound, Wrong
from catalog.policy import names
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.recalls import Holder
from catalog.vocabulary import (
    Account,
    Actor,
    Approval,
    Asset,
    Complaint,
    Notice,
    Release,
    ReleaseReason,
    Stop,
    StopReason,
)
from gateway.streams.effective import Effect, Enforcer
from gateway.web.context import Catalogue

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A stop that stands; `effect` None when it cannot be told since when it is effective."""

    notice: Notice
    effect: Effect | None


def one_of(kind: type[E], field: str, text: str) -> E:
    """Raises Invalid, naming what there is."""
    if text not in {str(member) for member in kind}:
        raise Invalid({field: Flaw(Wrong.ONE_OF, values=", ".join(kind))})
    return kind(text)


class Operations:
    def __init__(self, catalogue: Catalogue, enforcer: Enforcer) -> None:
        self._catalogue = catalogue
        self._enforcer = enforcer

    async def stop(self, actor: Actor, act: Stop, subject: str, reason: str, case: str | None) -> Done:
        """Commit the stop and wait until it holds everywhere. Raises CatalogError; then nothing was stopped."""
        command = stops.StopCommand(
            act=act, subject=names.subject(subject), reason=one_of(StopReason, "reason", reason), case=case or None
        )
        before = self._enforcer.streams_cut()
        run = partial(stops.stop, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        notice = await self._catalogue.write(run, actor, command)
        return Done(notice=notice, effect=await self._effect(notice.position, before))

    async def suspend(self, actor: Actor, name: str, reason: str) -> tuple[Account, Effect | None]:
        before = self._enforcer.streams_cut()
        run = partial(accounts.suspend, now=self._catalogue.now())
        account, position = await self._catalogue.write(run, actor, name, one_of(StopReason, "reason", reason))
        return account, await self._effect(position, before)

    async def suspend_until_answered(self, actor: Actor, name: str, notice_id: str) -> tuple[Account, Effect | None]:
        """Stop an account's downloads until it has answered a recall; the answer gives them back."""
        before = self._enforcer.streams_cut()
        run = partial(accounts.suspend_until_answered, now=self._catalogue.now())
        account, position = await self._catalogue.write(run, actor, name, notice_id)
        return account, await self._effect(position, before)

    async def excuse(self, actor: Actor, name: str, notice_id: str) -> Holder:
        """Nothing more is expected of this account in this recall."""
        return await self._catalogue.write(partial(overdue.excuse, now=self._catalogue.now()), actor, notice_id, name)

    async def restore(self, actor: Actor, name: str, reason: str) -> Account:
        checked = one_of(ReleaseReason, "reason", reason).value
        return await self._catalogue.write(partial(accounts.restore, now=self._catalogue.now()), actor, name, checked)

    async def decide_access(
        self, actor: Actor, asset: Asset, account: Account, approval: Approval, reason: str | None
    ) -> Effect | None:
        """An operator's word on an account's access; one that shuts the door ends what runs through it."""
        before = self._enforcer.streams_cut()

        def act(tx: Transaction) -> int:
            grants.decide(tx, actor, asset, account, approval, reason, now=self._catalogue.now())
            return tx.ledger.position()

        return await self._effect(await self._catalogue.write(act), before)

    async def release(self, actor: Actor, subject: str, reason: str) -> tuple[Release, bool]:
        """True when the hold is lifted; else a second account must confirm."""
        run = partial(stops.release, now=self._catalogue.now(), new_id=self._catalogue.new_id)
        return await self._catalogue.write(run, actor, names.subject(subject), one_of(ReleaseReason, "reason", reason))

    async def confirm(self, actor: Actor, release_id: str) -> Release:
        return await self._catalogue.write(partial(stops.confirm, now=self._catalogue.now()), actor, release_id)

    async def dismiss(self, actor: Actor, case: str, reason: str) -> Complaint:
        checked = one_of(ReleaseReason, "reason", reason)
        return await self._catalogue.write(partial(complaints.dismiss, now=self._catalogue.now()), actor, case, checked)

    async def revoke_token(self, account: Account, token_id: str) -> Effect | None:
        before = self._enforcer.streams_cut()
        run = partial(credentials.revoke_token, now=self._catalogue.now())
        position = await self._catalogue.write(run, account, token_id)
        return await self._effect(position, before)

    async def _effect(self, position: int, before: int) -> Effect | None:
        try:
            return await self._enforcer.until_effective(position, cut_before=before)
        except CatalogUnavailable:
            return None  # committed all the same; replicas that hear nothing lose their lease

    async def effective(self, actor: Actor, notice_id: str) -> tuple[Notice, bool]:
        """A stop, and whether it holds everywhere. Raises CatalogError."""
        notice = await self._catalogue.read(_stop_of, actor, notice_id)
        return notice, await self._enforcer.is_effective(notice.position)


def _stop_of(tx: Transaction, actor: Actor, notice_id: str) -> Notice:
    authorise(tx, actor, Act.READ_EVENTS)
    notice = tx.stops.notice(notice_id)
    if notice is None:
        raise NotFound()
    return notice
