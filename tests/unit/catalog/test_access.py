"""Who passes which door: the rules over every combination of facts, not over examples alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.policy.access import DENIALS, AccessFacts, Ground, data_class, decide, insider, requires
from catalog.policy.roles import ACTS, SCOPES, Act
from catalog.vocabulary import (
    AcceptanceStatus,
    AccountState,
    Actor,
    Approval,
    DataClass,
    Door,
    ItemState,
    Reason,
    Role,
    Scope,
    StoppedItem,
    VersionState,
)
from tests import builders

HOLDER_DOORS = (Door.MANIFEST, Door.BYTES)
PUBLIC_DOORS = (Door.CARD, Door.PREVIEWS)
STOPPED = (VersionState.HELD, VersionState.REVOKED, VersionState.DESTROYED)

# Who can be asking: an anonymous visitor has no role, owns nothing and accepted nothing.
facts = st.builds(
    AccessFacts,
    authenticated=st.booleans(),
    active=st.booleans(),
    reads=st.booleans(),
    role=st.none() | st.sampled_from(Role),
    own=st.booleans(),
    found=st.booleans(),
    data_class=st.sampled_from(DataClass),
    version=st.sampled_from(VersionState),
    item=st.none() | st.sampled_from(ItemState),
    acceptance=st.sampled_from(AcceptanceStatus),
    approval=st.sampled_from(Approval),
    as_of=st.integers(0, 1000),
)
doors = st.sampled_from(Door)

# Each is news that may only ever shut a door.
BAD_NEWS: dict[str, dict[str, object]] = {
    "signed out": {"authenticated": False, "active": False, "role": None, "own": False},
    "suspended": {"active": False},
    "scope gone": {"reads": False},
    "not the publisher": {"own": False},
    "an ordinary role": {"role": Role.RESEARCHER},
    "absent": {"found": False},
    "about minors": {"data_class": DataClass.MINOR},
    "held": {"version": VersionState.HELD},
    "revoked": {"version": VersionState.REVOKED},
    "destroyed": {"version": VersionState.DESTROYED},
    "a draft": {"version": VersionState.DRAFT},
    "item held": {"item": ItemState.HELD},
    "item withheld": {"item": ItemState.WITHHELD},
    "item absent": {"item": None},
    "terms outdated": {"acceptance": AcceptanceStatus.OUTDATED},
    "nothing accepted": {"acceptance": AcceptanceStatus.NONE},
    "not let in yet": {"approval": Approval.PENDING},
    "rejected": {"approval": Approval.REJECTED},
}

# A version never goes back: news of a state matters only where it is graver than what is known.
GRAVER = [
    VersionState.PUBLISHED,
    VersionState.DRAFT,
    VersionState.HELD,
    VersionState.REVOKED,
    VersionState.DESTROYED,
]

OPEN = AccessFacts(
    authenticated=True,
    active=True,
    reads=True,
    role=Role.RESEARCHER,
    own=False,
    found=True,
    data_class=DataClass.FACE,
    version=VersionState.PUBLISHED,
    item=ItemState.SERVED,
    acceptance=AcceptanceStatus.IN_FORCE,
    approval=Approval.ACCEPTED,
    as_of=7,
)


def every_fact() -> Iterator[AccessFacts]:
    fields = itertools.product(
        (True, False),
        (True, False),
        (True, False),
        (None, *Role),
        (True, False),
        (True, False),
        DataClass,
        VersionState,
        (None, *ItemState),
        AcceptanceStatus,
        Approval,
    )
    for authenticated, active, reads, role, own, found, kept, version, item, acceptance, approval in fields:
        yield AccessFacts(
            authenticated=authenticated,
            active=active,
            reads=reads,
            role=role,
            own=own,
            found=found,
            data_class=kept,
            version=version,
            item=item,
            acceptance=acceptance,
            approval=approval,
            as_of=0,
        )


@given(doors, facts, st.lists(st.sampled_from(sorted(BAD_NEWS)), min_size=1))
def test_bad_news_never_opens_a_door(door: Door, before: AccessFacts, news: list[str]) -> None:
    after = before
    for one in news:
        known = after.version
        after = replace(after, **BAD_NEWS[one])  # type: ignore[arg-type]
        after = replace(after, version=max(known, after.version, key=GRAVER.index))
    assert decide(door, before).allowed or not decide(door, after).allowed


def test_every_combination_of_facts_is_decided_and_granted_only_by_the_whole_list_of_conditions() -> None:
    for f in every_fact():
        sees = f.found and (f.data_class is not DataClass.MINOR or insider(f))
        served = sees and f.version is VersionState.PUBLISHED
        item = f.item is ItemState.SERVED
        agreed = f.acceptance is AcceptanceStatus.IN_FORCE and f.approval is Approval.ACCEPTED
        holder = served and f.authenticated and f.active and f.reads and agreed
        draft = f.found and insider(f) and f.version is VersionState.DRAFT
        expected = {
            Door.CARD: served or draft,
            Door.PREVIEWS: served and item and f.data_class is not DataClass.MINOR,
            Door.MANIFEST: holder,
            Door.BYTES: holder and item,
        }
        for door in Door:
            decision = decide(door, f)
            assert decision.allowed is expected[door], (door, f)
            assert decision.allowed is (decision.reason is Reason.GRANTED)


@given(doors, facts)
def test_the_reason_is_the_first_of_the_doors_denials_that_applies(door: Door, f: AccessFacts) -> None:
    applying = [reason for reason, applies in DENIALS[door] if applies(f)]
    decision = decide(door, f)
    assert decision.reason is (applying[0] if applying else Reason.GRANTED)
    assert decision.as_of == f.as_of


@pytest.mark.parametrize("door", HOLDER_DOORS)
def test_the_gravest_reason_is_told_first(door: Door) -> None:
    gravest_first = [
        ("signed out", Reason.UNAUTHENTICATED),
        ("suspended", Reason.SUSPENDED),
        ("absent", Reason.NOT_FOUND),
        ("revoked", Reason.REVOKED),
        ("held", Reason.HELD),
        ("scope gone", Reason.SCOPE_MISSING),
        ("rejected", Reason.ACCESS_REJECTED),
        ("nothing accepted", Reason.TERMS_NOT_ACCEPTED),
        ("not let in yet", Reason.ACCESS_PENDING),
    ]
    for at, (graver, reason) in enumerate(gravest_first):
        for lesser, _ in gravest_first[at:]:
            both = replace(OPEN, **BAD_NEWS[lesser])  # type: ignore[arg-type]
            both = replace(both, **BAD_NEWS[graver])  # type: ignore[arg-type]
            assert decide(door, both).reason is reason, (graver, lesser)


@pytest.mark.parametrize(
    ("door", "news", "reason"),
    [
        (Door.BYTES, "item withheld", Reason.ITEM_WITHHELD),
        (Door.BYTES, "item held", Reason.ITEM_HELD),
        (Door.BYTES, "item absent", Reason.NOT_FOUND),
        (Door.PREVIEWS, "item withheld", Reason.ITEM_WITHHELD),
        (Door.BYTES, "terms outdated", Reason.TERMS_OUTDATED),
        (Door.BYTES, "rejected", Reason.ACCESS_REJECTED),
        (Door.MANIFEST, "not let in yet", Reason.ACCESS_PENDING),
        (Door.MANIFEST, "a draft", Reason.NOT_FOUND),
        (Door.CARD, "revoked", Reason.REVOKED),
        (Door.CARD, "destroyed", Reason.REVOKED),
        (Door.PREVIEWS, "held", Reason.HELD),
    ],
)
def test_each_refusal_says_its_own_reason(door: Door, news: str, reason: Reason) -> None:
    assert decide(door, OPEN).allowed
    assert decide(door, replace(OPEN, **BAD_NEWS[news])).reason is reason  # type: ignore[arg-type]


@given(st.sampled_from(HOLDER_DOORS), facts)
def test_an_anonymous_visitor_gets_neither_bytes_nor_manifest_and_learns_no_state(door: Door, f: AccessFacts) -> None:
    assert decide(door, replace(f, authenticated=False)).reason is Reason.UNAUTHENTICATED


@given(st.sampled_from(HOLDER_DOORS), facts)
def test_nothing_is_handed_over_without_an_acceptance_in_force(door: Door, f: AccessFacts) -> None:
    if decide(door, f).allowed:
        assert f.acceptance is AcceptanceStatus.IN_FORCE
        assert f.authenticated
        assert f.active
        assert f.reads


@given(facts, st.none() | st.sampled_from(ItemState))
def test_whoever_may_not_see_the_list_learns_nothing_of_any_single_item(f: AccessFacts, item: ItemState | None) -> None:
    listed = decide(Door.MANIFEST, f)
    if not listed.allowed:
        assert decide(Door.BYTES, replace(f, item=item)) == listed


@given(doors, facts)
def test_what_concerns_minors_looks_absent_to_outsiders(door: Door, f: AccessFacts) -> None:
    f = replace(f, data_class=DataClass.MINOR)
    absent = replace(f, found=False)
    if not insider(f):
        assert decide(door, f) == decide(door, absent)
    assert not (door is Door.PREVIEWS and decide(door, f).allowed)


@given(doors, facts)
def test_a_draft_looks_absent_to_outsiders_and_is_never_handed_over(door: Door, f: AccessFacts) -> None:
    f = replace(f, version=VersionState.DRAFT)
    if not insider(f):
        assert decide(door, f) == decide(door, replace(f, found=False))
    assert door is Door.CARD or not decide(door, f).allowed


@given(doors, facts, st.sampled_from(STOPPED))
def test_a_stopped_version_passes_no_door(door: Door, f: AccessFacts, state: VersionState) -> None:
    assert not decide(door, replace(f, version=state)).allowed


@given(st.sampled_from(PUBLIC_DOORS), facts)
def test_what_anyone_may_see_a_suspended_or_anonymous_reader_sees_too(door: Door, f: AccessFacts) -> None:
    nobody = replace(f, authenticated=False, active=False, role=None, own=False, reads=False)
    suspended = replace(f, authenticated=True, active=False, own=False, role=Role.RESEARCHER)
    assert decide(door, nobody) == decide(door, suspended)


def test_an_item_that_a_version_lacks_is_absent_and_a_stopped_one_is_stopped() -> None:
    item = builders.item()
    stop = StoppedItem(sha256=item.sha256, state=ItemState.WITHHELD, notice_id="N-1")
    ground = Ground(facts=OPEN, asset=None, version=None, stopped={item.sha256: stop})
    assert decide(Door.BYTES, ground.at(None)).reason is Reason.NOT_FOUND
    assert decide(Door.BYTES, ground.at(item)).reason is Reason.ITEM_WITHHELD
    assert decide(Door.BYTES, ground.at(builders.item("b.jpg", b"other"))).allowed


@given(st.sampled_from(DataClass), st.none() | st.sampled_from(DataClass))
def test_the_class_that_counts_is_never_milder_than_the_assets_or_the_versions(
    asset_class: DataClass, own: DataClass | None
) -> None:
    asset = builders.plain_asset(asset_class)
    version = None if own is None else builders.plain_version(own)
    counted = data_class(asset, version)
    assert counted in {asset_class, own}
    assert counted.level == max(asset_class.level, own.level if own is not None else 0)


@given(
    st.none() | st.tuples(st.sampled_from(Role), st.sampled_from(AccountState)),
    st.frozensets(st.sampled_from(Scope)),
    st.sampled_from(Act),
)
def test_an_act_needs_an_active_account_a_role_and_a_scope(
    who: tuple[Role, AccountState] | None, scopes: frozenset[Scope], act: Act
) -> None:
    account = None if who is None else builders.plain_account(*who)
    roles, scope = ACTS[act]
    decision = requires(Actor(account=account, scopes=scopes), roles, scope, 3)
    if who is None:
        expected = Reason.UNAUTHENTICATED
    elif who[1] is AccountState.SUSPENDED:
        expected = Reason.SUSPENDED
    elif who[0] not in roles:
        expected = Reason.ROLE_MISSING
    elif scope not in scopes:
        expected = Reason.SCOPE_MISSING
    else:
        expected = Reason.GRANTED
    assert (decision.reason, decision.allowed, decision.as_of) == (expected, expected is Reason.GRANTED, 3)


def test_the_tables_of_roles_name_every_role_and_every_act() -> None:
    assert set(SCOPES) == set(Role)
    assert set(ACTS) == set(Act)


def test_every_role_that_may_act_can_be_given_the_scope_the_act_needs() -> None:
    for act, (roles, scope) in ACTS.items():
        assert roles, act
        for role in roles:
            assert scope in SCOPES[role], (act, role)


def test_only_operators_stop_release_dismiss_and_suspend() -> None:
    for act in (Act.STOP, Act.RELEASE, Act.DISMISS, Act.SUSPEND, Act.MANAGE_ACCOUNTS, Act.READ_QUEUE):
        assert ACTS[act] == (frozenset({Role.OPERATOR}), Scope.OPERATE)
    assert [role for role in Role if Scope.OPERATE in SCOPES[role]] == [Role.OPERATOR]


def test_an_auditor_reads_and_does_nothing_else() -> None:
    assert SCOPES[Role.AUDITOR] == {Scope.READ}
    assert [act for act, (roles, _) in ACTS.items() if Role.AUDITOR in roles] == [Act.READ_EVENTS]
