"""The clock of a complaint, and what stops by itself when one arrives."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from catalog.vocabulary import ComplaintKind

WORKING_DAYS = 15
CHILD_HOLDS_PER_DAY = 3  # from one address: a forged flag must not empty an archive
OFFICE = timezone(timedelta(hours=8))  # the policy's working days are counted where its office is
SATURDAY = 5
# Weekend days on which offices work in return for a holiday, as the State Council has declared them.
MAKE_UP_DAYS = frozenset(
    [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
)


def due(filed_at: datetime, working_days: int = WORKING_DAYS) -> datetime:
    """The end of the last working day to answer: `working_days` after the day of receipt.

    Monday to Friday count, public holidays too, and the make-up days declared so far: within a declared
    year the date can only be early, never late.
    """
    day = filed_at.astimezone(OFFICE)
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY or day.date() in MAKE_UP_DAYS
    return day.replace(hour=23, minute=59, second=59, microsecond=0).astimezone(filed_at.tzinfo)


def holds_at_once(kind: ComplaintKind, held_today: int) -> int:
    """How many of the named items are held on the word of the complaint alone; all else waits for a person."""
    return max(0, CHILD_HOLDS_PER_DAY - held_today) if kind is ComplaintKind.CHILD else 0
