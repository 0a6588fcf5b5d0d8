"""Signing a program in: it asks, a person answers, it fetches its tokens once and renews them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog.actions import accounts, credentials, logins
from catalog.actions.authority import ANYONE, in_person
from catalog.actions.logins import Granted, Refused
from catalog.errors import Denied, Invalid, NotFound
from catalog.ports import Store
from catalog.vocabulary import AccountState, Actor, Login, LoginState, Role, Scope, StopReason
from tests import builders
from tests.builders import NOW, new_id

CLIENT = "a-client"
READ = frozenset({Scope.READ})
MINUTE = timedelta(minutes=1)


def asked(store: Store, now: datetime = NOW, program: str = "hf_hub/2.4.0") -> tuple[str, Login]:
    with store.begin() as tx:
        return logins.ask(tx, CLIENT, program, now=now, new_id=new_id)


def answered(
    store: Store, who: Actor, code: str, allow: bool = True, scopes: frozenset[Scope] = READ, now: datetime = NOW
) -> Login:
    with store.begin() as tx:
        return logins.answer(tx, who, code, allow=allow, scopes=scopes, now=now)


def redeemed(store: Store, secret: str, client: str = CLIENT, now: datetime = NOW) -> Granted | Refused:
    with store.begin() as tx:
        return logins.redeem(tx, secret, client, now=now, new_id=new_id)


def renewed(store: Store, renewal: str, client: str = CLIENT, now: datetime = NOW) -> Granted | Refused:
    with store.begin() as tx:
        return logins.renew(tx, renewal, client, now=now, new_id=new_id)


def holder(store: Store, token: str, now: datetime = NOW) -> Actor | None:
    with store.read() as tx:
        found = credentials.by_token(tx, token, now=now)
    return None if found is None else found[0]


def signed_in(store: Store, who: Actor) -> Granted:
    secret, login = asked(store)
    answered(store, who, login.user_code)
    granted = redeemed(store, secret)
    assert isinstance(granted, Granted)
    return granted


def test_what_a_person_allows_is_what_the_program_gets_and_no_more(store: Store) -> None:
    reader = builders.actor(store)
    secret, login = asked(store)
    assert redeemed(store, secret) is Refused.PENDING
    answered(store, reader, logins.shown(login.user_code).lower())
    granted = redeemed(store, secret)
    assert isinstance(granted, Granted)
    found = holder(store, granted.token)
    assert found is not None
    assert (found.account, found.scopes) == (reader.account, READ)
    assert granted.expires_in == logins.TOKEN_DAYS * 24 * 3600
    assert redeemed(store, secret) is Refused.INVALID, "once"
    assert holder(store, granted.token, NOW + timedelta(days=logins.TOKEN_DAYS)) is None


def test_what_a_person_refuses_gives_nothing(store: Store) -> None:
    secret, login = asked(store)
    answered(store, builders.actor(store), login.user_code, allow=False, scopes=frozenset())
    assert redeemed(store, secret) is Refused.DENIED


def test_a_code_is_answered_once_and_within_its_time(store: Store) -> None:
    reader = builders.actor(store)
    secret, login = asked(store)
    late = NOW + logins.ASKED_FOR
    for code, now in ((login.user_code, late), ("BBBB-BBBB", NOW), ("", NOW), ("ﬀ" * 40, NOW)):
        with pytest.raises(NotFound):
            answered(store, reader, code, now=now)
    assert redeemed(store, secret, now=late) is Refused.EXPIRED
    answered(store, reader, login.user_code)
    with pytest.raises(NotFound):
        answered(store, reader, login.user_code, allow=False)
    assert redeemed(store, secret, now=late) is Refused.EXPIRED


def test_nobody_allows_more_than_they_have_or_nothing_at_all(store: Store) -> None:
    reader = builders.actor(store)
    _, login = asked(store)
    for scopes in (frozenset({Scope.READ, Scope.OPERATE}), frozenset[Scope]()):
        with pytest.raises(Invalid):
            answered(store, reader, login.user_code, scopes=scopes)
    with pytest.raises(Denied):
        answered(store, ANYONE, login.user_code)


def test_the_secret_of_another_program_is_worth_nothing(store: Store) -> None:
    reader = builders.actor(store)
    secret, login = asked(store)
    answered(store, reader, login.user_code)
    assert redeemed(store, secret, client="another") is Refused.INVALID
    assert redeemed(store, "invented") is Refused.INVALID
    granted = redeemed(store, secret)
    assert isinstance(granted, Granted)
    assert renewed(store, granted.renewal, client="another") is Refused.INVALID
    assert isinstance(renewed(store, granted.renewal), Granted)


def test_a_renewal_gives_a_new_token_and_a_new_secret(store: Store) -> None:
    reader = builders.actor(store)
    first = signed_in(store, reader)
    later = NOW + timedelta(days=logins.TOKEN_DAYS) + MINUTE
    second = renewed(store, first.renewal, now=later)
    assert isinstance(second, Granted)
    assert holder(store, first.token, later) is None
    found = holder(store, second.token, later)
    assert found is not None
    assert found.scopes == READ
    away = later + logins.RENEWED_FOR
    assert renewed(store, second.renewal, now=away) is Refused.INVALID


def test_a_secret_that_is_shown_twice_ends_the_login_and_its_token(store: Store) -> None:
    first = signed_in(store, builders.actor(store))
    second = renewed(store, first.renewal)
    assert isinstance(second, Granted)
    assert renewed(store, first.renewal) is Refused.INVALID
    assert holder(store, second.token) is None
    assert renewed(store, second.renewal) is Refused.INVALID


def test_revoking_the_token_ends_the_login(store: Store) -> None:
    reader = builders.actor(store)
    granted = signed_in(store, reader)
    found = holder(store, granted.token)
    assert reader.account is not None
    assert found is not None
    with store.begin() as tx:
        credentials.revoke_token(tx, reader.account, str(found.token_id), now=NOW)
    assert renewed(store, granted.renewal) is Refused.INVALID


def test_a_suspended_account_is_not_signed_in_and_not_renewed(store: Store) -> None:
    reader, operator = builders.actor(store), builders.actor(store, Role.OPERATOR)
    assert reader.account is not None
    granted = signed_in(store, reader)
    secret, login = asked(store)
    answered(store, reader, login.user_code)
    with store.begin() as tx:
        accounts.suspend(tx, operator, reader.account.name, StopReason.MISUSE, now=NOW)
    assert redeemed(store, secret) is Refused.INVALID
    assert renewed(store, granted.renewal) is Refused.INVALID
    _, other = asked(store)
    with pytest.raises(Denied):
        answered(store, in_person(replace(reader.account, state=AccountState.SUSPENDED)), other.user_code)


def test_what_came_to_nothing_is_forgotten(store: Store) -> None:
    secret, login = asked(store)
    asked(store, NOW + logins.ASKED_FOR + logins.KEPT_FOR + MINUTE)
    with store.read() as tx:
        assert tx.logins.by_code(login.user_code) is None
        assert tx.logins.by_device(credentials.digest(secret)) is None


def test_the_codes_are_easy_to_type_and_the_programs_name_is_plain(store: Store) -> None:
    _, login = asked(store, program="good\u202e\x00\n name" + "x" * 200)
    assert set(login.user_code) <= set(logins.ALPHABET)
    assert len(login.user_code) == logins.CODE_LENGTH
    assert login.program.startswith("good name")
    assert len(login.program) == logins.MAX_PROGRAM
    assert login.state is LoginState.ASKED


@pytest.mark.parametrize("client", ["", "x" * 201, "a\nb"])
def test_a_program_says_who_it_is(store: Store, client: str) -> None:
    with store.begin() as tx, pytest.raises(Invalid):
        logins.ask(tx, client, "", now=NOW, new_id=new_id)
