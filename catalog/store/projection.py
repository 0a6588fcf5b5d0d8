"""The present state in the shape that the ledger's fold gives, so that the two can be compared."""

from __future__ import annotations

from sqlalchemy import select

from catalog.events import (
    account_subject,
    flag_subject,
    grant_subject,
    holder_subject,
    item_subject,
    recall_subject,
    slot_subject,
    token_subject,
    version_subject,
)
from catalog.ledger.fold import WAITING
from catalog.policy.recall import fingerprint
from catalog.store.tables.accounts import accounts, tokens
from catalog.store.tables.assets import assets, shards, versions
from catalog.store.tables.base import Link
from catalog.store.tables.complaints import complaints
from catalog.store.tables.grants import grants
from catalog.store.tables.installs import installs
from catalog.store.tables.recalls import RecallRecords, recall_holders, receipts
from catalog.store.tables.stops import notices, stopped_items
from catalog.store.tables.tasks import flags, tasks
from catalog.store.tables.terms import acceptances, terms


class ProjectionRecords:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._db = link.connection

    def snapshot(self) -> dict[str, str]:
        run = self._db.execute
        return {
            **{account_subject(row.id): row.state for row in run(select(accounts))},
            **{
                token_subject(row.id): "created" if row.revoked_at is None else "revoked" for row in run(select(tokens))
            },
            **{f"terms:{row.id}:{row.major}.{row.minor}": row.sha256 for row in run(select(terms))},
            **{f"acceptance:{row.id}": row.terms_sha256 for row in run(select(acceptances))},
            **{version_subject(row.id): row.state for row in run(select(versions.c.id, versions.c.state))},
            **{item_subject(row.asset_id, row.sha256): row.state for row in run(select(stopped_items))},
            **{f"notice:{row.id}": "stands" if row.lifted_at is None else "lifted" for row in run(select(notices))},
            **{f"gate:{row.id}": "manual" for row in run(select(assets.c.id).where(assets.c.gate == "manual"))},
            **{grant_subject(row.asset_id, row.account_id): row.approval for row in run(select(grants))},
            **{f"complaint:{row.case_id}": row.state for row in run(select(complaints.c.case_id, complaints.c.state))},
            **{
                f"install:{row.id}": "registered" if row.retired_at is None else "retired"
                for row in run(select(installs))
            },
            **self._slots(),
            **self._recalls(),
            **{f"receipt:{row.id}": row.sha256 for row in run(select(receipts.c.id, receipts.c.sha256))},
            **{flag_subject(row.version_id, row.notice_id): "flagged" for row in run(select(flags))},
            **{f"task:{row.id}": "open" if row.closed_at is None else "closed" for row in run(select(tasks))},
        }

    def _slots(self) -> dict[str, str]:
        """What is listed of each slot that does not list what was released."""
        listed: dict[str, str | None] = {}
        for row in self._db.execute(select(shards)):
            subject = slot_subject(row.version_id, row.slot)
            listed.setdefault(subject, "none")
            if row.listed:
                listed[subject] = row.path if row.without else None
        return {subject: path for subject, path in listed.items() if path is not None}

    def _recalls(self) -> dict[str, str]:
        """Each message with whom it went to, and each holder who has answered or is late."""
        sent: dict[int, list[str]] = {}
        state: dict[str, str] = {}
        for row in self._db.execute(select(recall_holders)):
            sent.setdefault(row.seq, []).append(row.account_id)
            if row.state not in WAITING:
                state[holder_subject(row.notice_id, row.account_id)] = row.state
        for recall in RecallRecords(self._link).everything():
            state[recall_subject(recall.seq)] = fingerprint(recall, sent.get(recall.seq, []))
        return state
