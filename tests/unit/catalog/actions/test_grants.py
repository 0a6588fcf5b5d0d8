"""Operators' words on who may have an asset: asking, letting in, rejecting, and what each cuts."""

from __future__ import annotations

import pytest

from catalog.actions import deliver, grants
from catalog.errors import Denied, Invalid
from catalog.events import grant_subject
from catalog.ledger.fold import differences, fold
from catalog.ports import Store
from catalog.vocabulary import Account, Actor, Approval, Asset, Door, Gate, Reason, Role
from tests import builders
from tests.builders import NOW

NAME = "demo/street-faces"


@pytest.fixture
def operator(store: Store) -> Actor:
    builders.published_terms(store)
    operator = builders.actor(store, Role.OPERATOR)
    builders.published(store, operator)
    return operator


def asset(store: Store) -> Asset:
    with store.read() as tx:
        found = tx.assets.named(*NAME.split("/"))
    assert found is not None
    return found


def reader(store: Store) -> Actor:
    """One who accepted the terms."""
    who = builders.actor(store)
    assert builders.accepted(store, who)
    return who


def account(who: Actor) -> Account:
    assert who.account is not None
    return who.account


def decides(store: Store, operator: Actor, who: Actor, approval: Approval, reason: str | None = None) -> None:
    with store.begin() as tx:
        grants.decide(tx, operator, asset(store), account(who), approval, reason, now=NOW)


def gate(store: Store, operator: Actor, wanted: Gate) -> None:
    with store.begin() as tx:
        grants.set_gate(tx, operator, asset(store), wanted, now=NOW)


def verdict(store: Store, who: Actor) -> Reason:
    with store.read() as tx:
        ground = deliver.ground(tx, who, ns="demo", name="street-faces", ref="main")
    return deliver.judge(ground, who, Door.MANIFEST).decision.reason


def standing(store: Store, operator: Actor, approval: Approval) -> set[str]:
    with store.read() as tx:
        return {request.account.name for request in grants.requests(tx, operator, asset(store), approval)}


def agree(store: Store) -> bool:
    """The tables say what the events say."""
    with store.read() as tx:
        return differences(fold(tx.ledger.events(0, 1000)), tx.projection.snapshot()) == []


def test_where_the_gate_opens_by_itself_an_acceptance_is_enough_until_someone_is_rejected(
    store: Store, operator: Actor
) -> None:
    first, second = reader(store), reader(store)
    assert standing(store, operator, Approval.ACCEPTED) == {account(first).name, account(second).name}
    assert verdict(store, first) is Reason.GRANTED
    decides(store, operator, first, Approval.REJECTED, "sold the last one")
    assert verdict(store, first) is Reason.ACCESS_REJECTED
    assert verdict(store, second) is Reason.GRANTED
    assert standing(store, operator, Approval.REJECTED) == {account(first).name}
    decides(store, operator, first, Approval.ACCEPTED)
    assert verdict(store, first) is Reason.GRANTED
    assert agree(store)


def test_a_manual_gate_waits_for_a_word_and_keeps_those_inside(store: Store, operator: Actor) -> None:
    before = reader(store)
    gate(store, operator, Gate.MANUAL)
    after = reader(store)
    assert verdict(store, before) is Reason.GRANTED
    assert verdict(store, after) is Reason.ACCESS_PENDING
    assert standing(store, operator, Approval.PENDING) == {account(after).name}
    decides(store, operator, after, Approval.ACCEPTED)
    assert verdict(store, after) is Reason.GRANTED
    decides(store, operator, after, Approval.PENDING)
    assert verdict(store, after) is Reason.ACCESS_PENDING
    gate(store, operator, Gate.AUTO)
    assert verdict(store, after) is Reason.ACCESS_PENDING, "an operator's word stays until the next"
    assert verdict(store, reader(store)) is Reason.GRANTED
    assert agree(store)


def test_a_grant_does_not_replace_the_acceptance(store: Store, operator: Actor) -> None:
    gate(store, operator, Gate.MANUAL)
    who = builders.actor(store)
    decides(store, operator, who, Approval.ACCEPTED)
    assert verdict(store, who) is Reason.TERMS_NOT_ACCEPTED
    assert standing(store, operator, Approval.ACCEPTED) == {account(who).name}
    builders.accepted(store, who)
    assert verdict(store, who) is Reason.GRANTED


@pytest.mark.parametrize("approval", Approval)
def test_what_shuts_the_door_cuts_what_runs_through_it(store: Store, operator: Actor, approval: Approval) -> None:
    who = reader(store)
    with store.read() as tx:
        before = tx.ledger.position()
    decides(store, operator, who, approval, "because")
    feed = store.feed()
    cuts = [cut.subjects for cut in feed.cuts_since(before)]
    feed.close()
    subject = grant_subject(asset(store).id, account(who).id)
    assert cuts == ([] if approval is Approval.ACCEPTED else [frozenset({subject})])


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 3000, "half \ud800"])
def test_a_rejection_says_why(store: Store, operator: Actor, reason: str | None) -> None:
    with pytest.raises(Invalid):
        decides(store, operator, reader(store), Approval.REJECTED, reason)


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.PUBLISHER, Role.AUDITOR])
def test_only_operators_decide_and_see_who_asked(store: Store, operator: Actor, role: Role) -> None:
    other = builders.actor(store, role)
    with pytest.raises(Denied):
        decides(store, other, other, Approval.ACCEPTED)
    with pytest.raises(Denied):
        standing(store, other, Approval.PENDING)
    with pytest.raises(Denied):
        gate(store, other, Gate.MANUAL)
