"""A ticket is read back as it was made, by whoever has the key, until it ends; and no other text is one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.uploads.tickets import BadTicket, Ticket, Tickets
from tests.builders import NOW

TICKETS = Tickets(b"k" * 32)
UNTIL = int(NOW.timestamp()) + 60
ONE = Ticket("v" * 40, "ab" * 32, 200, "a1", "t1", 64, UNTIL)


@given(st.integers(0, 2**60), st.none() | st.text("0123456789abcdef", max_size=24), st.integers(0, 2**40))
def test_it_is_read_back_as_it_was_made(size: int, token_id: str | None, part: int) -> None:
    made = Ticket("v" * 40, "ab" * 32, size, "a1", token_id, part, UNTIL)
    assert TICKETS.read(TICKETS.sign(made), NOW) == made


def test_the_last_part_is_counted() -> None:
    assert [Ticket("v", "s", size, "a", None, 64, 0).parts for size in (1, 64, 65, 128, 129)] == [1, 1, 2, 2, 3]
    assert Ticket("v", "s", 64, "a", None, 0, 0).parts == 0


def test_it_ends() -> None:
    text = TICKETS.sign(ONE)
    TICKETS.read(text, NOW + timedelta(seconds=59))
    with pytest.raises(BadTicket):
        TICKETS.read(text, NOW + timedelta(seconds=60))


@given(st.integers(0, 10_000), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_one_is_none(at: int, letter: str) -> None:
    text = TICKETS.sign(ONE)
    at %= len(text)
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(BadTicket):
            TICKETS.read(changed, NOW)


@given(st.text(max_size=50))
def test_other_text_is_none(text: str) -> None:
    with pytest.raises(BadTicket):
        TICKETS.read(text, NOW)
    with pytest.raises(BadTicket):
        Tickets(b"other" * 8).read(TICKETS.sign(ONE), NOW)
