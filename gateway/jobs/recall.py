"""After a recall is issued: letters, reminders, the deadline, and copies that others serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage

from catalog.actions import letters, overdue
from catalog.actions.letters import Letter
from catalog.actions.recall import COPIES_JOB, DEADLINE_JOB, MAIL_JOB
from catalog.ports import Clock, NewId, Store
from gateway.jobs.mail import MailServer

log = logging.getLogger("hubgate.jobs")

LETTERS = 50  # in one connection, and between two renewals of the lease
TURN = 200  # letters before other jobs get their turn
HOLDERS = 500  # marked in one commit


class RecallMail:
    """Writes to holders. Without a server it does nothing: the account page and the SDK tell all the same."""

    kind = MAIL_JOB

    def __init__(
        self, store: Store, server: MailServer | None, compose: Callable[[Letter], EmailMessage], *, clock: Clock
    ) -> None:
        self._store = store
        self._server = server
        self._compose = compose
        self._clock = clock

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        """Write to those of this round who were not written to yet. Raises MailFailed: the rest comes later."""
        if self._server is None:
            return
        notice_id, number = str(payload["notice"]), int(str(payload["round"]))
        after, turn = str(payload.get("after", "")), TURN
        while True:
            step()
            with self._store.read() as tx:
                mailing = letters.due(tx, notice_id, number, after=after, limit=LETTERS, now=self._clock())
            if mailing.letters:
                asyncio.run(self._post(self._server, mailing.letters))
            if mailing.after is None:
                return
            after, turn = mailing.after, turn - len(mailing.letters)
            if turn <= 0:
                with self._store.begin() as tx:
                    rest = {"notice": notice_id, "round": number, "after": after}
                    tx.outbox.enqueue(MAIL_JOB, dict(rest), self._clock())
                return

    async def _post(self, server: MailServer, batch: Sequence[Letter]) -> None:
        written = iter(batch)
        async for error in server.send(self._compose(letter) for letter in batch):
            letter = next(written)
            if error is not None:
                log.warning("a letter about %s was refused: %s", letter.recall.notice_id, error)
            with self._store.begin() as tx:
                letters.posted(tx, letter, error=error, now=self._clock())


class RecallDeadline:
    """Marks those who have not answered in time, and asks the operators to decide."""

    kind = DEADLINE_JOB

    def __init__(self, store: Store, *, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        marked = 1
        while marked:
            step()
            with self._store.begin() as tx:
                marked = overdue.pass_deadline(
                    tx, str(payload["notice"]), HOLDERS, now=self._clock(), new_id=self._new_id
                )


class RecallCopies:
    """Tells the operators of other assets that still serve what was stopped for good."""

    kind = COPIES_JOB

    def __init__(self, store: Store, *, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def run(self, payload: Mapping[str, object], step: Callable[[], None]) -> None:
        step()
        with self._store.read() as tx:
            found = overdue.copies_to_tell(tx, str(payload["notice"]))
        with self._store.begin() as tx:
            overdue.tell_of_copies(tx, str(payload["notice"]), found, now=self._clock(), new_id=self._new_id)
