"""What holders answer, who of an account is still silent, and when it is too late."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest

from catalog.actions import accounts, boards, credentials, overdue, receipts
from catalog.errors import CatalogError, Conflict, Denied, Invalid, NotFound, TooMany
from catalog.policy import recall as rules
from catalog.ports import Store
from catalog.recalls import CopiesOutside, Holder, HolderState, Install, Outcome, TaskAnswer, TaskKind
from catalog.vocabulary import Account, AccountState, Actor, Role, Stop, StopReason, Version
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"
ITEM = builders.item("a.jpg", b"a")
DELETED = {Outcome.DELETED: 1}
DEADLINE = NOW + rules.ANSWER_WITHIN


class Scene:
    """One item of one version, withheld; readers fetch it before, each with installs of their own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.operator = builders.actor(store, Role.OPERATOR)
        builders.published_terms(store)
        self.version: Version = builders.published(store, self.operator, ITEM, builders.item("b.jpg", b"b"))
        self.notice = ""

    def reader(self) -> Account:
        account = builders.actor(self.store).account
        assert account is not None
        return account

    def install(self, account: Account, *, name: str = "laptop", fetches: bool = True) -> Install:
        """A machine with a token of its own, which has fetched the item when `fetches`."""
        with self.store.begin() as tx:
            _, token = credentials.create_token(tx, account, scopes=None, now=NOW, new_id=new_id)
            actor = Actor(account=account, scopes=token.scopes, token_id=token.id)
            made, new = receipts.register(tx, actor, secrets.token_bytes(32), new_id(32), name, now=NOW)
        assert new
        if fetches:
            builders.delivered(self.store, actor, self.version, "a.jpg", token=token.id)
        return made

    def by_curl(self, account: Account) -> None:
        """A fetch with a token that no install has."""
        builders.delivered(
            self.store, Actor(account=account, scopes=frozenset()), self.version, "a.jpg", token="t-of-curl"
        )

    def withhold(self, act: Stop = Stop.WITHHOLD) -> str:
        self.notice = builders.stopped(self.store, self.operator, act, f"{NAME}@{self.version.id}:a.jpg").id
        return self.notice

    def answer(
        self,
        account: Account,
        install: Install,
        counts: Mapping[Outcome, int] = DELETED,
        *,
        listed: Mapping[str, Outcome] | None = None,
        nonce: str = "",
        now: datetime = NOW,
        notice: str = "",
    ) -> tuple[HolderState, list[str]]:
        told = {ITEM.sha256: next(iter(counts))} if listed is None and len(counts) == 1 else (listed or {})
        statement = receipts.Statement(
            install_id=install.id,
            nonce=nonce or secrets.token_hex(16),
            sha256="0" * 64,
            counts=counts,
            listed=told,
            copies_outside=CopiesOutside.UNKNOWN,
            envelope="{}",
        )
        with self.store.begin() as tx:
            _, holder, waiting = receipts.answer(
                tx, account, notice or self.notice, statement, 1, now=now, new_id=new_id
            )
        assert builders.events_and_tables_agree(self.store)
        return holder.state, waiting

    def by_hand(self, account: Account, outcome: Outcome, note: str = "", now: datetime = NOW) -> HolderState:
        with self.store.begin() as tx:
            _, holder = receipts.state_by_hand(tx, account, self.notice, outcome, note, 1, now=now, new_id=new_id)
        assert builders.events_and_tables_agree(self.store)
        return holder.state

    def holder(self, account: Account) -> Holder:
        with self.store.read() as tx:
            found = tx.recalls.holder(self.notice, account.id)
        assert found is not None
        return found

    def deadline(self, limit: int = 100, now: datetime = DEADLINE) -> int:
        with self.store.begin() as tx:
            return overdue.pass_deadline(tx, self.notice, limit, now=now, new_id=new_id)


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def refused(kind: type[CatalogError], code: str, scene: Scene, account: Account, act: object) -> None:
    """The act fails, and nothing of the account's part in the recall has changed."""
    with scene.store.read() as tx:
        before = tx.recalls.holder(scene.notice, account.id), tx.recalls.receipts(scene.notice), tx.ledger.position()
    with pytest.raises(kind) as caught:
        act()  # type: ignore[operator]
    assert caught.value.code == code
    with scene.store.read() as tx:
        after = tx.recalls.holder(scene.notice, account.id), tx.recalls.receipts(scene.notice), tx.ledger.position()
    assert after == before


