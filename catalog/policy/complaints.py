"""The clock of a complaint, and what stops by itself when one arrives."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from catalog.vocabulary import ComplaintKind

WORKING_DAYS = 15
CHILD_HOLDS_PER_DAY = 3  # from one address: a forged flag must not empty an archive
OFFICE = timezone(timedelta(hours=8))  # the policy's working days are counted where its office is
SATURDAY = 5


def due(filed_at: datetime, working_days: int = WORKING_DAYS) -> datetime:
    """The end of the last working day to answer: `working_days` after the day of receipt.

    Monday to Friday count, public holidays too, so the date can only be early, never late.
    """
    day = filed_at.astimezone(OFFICE)
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day.replace(hour=23, minute=59, second=59, microsecond=0).astimezone(filed_at.tzinfo)


def holds_at_once(kind: ComplaintKind, *, names_items: bool, held_today: int) -> bool:
    """Only a child's item is held on the word of the complaint alone; all else waits for a person."""
    return kind is ComplaintKind.CHILD and names_items and held_today < CHILD_HOLDS_PER_DAY
