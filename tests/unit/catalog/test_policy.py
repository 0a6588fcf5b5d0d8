"""The smaller rules: the clock of a complaint, terms that hold, which pictures become previews, contacts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.policy import complaints, contact, previews, terms
from catalog.vocabulary import AcceptanceStatus, ComplaintKind, DataClass, Item, Terms
from tests import builders

BEIJING = timezone(timedelta(hours=8))

moments = st.integers(0, 10 * 366 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


# the clock


@pytest.mark.parametrize(
    ("filed", "last_day"),
    [
        ("2026-11-25T10:00+08:00", "2026-12-16"),  # a Wednesday: three weeks
        ("2026-11-27T10:00+08:00", "2026-12-18"),  # a Friday
        ("2026-11-28T10:00+08:00", "2026-12-18"),  # a Saturday: counting starts on Monday
        ("2026-11-29T23:59+08:00", "2026-12-18"),  # a Sunday
        ("2026-11-30T00:00+08:00", "2026-12-21"),  # a Monday, the last of its month
        ("2027-02-10T09:00+08:00", "2027-03-03"),  # February has 28 days
        ("2028-02-10T09:00+08:00", "2028-03-02"),  # and 29 in a leap year
        ("2026-12-31T09:00+08:00", "2027-01-21"),  # over the year's end
        ("2026-11-25T23:30+00:00", "2026-12-17"),  # the office's Thursday already
        ("2026-11-26T01:00+12:00", "2026-12-16"),  # the office's Wednesday still
        ("2026-09-10T09:00+08:00", "2026-09-30"),  # Sunday 20 September is a working day
        ("2026-02-09T09:00+08:00", "2026-02-27"),  # Saturday 14 February is one
        ("2026-02-10T09:00+08:00", "2026-02-28"),  # and so is Saturday 28 February
    ],
)
def test_the_answer_is_due_at_the_end_of_the_fifteenth_working_day(filed: str, last_day: str) -> None:
    due = complaints.due(datetime.fromisoformat(filed))
    there = due.astimezone(BEIJING)
    assert there.date() == date.fromisoformat(last_day)
    assert (there.hour, there.minute, there.second) == (23, 59, 59)


@given(moments, st.integers(1, 40))
def test_the_clock_counts_no_day_of_rest_and_never_gives_more_days_than_there_are(filed: datetime, days: int) -> None:
    due = complaints.due(filed, days)
    first, last = filed.astimezone(BEIJING).date(), due.astimezone(BEIJING).date()
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    working = [day for day in between if day.weekday() < 5 or day in complaints.MAKE_UP_DAYS]
    assert len(working) == days
    assert working[-1] == last
    assert due.tzinfo is UTC


@given(
    moments,
    st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_who_complains_later_is_never_due_earlier(filed: datetime, later: timedelta) -> None:
    assert complaints.due(filed + later) >= complaints.due(filed)


def test_every_make_up_day_falls_on_a_weekend() -> None:
    assert all(day.weekday() >= 5 for day in complaints.MAKE_UP_DAYS)


@given(st.sampled_from(ComplaintKind), st.integers(0, 10))
def test_only_a_childs_complaint_holds_at_once_and_never_more_than_three_a_day(kind: ComplaintKind, held: int) -> None:
    more = complaints.holds_at_once(kind, held)
    assert more == (max(0, 3 - held) if kind is ComplaintKind.CHILD else 0)


# terms


@given(st.frozensets(st.integers(1, 5)), st.integers(1, 5), st.integers(0, 5))
def test_an_acceptance_holds_within_its_major_version(accepted: frozenset[int], major: int, minor: int) -> None:
    in_force = Terms(id="t", major=major, minor=minor, en="e", zh="z", sha256="0", published_at=builders.NOW)
    status = terms.status(accepted, in_force)
    if major in accepted:
        assert status is AcceptanceStatus.IN_FORCE
    else:
        assert status is (AcceptanceStatus.OUTDATED if accepted else AcceptanceStatus.NONE)


# previews


def pictures(count: int) -> list[Item]:
    return [builders.item(f"{number:04}.jpg", b"%d" % number) for number in range(count)]


@given(st.integers(0, 300), st.integers(0, 120), st.lists(st.integers(0, 300), max_size=5))
def test_previews_are_pictures_in_order_within_the_limit_and_evenly_spread(
    count: int, limit: int, others: list[int]
) -> None:
    only = pictures(count)
    items = list(only)
    for at in others:
        items.insert(at, builders.item(f"notes{at}.txt"))
    chosen = previews.choose(items, limit)
    assert chosen == previews.choose(items, limit)
    assert len(chosen) == min(limit, count)
    assert all(part is None for _, part in chosen)
    places = [only.index(item) for item, _ in chosen]
    assert places == sorted(set(places))
    if chosen and count > limit:
        gaps = [b - a for a, b in pairwise(places)]
        assert not gaps or max(gaps) - min(gaps) <= 1
        assert places[0] <= count // limit
        assert count - 1 - places[-1] <= count // limit


def test_what_pictures_and_films_leave_over_is_shared_out_among_containers() -> None:
    items = [builders.item(name) for name in ("0.tar", "1.jpg", "2.mp4", "3.txt", "4.zip", "5.tar")]
    chosen = previews.choose(items, 12)
    told = [(item.path, part) for item, part in chosen]
    assert told == [
        *(("0.tar", part) for part in (1, 2, 3, 4)),
        ("1.jpg", None),
        ("2.mp4", None),
        *(("4.zip", part) for part in (1, 2, 3)),
        *(("5.tar", part) for part in (1, 2, 3)),
    ]
    assert [(item.path, part) for item, part in previews.choose(items[:1], 3)] == [
        ("0.tar", 1),
        ("0.tar", 2),
        ("0.tar", 3),
    ]


@given(st.lists(st.sampled_from(["jpg", "mp4", "tar", "zip", "txt"]), max_size=60), st.integers(0, 50))
def test_the_limit_holds_and_is_used_up_where_containers_are(kinds: list[str], limit: int) -> None:
    items = [builders.item(f"{number:03}.{kind}") for number, kind in enumerate(kinds)]
    chosen = previews.choose(items, limit)
    seen = sum(kind != "txt" for kind in kinds)
    holders = {item.path for item, part in chosen if part is not None}
    assert len(chosen) == (limit if holders else min(limit, seen))
    shares = [sum(item.path == path for item, _ in chosen) for path in holders]
    assert not shares or max(shares) - min(shares) <= 1
    for path in holders:
        parts = [part for item, part in chosen if item.path == path]
        assert parts == list(range(1, len(parts) + 1))


@pytest.mark.parametrize("data_class", DataClass)
def test_neither_minors_nor_models_have_previews(data_class: DataClass) -> None:
    assert previews.may_have_previews(data_class) is (data_class not in {DataClass.MINOR, DataClass.MODEL})


# contacts


@pytest.mark.parametrize(
    ("written", "kept"),
    [("13800138000", "+8613800138000"), ("+86 138-0013-8000", "+8613800138000"), ("+44 20 7946 0958", "+442079460958")],
)
def test_a_telephone_number_is_kept_in_one_form(written: str, kept: str) -> None:
    assert contact.phone(written) == kept


addresses = st.builds("{}@{}.{}".format, *[st.text("ab.-\n \ud800,人", min_size=1, max_size=5)] * 3)


@given(addresses | st.text("@. a,<>\r\n\ud800", max_size=12))
def test_an_address_that_passes_is_one_address_on_one_line(text: str) -> None:
    try:
        address = contact.email(text)
    except Invalid:
        return
    assert address.count("@") == 1
    assert len(address.split()) == 1
    assert not set(address) & set(",;<>")
    address.encode()


numbers = st.from_regex(r"(\+86 ?)?1[3-9][0-9]{9}|\+44 ?20[0-9 ]{8,10}", fullmatch=True)


@given(numbers | st.text("+0123456789 ()-", max_size=20))
def test_a_telephone_number_that_passes_is_plus_and_digits(text: str) -> None:
    try:
        number = contact.phone(text)
    except Invalid:
        return
    assert number.startswith("+")
    assert number[1:].isdecimal()
    assert number.isascii()