# what an answer comes to


@pytest.mark.parametrize(
    ("outcome", "state", "removed"),
    [
        (Outcome.DELETED, HolderState.CLAIMED, 1),
        (Outcome.ABSENT, HolderState.CLAIMED, 0),
        (Outcome.KEPT_BY_LAW, HolderState.EXEMPT, 0),
        (Outcome.LOCKED, HolderState.FETCHED, 0),
        (Outcome.MODIFIED, HolderState.FETCHED, 0),
    ],
)
def test_each_outcome_leads_to_its_state(scene: Scene, outcome: Outcome, state: HolderState, removed: int) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    assert scene.answer(reader, laptop, {outcome: 1}) == (state, [])
    assert scene.holder(reader).removed == removed
    with scene.store.read() as tx:
        counts = tx.recalls.counts([scene.notice])
    assert counts.holders == 1
    assert sum((counts.waiting, counts.deleted, counts.absent, counts.exempt, counts.overdue)) == 1
    assert (counts.deleted, counts.absent) == (int(outcome is Outcome.DELETED), int(outcome is Outcome.ABSENT))


def test_of_all_that_a_case_has_stopped_each_holder_counts_once_where_it_stands_worst(scene: Scene) -> None:
    both, fast, firm, gone = (scene.reader() for _ in range(4))
    for reader in (both, fast, firm, gone):
        scene.by_curl(reader)
    only_second = scene.reader()
    for reader in (both, fast, firm, only_second):
        builders.delivered(scene.store, Actor(account=reader, scopes=frozenset()), scene.version, "b.jpg")

    def counted(*notices: str) -> dict[str, int]:
        with scene.store.read() as tx:
            counts = boards.counts_for_case(tx, [notice for one in notices if (notice := tx.stops.notice(one))])
        assert counts is not None
        return {name: count for name, count in asdict(counts).items() if count}

    first = scene.withhold()
    for reader in (both, fast, gone):
        scene.by_hand(reader, Outcome.DELETED)
    scene.by_hand(firm, Outcome.KEPT_BY_LAW, "by law")
    assert counted(first) == {"holders": 4, "deleted": 3, "exempt": 1}
    scene.notice = builders.stopped(scene.store, scene.operator, Stop.WITHHOLD, f"{NAME}@{scene.version.id}:b.jpg").id
    assert counted(first, scene.notice) == {"holders": 5, "deleted": 1, "waiting": 4}
    scene.by_hand(fast, Outcome.DELETED)
    scene.by_hand(firm, Outcome.DELETED)
    scene.by_hand(both, Outcome.ABSENT)
    assert counted(first, scene.notice) == {"holders": 5, "deleted": 2, "absent": 1, "exempt": 1, "waiting": 1}
    scene.deadline()
    assert counted(first, scene.notice) == {"holders": 5, "deleted": 2, "absent": 1, "exempt": 1, "overdue": 1}
    held = builders.stopped(scene.store, scene.operator, Stop.HOLD, NAME).id
    assert counted(first, scene.notice, held)["holders"] == 5
    with scene.store.read() as tx:
        assert boards.counts_for_case(tx, [notice for notice in [tx.stops.notice(held)] if notice]) is None


