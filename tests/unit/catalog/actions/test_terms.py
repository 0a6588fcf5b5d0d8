"""Terms: what is in force, and to which very text an acceptance binds."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from catalog.actions import accounts, publish, terms
from catalog.actions.authority import ANYONE
from catalog.errors import Conflict, Denied, Invalid
from catalog.ports import Store
from catalog.vocabulary import AcceptanceStatus, Actor, Kind, Reason, Role, Scope, StopReason, Terms
from tests import builders
from tests.builders import NOW, new_id

ID = "research-use"


def publish_terms(store: Store, by: Actor, en: str, *, zh: str = "善意", major: bool = False, of: str = ID) -> Terms:
    with store.begin() as tx:
        return terms.publish_terms(tx, by, of, en=en, zh=zh, major=major, now=NOW)


def shown(in_force: Terms, **changes: str) -> terms.Accept:
    command = terms.Accept(
        ns="demo",
        name="street-faces",
        terms_id=in_force.id,
        terms_version=in_force.version,
        terms_sha256=in_force.sha256,
        language="zh",
        purpose="  a study  ",
    )
    return replace(command, **changes)  # type: ignore[arg-type]


@pytest.fixture
def publisher(store: Store) -> Actor:
    return builders.actor(store, Role.PUBLISHER)


@pytest.fixture
def in_force(store: Store, publisher: Actor) -> Terms:
    """Terms in force, and an asset under them."""
    made = publish_terms(store, publisher, "be kind")
    builders.published(store, publisher)
    return made


def test_the_digest_is_of_the_canonical_json_of_both_texts() -> None:
    expected = hashlib.sha256('{"en":"a\\"b","zh":"善"}'.encode()).hexdigest()
    assert terms.text_digest('a"b', "善") == expected


def test_versions_count_up_minor_by_minor_and_start_again_after_a_major(store: Store, publisher: Actor) -> None:
    made = [
        publish_terms(store, publisher, "1").version,
        publish_terms(store, publisher, "2").version,
        publish_terms(store, publisher, "3", major=True).version,
        publish_terms(store, publisher, "4").version,
        publish_terms(store, publisher, "1").version,
    ]
    assert made == ["1.0", "1.1", "2.0", "2.1", "2.2"]
    with store.read() as tx:
        assert [version.version for version in tx.terms.versions(ID)] == made[::-1]
        newest = tx.terms.in_force(ID)
        old = tx.terms.get(ID, 1, 1)
    assert newest is not None
    assert newest.en == "1"
    assert old is not None
    assert old.en == "2"


def test_the_first_version_is_1_0_even_when_it_is_called_major(store: Store, publisher: Actor) -> None:
    assert publish_terms(store, publisher, "be kind", major=True).version == "1.0"


@pytest.mark.parametrize("major", [True, False])
def test_the_same_texts_again_are_the_version_in_force(store: Store, publisher: Actor, major: bool) -> None:
    first = publish_terms(store, publisher, "be kind")
    assert publish_terms(store, publisher, "be kind", major=major) == first
    with store.read() as tx:
        assert len(tx.terms.versions(ID)) == 1


def test_the_tenth_minor_version_comes_after_the_ninth(store: Store, publisher: Actor) -> None:
    for number in range(12):
        newest = publish_terms(store, publisher, str(number))
    assert newest.version == "1.11"
    with store.read() as tx:
        assert tx.terms.in_force(ID) == newest


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"en": " "}, "en"),
        ({"en": "a", "zh": ""}, "zh"),
        ({"en": "a", "of": "Upper"}, "id"),
        ({"en": "a", "of": "../x"}, "id"),
        ({"en": "a", "of": ""}, "id"),
        ({"en": "half \ud800"}, "en"),
        ({"en": "a", "zh": "半\udfff"}, "zh"),
    ],
)
def test_what_is_wrong_with_new_terms_is_named(
    store: Store, publisher: Actor, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        publish_terms(store, publisher, **changes)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [field]


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.AUDITOR, None])
def test_who_may_not_publish_may_not_publish_terms(store: Store, role: Role | None) -> None:
    actor = ANYONE if role is None else builders.actor(store, role)
    with pytest.raises(Denied):
        publish_terms(store, actor, "be kind")


def test_an_acceptance_keeps_what_was_shown_and_a_second_one_gives_the_first(store: Store, in_force: Terms) -> None:
    reader = builders.actor(store)
    with store.begin() as tx:
        first, new = terms.accept(tx, reader, shown(in_force), now=NOW, new_id=new_id)
    assert new
    assert (first.purpose, first.language, first.terms_sha256) == ("a study", "zh", in_force.sha256)
    with store.begin() as tx:
        again, new = terms.accept(tx, reader, shown(in_force, purpose="another"), now=NOW, new_id=new_id)
    assert (again, new) == (first, False)
    assert reader.account is not None
    with store.read() as tx:
        assert list(tx.terms.acceptances(reader.account.id)) == [(first, "demo/street-faces")]
        assert sum(event.kind == "terms:accepted" for event in tx.ledger.events(0, 100)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"terms_sha256": "0" * 64}, {"terms_version": "1.1"}, {"terms_version": "nonsense"}, {"terms_id": "other"}],
)
def test_what_is_not_the_text_in_force_is_not_accepted(store: Store, in_force: Terms, changes: dict[str, str]) -> None:
    reader = builders.actor(store)
    with pytest.raises(Conflict, match="terms-not-in-force") as caught, store.begin() as tx:
        terms.accept(tx, reader, shown(in_force, **changes), now=NOW, new_id=new_id)
    assert caught.value.params["terms_version"] == "1.0"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "  "}, "purpose"),
        ({"purpose": "x" * 2001}, "purpose"),
        ({"purpose": "half \ud800"}, "purpose"),
        ({"language": "fr"}, "language"),
    ],
)
def test_an_acceptance_says_what_for_and_in_which_language(
    store: Store, in_force: Terms, changes: dict[str, str], field: str
) -> None:
    reader = builders.actor(store)
    with pytest.raises(Invalid) as caught, store.begin() as tx:
        terms.accept(tx, reader, shown(in_force, **changes), now=NOW, new_id=new_id)
    assert list(caught.value.fields) == [field]


def test_an_auditor_a_suspended_reader_and_a_reading_token_accept_nothing(store: Store, in_force: Terms) -> None:
    reader, operator = builders.account(store), builders.actor(store, Role.OPERATOR)
    suspended = builders.actor(store)
    assert suspended.account is not None
    with store.begin() as tx:
        accounts.suspend(tx, operator, suspended.account.name, StopReason.MISUSE, now=NOW)
    for actor, reason in (
        (ANYONE, Reason.UNAUTHENTICATED),
        (builders.actor(store, Role.AUDITOR), Reason.ROLE_MISSING),
        (Actor(account=reader, scopes=frozenset({Scope.READ})), Reason.SCOPE_MISSING),
        (suspended, Reason.SUSPENDED),
    ):
        with pytest.raises(Denied) as caught, store.begin() as tx:
            terms.accept(tx, actor, shown(in_force), now=NOW, new_id=new_id)
        assert caught.value.decision.reason is reason


def test_nobody_accepts_what_is_not_there_a_draft_or_about_minors(store: Store, in_force: Terms) -> None:
    publisher, reader = builders.actor(store, Role.PUBLISHER), builders.actor(store)
    builders.published(store, publisher, full_name="demo/minors", keys=builders.warrant(persons="minors"))
    with store.begin() as tx:
        publish.open_draft(tx, publisher, Kind.DATASET, "demo/draft", now=NOW, new_id=new_id)
    for name in ("absent", "draft", "minors"):
        with pytest.raises(Denied) as caught, store.begin() as tx:
            terms.accept(tx, reader, shown(in_force, name=name), now=NOW, new_id=new_id)
        assert caught.value.decision.reason is Reason.NOT_FOUND


def test_a_later_major_version_asks_again_and_a_minor_one_does_not(store: Store, publisher: Actor) -> None:
    publish_terms(store, publisher, "be kind")
    builders.published(store, publisher)
    reader = builders.actor(store)
    builders.accepted(store, reader)

    def status() -> AcceptanceStatus:
        assert reader.account is not None
        with store.read() as tx:
            asked = tx.facts.ground(account_id=reader.account.id, ns="demo", name="street-faces", ref="main")
            return asked.facts.acceptance

    assert status() is AcceptanceStatus.IN_FORCE
    publish_terms(store, publisher, "be kinder")
    assert status() is AcceptanceStatus.IN_FORCE
    publish_terms(store, publisher, "be kind", major=True)
    assert status() is AcceptanceStatus.OUTDATED, "an earlier text that comes again is accepted again"
    builders.accepted(store, reader)
    assert status() is AcceptanceStatus.IN_FORCE
