"""What is left for people: holders who have not answered, what was made from a stopped source, copies elsewhere."""

from __future__ import annotations

from datetime import datetime

from catalog.actions import accounts
from catalog.actions.authority import authorise
from catalog.actions.lineage import open_task
from catalog.actions.receipts import move
from catalog.errors import Conflict, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened
from catalog.policy import names
from catalog.policy import recall as rules
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.recalls import Elsewhere, Holder, HolderState, Task, TaskAnswer, TaskKind
from catalog.vocabulary import Account, Actor, Role

CLOCK = "rule:deadline-passed"
SAME = "rule:served-elsewhere"
COPIES_NAMED = 20
NOWHERE = Elsewhere(first=(), count=0)
MAX_NOTE = 2000
OF_OPERATORS = frozenset({TaskAnswer.SEEN_TO})
ANSWERS = {
    TaskKind.RECALL_OVERDUE: OF_OPERATORS,
    TaskKind.SERVED_ELSEWHERE: OF_OPERATORS,
    TaskKind.SOURCE_STOPPED: frozenset(TaskAnswer) - OF_OPERATORS,
}


def pass_deadline(tx: Transaction, notice_id: str, limit: int, *, now: datetime, new_id: NewId) -> int:
    """Mark up to `limit` holders who have not answered in time, and ask the operators to decide; gives how many.

    Call until it gives 0.
    """
    sent = tx.recalls.of_notice(notice_id)
    if not sent or sent[0].deadline_at is None or now < sent[0].deadline_at:
        return 0
    silent = tx.recalls.holders(notice_id, states=tuple(rules.OPEN), limit=limit)
    for holder in silent:
        tx.recalls.change(notice_id, holder.account_id, overdue_at=now)
        move(tx, holder, HolderState.OVERDUE, actor=CLOCK, now=now)
    asked = [task for task in tx.tasks.of_notice(notice_id) if task.kind is TaskKind.RECALL_OVERDUE]
    if silent and all(task.closed_at is not None for task in asked):
        open_task(tx, TaskKind.RECALL_OVERDUE, notice_id, sent[0].asset_id, actor=CLOCK, now=now, new_id=new_id)
    return len(silent)


def copies(tx: Transaction, notice_id: str) -> Elsewhere:
    """What other assets serve of what was stopped for good, or would when a hold is lifted."""
    sent = tx.recalls.of_notice(notice_id)
    return tx.recalls.elsewhere(sent[0], COPIES_NAMED) if sent else NOWHERE


def copies_to_tell(tx: Transaction, notice_id: str) -> Elsewhere:
    """The same, where some of it is news: an open task shows what it is about as that stands at any time."""
    sent = tx.recalls.of_notice(notice_id)
    asked = [task for task in tx.tasks.waiting() if task.kind is TaskKind.SERVED_ELSEWHERE]
    known = [tx.recalls.of_notice(task.notice_id)[0] for task in asked]
    is_news = bool(sent) and tx.recalls.elsewhere(sent[0], 1, known).count > 0
    return copies(tx, notice_id) if is_news else NOWHERE


def still_elsewhere(tx: Transaction, task: Task) -> Elsewhere | None:
    """What an open task about copies finds now. None for any other task."""
    is_open = task.kind is TaskKind.SERVED_ELSEWHERE and task.closed_at is None
    return copies(tx, task.notice_id) if is_open else None


def tell_of_copies(tx: Transaction, notice_id: str, found: Elsewhere, *, now: datetime, new_id: NewId) -> None:
    """Ask the operators to decide about these, once for a notice."""
    sent = tx.recalls.of_notice(notice_id)
    told = any(task.kind is TaskKind.SERVED_ELSEWHERE for task in tx.tasks.of_notice(notice_id))
    if not sent or not found.count or told:
        return
    named = "\n".join(found.lines)
    open_task(
        tx, TaskKind.SERVED_ELSEWHERE, notice_id, sent[0].asset_id, note=named, actor=SAME, now=now, new_id=new_id
    )


def excuse(tx: Transaction, actor: Actor, notice_id: str, name: str, *, now: datetime) -> Holder:
    """An operator's word that nothing more is expected of this account in this recall. Raises NotFound, Conflict."""
    operator = authorise(tx, actor, Act.DECIDE_RECALL)
    holder = _holder(tx, notice_id, name)
    if holder.state in rules.DONE:
        raise Conflict("holder-answered", name=name, notice=notice_id)
    if tx.recalls.of_notice(notice_id)[0].deadline_at is None:
        raise Conflict("recall-closed", notice=notice_id)
    tx.recalls.change(notice_id, holder.account_id, excused_by=operator.id)
    move(tx, holder, HolderState.EXEMPT, actor=operator.id, now=now)
    accounts.restore_after_answer(tx, holder.account_id, now=now)
    return _holder(tx, notice_id, name)


def answer_task(tx: Transaction, actor: Actor, task_id: str, answer: TaskAnswer, note: str, *, now: datetime) -> Task:
    """The word that closes a task: its publisher's, or an operator's. Raises NotFound, Denied, Conflict, Invalid."""
    account = authorise(tx, actor, Act.ANSWER_TASK)
    task = tx.tasks.get(task_id)
    if task is None or not may_see(account, task):
        raise NotFound("no-such-task", id=task_id)
    if task.closed_at is not None:
        raise Conflict("task-closed", id=task_id)
    note = note.strip()
    wrong: dict[str, Flaw] = {}
    if answer not in ANSWERS[task.kind]:
        wrong["answer"] = Flaw(Wrong.ONE_OF, values=", ".join(sorted(ANSWERS[task.kind])))
    if not note:
        wrong["note"] = Flaw(Wrong.MISSING)
    elif len(note) > MAX_NOTE or not names.is_text(note):
        wrong["note"] = Flaw(Wrong.CHARACTERS, least=1, most=MAX_NOTE)
    if wrong:
        raise Invalid(wrong)
    tx.tasks.close(task_id, now, account.id, answer, f"{task.note}\n\n{note}".strip())
    data: dict[str, object] = {"answer": answer.value}
    tx.append(Happened(kind=EventKind.TASK_CLOSED, subject=f"task:{task_id}", data=data), actor=account.id, at=now)
    closed = tx.tasks.get(task_id)
    return task if closed is None else closed


def may_see(account: Account, task: Task) -> bool:
    """Operators see every task, a publisher those that wait for them."""
    return account.role is Role.OPERATOR or task.assignee_id == account.id


def _holder(tx: Transaction, notice_id: str, name: str) -> Holder:
    account = tx.accounts.named(name)
    holder = None if account is None else tx.recalls.holder(notice_id, account.id)
    if holder is None:
        raise NotFound("no-such-holder", name=name, notice=notice_id)
    return holder
