"""Accounts and credentials: who may come in, until when, and how quickly nobody may any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.actions import accounts, credentials
from catalog.actions.authority import ANYONE, authorise, in_person
from catalog.errors import Conflict, Denied, Invalid, NotFound
from catalog.policy.roles import SCOPES, Act
from catalog.ports import Store
from catalog.vocabulary import Account, AccountState, Actor, Reason, Role, Scope, StopReason
from tests import builders
from tests.builders import NOW, new_id

SECOND = timedelta(seconds=1)


def create(store: Store, **changes: object) -> Account:
    asked: dict[str, object] = {
        "name": "rosa",
        "email": None,
        "phone": None,
        "role": Role.RESEARCHER,
        "password_hash": None,
    }
    new = accounts.NewAccount(**(asked | changes))  # type: ignore[arg-type]
    with store.begin() as tx:
        return accounts.create(tx, new, actor="", now=NOW, new_id=new_id)


def token(store: Store, account: Account, *, scopes: set[Scope] | None = None, days: int = 90) -> str:
    with store.begin() as tx:
        return credentials.create_token(tx, account, scopes=scopes, days=days, now=NOW, new_id=new_id)[0]


def test_an_account_is_kept_with_its_contacts_in_normal_form(store: Store) -> None:
    account = create(store, name=" Rosa ", email=" rosa@example.org ", phone="138 0013 8000", password_hash="h")
    assert (account.name, account.email, account.phone) == ("Rosa", "rosa@example.org", "+8613800138000")
    with store.read() as tx:
        assert tx.accounts.get(account.id) == account
        assert tx.accounts.password_hash(account.id) == "h"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "x"}, "name"),
        ({"name": "-rosa"}, "name"),
        ({"name": "ro sa"}, "name"),
        ({"name": "r" * 41}, "name"),
        ({"name": "rosa\n"}, None),
        ({"name": "ro\nsa"}, "name"),
        ({"email": "rosa"}, "email"),
        ({"email": "rosa@example.org, mallory@example.org"}, "email"),
        ({"email": "rosa@example.org\nBcc: x@example.org"}, "email"),
        ({"email": "rosa\ud800@example.org"}, "email"),
        ({"phone": "123"}, "phone"),
        ({"phone": "call me"}, "phone"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_named(store: Store, changes: dict[str, object], field: str | None) -> None:
    if field is None:
        assert create(store, **changes).name == "rosa"
        return
    with pytest.raises(Invalid) as caught:
        create(store, **changes)
    assert list(caught.value.fields) == [field]
    with store.read() as tx:
        assert list(tx.accounts.everyone()) == []


def test_every_wrong_field_is_named_at_once(store: Store) -> None:
    with pytest.raises(Invalid) as caught:
        create(store, name="", email="x", phone="x")
    assert set(caught.value.fields) == {"name", "email", "phone"}


def test_a_short_password_is_refused() -> None:
    with pytest.raises(Invalid, match="password"):
        accounts.check_password("1234567")
    assert accounts.check_password("一二三四五六七八") == "一二三四五六七八"


def test_a_suspended_account_may_do_nothing_until_it_is_restored(store: Store) -> None:
    operator, publisher = builders.actor(store, Role.OPERATOR), builders.actor(store, Role.PUBLISHER)
    assert publisher.account is not None
    with store.begin() as tx:
        accounts.suspend(tx, operator, publisher.account.name, StopReason.MISUSE, now=NOW)
        with pytest.raises(Denied) as caught:
            authorise(tx, publisher, Act.PUBLISH)  # the actor was read before; the account is asked again
    assert caught.value.decision.reason is Reason.SUSPENDED
    with store.begin() as tx:
        restored = accounts.restore(tx, operator, publisher.account.name, "resolved", now=NOW)
        assert restored.state is AccountState.ACTIVE
        assert authorise(tx, publisher, Act.PUBLISH) == publisher.account


def test_a_suspension_ends_the_accounts_browser_sessions_for_good(store: Store) -> None:
    operator, victim, other = builders.actor(store, Role.OPERATOR), builders.account(store), builders.account(store)
    with store.begin() as tx:
        mine = credentials.open_session(tx, victim, now=NOW)
        others = credentials.open_session(tx, other, now=NOW)
        accounts.suspend(tx, operator, victim.name, StopReason.MISUSE, now=NOW)
        accounts.restore(tx, operator, victim.name, "error", now=NOW)
        assert credentials.by_session(tx, mine, now=NOW) is None
        assert credentials.by_session(tx, others, now=NOW) is not None


def test_suspensions_that_do_not_fit_are_refused(store: Store) -> None:
    operator, victim = builders.actor(store, Role.OPERATOR), builders.account(store)
    assert operator.account is not None
    with store.begin() as tx:
        with pytest.raises(Conflict, match="not-oneself"):
            accounts.suspend(tx, operator, operator.account.name, StopReason.MISUSE, now=NOW)
        with pytest.raises(Conflict, match="not-suspended"):
            accounts.restore(tx, operator, victim.name, "error", now=NOW)
        accounts.suspend(tx, operator, victim.name.upper(), StopReason.MISUSE, now=NOW)
        with pytest.raises(Conflict, match="already-suspended"):
            accounts.suspend(tx, operator, victim.name, StopReason.MISUSE, now=NOW)
        with pytest.raises(NotFound, match="no-such-account"):
            accounts.suspend(tx, operator, "nobody", StopReason.MISUSE, now=NOW)
        with pytest.raises(NotFound, match="no-such-account"):
            accounts.restore(tx, operator, "nobody", "error", now=NOW)


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.PUBLISHER, Role.AUDITOR, None])
def test_only_an_operator_suspends_and_restores(store: Store, role: Role | None) -> None:
    actor = ANYONE if role is None else builders.actor(store, role)
    victim = builders.account(store)
    with store.begin() as tx:
        with pytest.raises(Denied):
            accounts.suspend(tx, actor, victim.name, StopReason.MISUSE, now=NOW)
        with pytest.raises(Denied):
            accounts.restore(tx, actor, victim.name, "error", now=NOW)
        assert tx.accounts.get(victim.id) == victim


def test_an_operators_token_without_the_scope_may_not_suspend(store: Store) -> None:
    operator, victim = builders.account(store, Role.OPERATOR), builders.account(store)
    reading = Actor(account=operator, scopes=frozenset({Scope.READ}))
    with store.begin() as tx, pytest.raises(Denied, match="scope-missing"):
        accounts.suspend(tx, reading, victim.name, StopReason.MISUSE, now=NOW)


def test_a_token_gives_its_account_with_its_scopes_and_only_its_digest_is_kept(store: Store) -> None:
    account = builders.account(store, Role.PUBLISHER)
    secret = token(store, account, scopes={Scope.READ})
    with store.read() as tx:
        known = credentials.by_token(tx, secret, now=NOW)
        assert known is not None
        actor, until = known
        assert (actor.account, actor.scopes, until) == (account, {Scope.READ}, NOW + timedelta(days=90))
        (kept,) = tx.accounts.tokens(account.id)
    assert secret not in repr(kept)
    assert secret.startswith(kept.hint)


@pytest.mark.parametrize("role", Role)
def test_a_token_without_chosen_scopes_has_all_that_the_role_has(store: Store, role: Role) -> None:
    account = builders.account(store, role)
    secret = token(store, account)
    with store.read() as tx:
        known = credentials.by_token(tx, secret, now=NOW)
    assert known is not None
    assert known[0].scopes == SCOPES[role]


def test_a_token_ends_at_its_very_second(store: Store) -> None:
    account = builders.account(store)
    secret = token(store, account, days=1)
    ends = NOW + timedelta(days=1)
    with store.read() as tx:
        assert credentials.by_token(tx, secret, now=ends - SECOND) is not None
        assert credentials.by_token(tx, secret, now=ends) is None


@pytest.mark.parametrize(
    ("scopes", "days", "field"),
    [
        ({Scope.OPERATE}, 90, "scopes"),
        (set(), 90, "scopes"),
        (None, 0, "days"),
        (None, 367, "days"),
        (None, -1, "days"),
    ],
)
def test_a_token_never_exceeds_its_role_or_a_year(
    store: Store, scopes: set[Scope] | None, days: int, field: str
) -> None:
    account = builders.account(store)
    with pytest.raises(Invalid) as caught:
        token(store, account, scopes=scopes, days=days)
    assert list(caught.value.fields) == [field]
    with store.read() as tx:
        assert list(tx.accounts.tokens(account.id)) == []


def test_a_revoked_token_is_unknown_and_what_it_fetches_is_cut(store: Store) -> None:
    account, other = builders.account(store), builders.account(store)
    secret = token(store, account)
    with store.begin() as tx:
        (kept,) = tx.accounts.tokens(account.id)
        with pytest.raises(NotFound):
            credentials.revoke_token(tx, other, kept.id, now=NOW)
        position = credentials.revoke_token(tx, account, kept.id, now=NOW)
        assert credentials.by_token(tx, secret, now=NOW) is None
        with pytest.raises(NotFound):
            credentials.revoke_token(tx, account, kept.id, now=NOW)
    feed = store.feed()
    (cut,) = feed.cuts_since(0)
    feed.close()
    assert (cut.position, cut.subjects) == (position, {f"token:{kept.id}"})


def test_a_made_up_token_is_known_as_such_by_its_checksum(store: Store) -> None:
    account = builders.account(store)
    secret = token(store, account)
    assert credentials.well_formed(secret)
    swapped = secret[:5] + ("a" if secret[5] != "a" else "b") + secret[6:]
    for wrong in (swapped, secret.upper(), secret[:-1], secret + "a", secret.removeprefix("hbg_"), "", "hbg_"):
        assert not credentials.well_formed(wrong), wrong
        with store.read() as tx:
            assert credentials.by_token(tx, wrong, now=NOW) is None


@given(st.text())
def test_no_text_that_was_not_made_here_is_a_token(text: str) -> None:
    for secret in (text, f"hbg_{text}"):
        if credentials.well_formed(secret):
            assert secret[4:-6] == "" or secret[-6:] == credentials._checksum(secret[4:-6])


def test_secrets_are_never_twice_the_same() -> None:
    assert len({credentials.new_secret() for _ in range(1000)}) == 1000


def test_a_session_lasts_twelve_hours_and_ends_when_it_is_closed(store: Store) -> None:
    account = builders.account(store)
    with store.begin() as tx:
        one, two = (credentials.open_session(tx, account, now=NOW) for _ in range(2))
    ends = NOW + timedelta(hours=12)
    with store.begin() as tx:
        assert credentials.by_session(tx, one, now=ends - SECOND) == in_person(account)
        assert credentials.by_session(tx, one, now=ends) is None
        credentials.close_session(tx, one)
        assert credentials.by_session(tx, one, now=NOW) is None
        assert credentials.by_session(tx, two, now=NOW) == in_person(account)
        assert credentials.by_session(tx, "", now=NOW) is None


@pytest.mark.parametrize("made", [lambda s: s, lambda s: s + "x"])
def test_a_token_of_no_stored_account_opens_nothing(store: Store, made: Callable[[str], str]) -> None:
    with store.read() as tx:
        assert credentials.by_token(tx, made(credentials.new_secret()), now=NOW) is None