def test_a_later_receipt_of_an_install_takes_the_former_ones_place(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    assert scene.answer(reader, laptop, {Outcome.LOCKED: 1})[0] is HolderState.FETCHED
    assert scene.answer(reader, laptop)[0] is HolderState.CLAIMED
    assert scene.answer(reader, laptop, {Outcome.MODIFIED: 1})[0] is HolderState.FETCHED, "a claim can be taken back"


def test_an_account_has_answered_when_every_install_that_fetched_has(scene: Scene) -> None:
    reader = scene.reader()
    laptop, server, idle = (
        scene.install(reader, name="laptop"), scene.install(reader, name="server"),
        scene.install(reader, name="idle", fetches=False),
    )  # fmt: skip
    scene.withhold()
    assert scene.answer(reader, laptop) == (HolderState.FETCHED, ["server"])
    assert scene.answer(reader, idle, {Outcome.ABSENT: 1}) == (HolderState.FETCHED, ["server"])
    assert scene.answer(reader, server) == (HolderState.CLAIMED, [])


def test_copies_that_another_program_fetched_wait_for_the_persons_own_word(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.by_curl(reader)
    scene.withhold()
    assert scene.answer(reader, laptop) == (HolderState.FETCHED, [receipts.AWAY])
    assert scene.by_hand(reader, Outcome.DELETED) is HolderState.CLAIMED


def test_the_persons_word_stands_for_every_machine_until_one_says_otherwise(scene: Scene) -> None:
    reader = scene.reader()
    laptop, _ = scene.install(reader), scene.install(reader, name="server")
    scene.withhold()
    assert scene.answer(reader, laptop, {Outcome.MODIFIED: 1})[0] is HolderState.FETCHED
    assert scene.by_hand(reader, Outcome.ABSENT) is HolderState.CLAIMED
    assert scene.holder(reader).removed == 0
    assert scene.answer(reader, laptop, {Outcome.LOCKED: 1})[0] is HolderState.FETCHED
    assert scene.by_hand(reader, Outcome.KEPT_BY_LAW, "a court keeps it") is HolderState.EXEMPT


def test_the_persons_word_needs_a_reason_where_copies_are_kept(scene: Scene) -> None:
    reader = scene.reader()
    scene.by_curl(reader)
    scene.withhold()
    refused(Invalid, "invalid", scene, reader, lambda: scene.by_hand(reader, Outcome.KEPT_BY_LAW))
    refused(Invalid, "invalid", scene, reader, lambda: scene.by_hand(reader, Outcome.LOCKED))
    refused(Invalid, "invalid", scene, reader, lambda: scene.by_hand(reader, Outcome.DELETED, "\ud800"))


def test_nobody_waits_for_a_machine_that_its_owner_has_retired(scene: Scene) -> None:
    reader = scene.reader()
    laptop, gone = scene.install(reader), scene.install(reader, name="gone")
    scene.withhold()
    assert scene.answer(reader, laptop) == (HolderState.FETCHED, ["gone"])
    with scene.store.begin() as tx:
        receipts.retire(tx, reader, gone.id, now=NOW)
    assert scene.holder(reader).state is HolderState.CLAIMED
    assert builders.events_and_tables_agree(scene.store)
    refused(Denied, "install-unknown", scene, reader, lambda: scene.answer(reader, gone))


# receipts that are refused change nothing


def test_a_receipt_is_accepted_once(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    scene.answer(reader, laptop, {Outcome.LOCKED: 1}, nonce="a" * 32)
    refused(Conflict, "receipt-known", scene, reader, lambda: scene.answer(reader, laptop, nonce="a" * 32))
    assert scene.answer(reader, laptop, nonce="b" * 32)[0] is HolderState.CLAIMED


def test_a_receipt_by_another_accounts_install_is_refused(scene: Scene) -> None:
    reader, stranger = scene.reader(), scene.reader()
    scene.install(reader)
    foreign = scene.install(stranger)
    scene.withhold()
    refused(Denied, "install-unknown", scene, reader, lambda: scene.answer(reader, foreign))
    unknown = replace(foreign, id="0" * 32)
    refused(Denied, "install-unknown", scene, reader, lambda: scene.answer(reader, unknown))


def test_an_account_that_was_sent_nothing_cannot_answer(scene: Scene) -> None:
    reader, other = scene.reader(), scene.reader()
    scene.install(reader)
    idle = scene.install(other, fetches=False)
    scene.withhold()
    refused(NotFound, "not-found", scene, reader, lambda: scene.answer(other, idle))
    refused(NotFound, "not-found", scene, reader, lambda: scene.answer(other, idle, notice="N-000000000000"))
    refused(NotFound, "not-found", scene, reader, lambda: scene.by_hand(other, Outcome.DELETED))


def test_a_hold_takes_no_receipt(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold(Stop.HOLD)
    refused(Conflict, "recall-closed", scene, reader, lambda: scene.answer(reader, laptop))
    refused(Conflict, "recall-closed", scene, reader, lambda: scene.by_hand(reader, Outcome.DELETED))


@pytest.mark.parametrize(
    ("counts", "listed"),
    [
        ({Outcome.DELETED: 2}, {ITEM.sha256: Outcome.DELETED}),
        ({}, {}),
        ({Outcome.DELETED: 2, Outcome.ABSENT: -1}, {}),
        ({Outcome.LOCKED: 1}, {}),
        ({Outcome.DELETED: 1}, {ITEM.sha256: Outcome.ABSENT}),
        ({Outcome.DELETED: 1}, {"f" * 64: Outcome.DELETED}),
    ],
)
def test_a_statement_that_does_not_add_up_is_refused(
    scene: Scene, counts: dict[Outcome, int], listed: dict[str, Outcome]
) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    refused(Invalid, "invalid", scene, reader, lambda: scene.answer(reader, laptop, counts, listed=listed))


# installs


def test_an_install_is_known_again_under_a_new_name_and_with_a_new_token(scene: Scene) -> None:
    reader = scene.reader()
    key = secrets.token_bytes(32)

    def register(account: Account, name: str, token: str | None = None) -> tuple[Install, bool]:
        with scene.store.begin() as tx:
            if token is None:
                _, made = credentials.create_token(tx, account, scopes=None, now=NOW, new_id=new_id)
                token = made.id
            actor = Actor(account=account, scopes=frozenset(), token_id=token)
            return receipts.register(tx, actor, key, "1" * 32, name, now=NOW)

    first, new = register(reader, "laptop")
    again, anew = register(reader, " old laptop ")
    assert (new, anew, first.id, again.name) == (True, False, again.id, "old laptop")
    with scene.store.read() as tx:
        assert len(tx.installs.tokens(reader.id)) == 2
    with pytest.raises(Conflict, match="install-taken"):
        register(scene.reader(), "thief")
    for name in ("", "x" * 81, "two\nlines", "\ud800"):
        with pytest.raises(Invalid):
            register(reader, name)
    with scene.store.begin() as tx:
        receipts.retire(tx, reader, first.id, now=NOW)
    assert register(reader, "laptop")[0].retired_at is None
    assert builders.events_and_tables_agree(scene.store)


def test_an_account_has_so_many_installs_and_no_more(scene: Scene) -> None:
    reader = scene.reader()
    with scene.store.begin() as tx:
        actor = Actor(account=reader, scopes=frozenset())
        for number in range(rules.MAX_INSTALLS):
            receipts.register(tx, actor, secrets.token_bytes(32), f"{number:032}", "m", now=NOW)
        with pytest.raises(TooMany):
            receipts.register(tx, actor, secrets.token_bytes(32), "f" * 32, "m", now=NOW)


def test_only_an_accounts_own_install_can_be_retired_and_only_once(scene: Scene) -> None:
    reader, other = scene.reader(), scene.reader()
    laptop = scene.install(reader)
    for account, install in ((other, laptop.id), (reader, "0" * 32)):
        with pytest.raises(NotFound), scene.store.begin() as tx:
            receipts.retire(tx, account, install, now=NOW)
    with scene.store.begin() as tx:
        receipts.retire(tx, reader, laptop.id, now=NOW)
    with pytest.raises(NotFound), scene.store.begin() as tx:
        receipts.retire(tx, reader, laptop.id, now=NOW)


# the deadline, and what people decide


def test_at_the_deadline_those_who_have_not_answered_are_overdue_and_one_task_opens(scene: Scene) -> None:
    silent, locked, done = scene.reader(), scene.reader(), scene.reader()
    installs = {account.id: scene.install(account) for account in (silent, locked, done)}
    scene.withhold()
    scene.answer(locked, installs[locked.id], {Outcome.LOCKED: 1})
    scene.answer(done, installs[done.id])
    assert scene.deadline(now=DEADLINE - timedelta(seconds=1)) == 0
    assert [scene.deadline(limit=1) for _ in range(3)] == [1, 1, 0]
    states = [scene.holder(account).state for account in (silent, locked, done)]
    assert states == [HolderState.OVERDUE, HolderState.OVERDUE, HolderState.CLAIMED]
    with scene.store.read() as tx:
        (task,) = tx.tasks.waiting()
    assert (task.kind, task.notice_id, task.assignee_id) == (TaskKind.RECALL_OVERDUE, scene.notice, None)
    assert task.due_at > DEADLINE
    assert builders.events_and_tables_agree(scene.store)
    after = DEADLINE + timedelta(days=1)
    assert scene.answer(locked, installs[locked.id], {Outcome.MODIFIED: 1}, now=after)[0] is HolderState.OVERDUE
    assert scene.answer(silent, installs[silent.id], now=after)[0] is HolderState.CLAIMED


def test_where_all_have_answered_no_task_opens_and_a_hold_has_no_deadline(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold(Stop.HOLD)
    assert scene.deadline() == 0
    scene.withhold()
    scene.answer(reader, laptop)
    assert scene.deadline() == 0
    with scene.store.read() as tx:
        assert tx.tasks.waiting() == []


def test_downloads_stopped_until_there_is_an_answer_flow_again_with_it(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    scene.deadline()

    def state() -> AccountState:
        with scene.store.read() as tx:
            account = tx.accounts.get(reader.id)
        assert account is not None
        return account.state

    with scene.store.begin() as tx:
        accounts.suspend_until_answered(tx, scene.operator, reader.name, scene.notice, now=DEADLINE)
    assert state() is AccountState.SUSPENDED
    assert scene.answer(reader, laptop, {Outcome.LOCKED: 1}, now=DEADLINE)[0] is HolderState.OVERDUE
    assert state() is AccountState.SUSPENDED, "a locked file is no answer"
    scene.answer(reader, laptop, now=DEADLINE)
    assert state() is AccountState.ACTIVE
    assert scene.holder(reader).suspended_at is None


def test_a_suspension_for_another_reason_outlives_the_answer(scene: Scene) -> None:
    reader = scene.reader()
    laptop = scene.install(reader)
    scene.withhold()
    with scene.store.begin() as tx:
        accounts.suspend_until_answered(tx, scene.operator, reader.name, scene.notice, now=NOW)
        accounts.restore(tx, scene.operator, reader.name, "error", now=NOW)
        accounts.suspend(tx, scene.operator, reader.name, StopReason.MISUSE, now=NOW)
    scene.answer(reader, laptop)
    with scene.store.read() as tx:
        account = tx.accounts.get(reader.id)
    assert account is not None
    assert account.state is AccountState.SUSPENDED


def test_an_operator_decides_only_about_holders_who_have_not_answered(scene: Scene) -> None:
    silent, done, stranger = scene.reader(), scene.reader(), scene.reader()
    laptop = scene.install(done)
    scene.install(silent)
    scene.withhold()
    scene.answer(done, laptop)

    def excuse(account: Account, by: Actor = scene.operator) -> None:
        with scene.store.begin() as tx:
            overdue.excuse(tx, by, scene.notice, account.name, now=NOW)

    def suspend(account: Account) -> None:
        with scene.store.begin() as tx:
            accounts.suspend_until_answered(tx, scene.operator, account.name, scene.notice, now=NOW)

    for act in (excuse, suspend):
        with pytest.raises(Conflict, match="holder-answered"):
            act(done)
        with pytest.raises(NotFound, match="no-such-holder"):
            act(stranger)
    with pytest.raises(Denied):
        excuse(silent, builders.actor(scene.store, Role.PUBLISHER))
    excuse(silent)
    assert (scene.holder(silent).state, scene.holder(done).state) == (HolderState.EXEMPT, HolderState.CLAIMED)
    assert scene.deadline() == 0
    assert builders.events_and_tables_agree(scene.store)


def test_a_task_closes_once_with_a_word_that_fits_it(scene: Scene) -> None:
    scene.install(scene.reader())
    scene.withhold()
    scene.deadline()
    with scene.store.read() as tx:
        (task,) = tx.tasks.waiting()

    def close(
        answer: TaskAnswer, note: str = "called them", by: Actor = scene.operator, task_id: str = task.id
    ) -> None:
        with scene.store.begin() as tx:
            overdue.answer_task(tx, by, task_id, answer, note, now=NOW)

    with pytest.raises(Invalid):
        close(TaskAnswer.RETRAINED)
    with pytest.raises(Invalid):
        close(TaskAnswer.SEEN_TO, " ")
    with pytest.raises(NotFound):
        close(TaskAnswer.SEEN_TO, by=builders.actor(scene.store, Role.PUBLISHER))
    with pytest.raises(NotFound):
        close(TaskAnswer.SEEN_TO, task_id="T-000000000000")
    close(TaskAnswer.SEEN_TO)
    with pytest.raises(Conflict, match="task-closed"):
        close(TaskAnswer.SEEN_TO)
    with scene.store.read() as tx:
        assert tx.tasks.waiting() == []
    assert builders.events_and_tables_agree(scene.store)


def test_machines_of_one_name_that_are_silent_are_told_apart(scene: Scene) -> None:
    account = scene.reader()
    first, second = (scene.install(account, name="vm") for _ in range(2))
    scene.by_curl(account)
    scene.withhold()
    with scene.store.read() as tx:
        sent = tx.recalls.of_notice(scene.notice)[0]
        assert receipts.silent(tx, sent, account.id) == ["vm", "vm", receipts.AWAY]
        silent = receipts.silent_installs(tx, sent, account.id)
    assert {None if install is None else install.id for install in silent} == {first.id, second.id, None}
