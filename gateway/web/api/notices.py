"""The public face of a stop: what a 451 points to. Reason and dates, never a complainant."""

from __future__ import annotations

from catalog.errors import NotFound
from catalog.ports import Transaction
from catalog.vocabulary import Notice
from gateway.web.replies import moment


def find(tx: Transaction, notice_id: str) -> Notice:
    """Raises NotFound."""
    notice = tx.stops.notice(notice_id)
    if notice is None:
        raise NotFound()
    return notice


def record(notice: Notice, appeal_url: str) -> dict[str, object]:
    """The path of an item is not told: whoever had it knows it, and nobody else need learn it."""
    return {
        "notice": notice.id,
        "act": notice.act.value,
        "asset": notice.subject.partition("@")[0],
        "version": notice.version_id,
        "scope": "item" if notice.sha256 else "version" if notice.version_id else "asset",
        "reason_code": notice.reason.value,
        "since": moment(notice.placed_at),
        "lifted_at": moment(notice.lifted_at),
        "appeal_url": appeal_url,
    }
