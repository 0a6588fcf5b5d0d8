"""The present state in the shape that the ledger's fold gives, so that the two can be compared."""

from __future__ import annotations

from sqlalchemy import select

from catalog.events import account_subject, item_subject, token_subject, version_subject
from catalog.store.tables.accounts import accounts, tokens
from catalog.store.tables.assets import versions
from catalog.store.tables.base import Link
from catalog.store.tables.complaints import complaints
from catalog.store.tables.stops import notices, stopped_items
from catalog.store.tables.terms import acceptances, terms


class ProjectionRecords:
    def __init__(self, link: Link) -> None:
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
            **{f"complaint:{row.case_id}": row.state for row in run(select(complaints.c.case_id, complaints.c.state))},
        }
