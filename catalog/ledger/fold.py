"""What the events alone say the state is. Pure; the store's tables are held against it by `hubgate verify`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalog.events import EventKind
from catalog.vocabulary import Event

# The state a subject has after an event of that kind; None takes the subject out of the picture.
STATE_AFTER: Mapping[EventKind, str | None] = {
    EventKind.ACCOUNT_CREATED: "active",
    EventKind.ACCOUNT_SUSPENDED: "suspended",
    EventKind.ACCOUNT_RESTORED: "active",
    EventKind.TOKEN_CREATED: "created",
    EventKind.TOKEN_REVOKED: "revoked",
    EventKind.VERSION_OPENED: "draft",
    EventKind.VERSION_DISCARDED: None,
    EventKind.VERSION_PUBLISHED: "published",
    EventKind.VERSION_HELD: "held",
    EventKind.VERSION_RELEASED: "published",
    EventKind.VERSION_REVOKED: "revoked",
    EventKind.ITEM_HELD: "held",
    EventKind.ITEM_WITHHELD: "withheld",
    EventKind.ITEM_RELEASED: None,
    EventKind.NOTICE_ISSUED: "stands",
    EventKind.NOTICE_LIFTED: "lifted",
    EventKind.COMPLAINT_FILED: "open",
    EventKind.COMPLAINT_UPHELD: "upheld",
    EventKind.COMPLAINT_DISMISSED: "dismissed",
    EventKind.GATE_MANUAL: "manual",
    EventKind.GATE_AUTO: None,
    EventKind.ACCESS_ACCEPTED: "accepted",
    EventKind.ACCESS_PENDING: "pending",
    EventKind.ACCESS_REJECTED: "rejected",
    EventKind.INSTALL_REGISTERED: "registered",
    EventKind.INSTALL_RETIRED: "retired",
    EventKind.VERSION_FLAGGED: "flagged",
    EventKind.TASK_OPENED: "open",
    EventKind.TASK_CLOSED: "closed",
}
# Events whose subject carries a digest rather than a state.
DIGEST_OF = frozenset(
    {EventKind.TERMS_PUBLISHED, EventKind.TERMS_ACCEPTED, EventKind.RECALL_ISSUED, EventKind.RECEIPT_STORED}
)
# A holder who has not answered is in the picture only once that is too late.
WAITING = frozenset({"sent", "fetched"})


def fold(events: Iterable[Event]) -> dict[str, str]:
    """Subject → state, from the first event to the last."""
    state: dict[str, str] = {}
    for event in events:
        kind = EventKind(event.kind)
        if kind in DIGEST_OF:
            state[event.subject] = str(event.data["sha256"])
        elif kind is EventKind.HOLDER_MOVED:
            _put(state, event.subject, None if event.data["state"] in WAITING else str(event.data["state"]))
        elif kind is EventKind.SLOT_PACKED:
            _put(state, event.subject, None if event.data["listed"] is None else str(event.data["listed"]))
        elif kind in STATE_AFTER:
            _put(state, event.subject, STATE_AFTER[kind])
    return state


def _put(state: dict[str, str], subject: str, after: str | None) -> None:
    if after is None:
        state.pop(subject, None)
    else:
        state[subject] = after


def differences(folded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """One line for each subject on which the events and the tables disagree."""
    return [
        f"{subject}: events say {folded.get(subject, 'nothing')}, tables say {present.get(subject, 'nothing')}"
        for subject in sorted(folded.keys() | present.keys())
        if folded.get(subject) != present.get(subject)
    ]
