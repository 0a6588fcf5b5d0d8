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
}
# Events whose subject carries a digest rather than a state.
DIGEST_OF = frozenset({EventKind.TERMS_PUBLISHED, EventKind.TERMS_ACCEPTED})


def fold(events: Iterable[Event]) -> dict[str, str]:
    """Subject → state, from the first event to the last."""
    state: dict[str, str] = {}
    for event in events:
        kind = EventKind(event.kind)
        if kind in DIGEST_OF:
            state[event.subject] = str(event.data["sha256"])
        elif kind in STATE_AFTER:
            after = STATE_AFTER[kind]
            if after is None:
                state.pop(event.subject, None)
            else:
                state[event.subject] = after
    return state


def differences(folded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """One line for each subject on which the events and the tables disagree."""
    return [
        f"{subject}: events say {folded.get(subject, 'nothing')}, tables say {present.get(subject, 'nothing')}"
        for subject in sorted(folded.keys() | present.keys())
        if folded.get(subject) != present.get(subject)
    ]
