"""Pictures changed at random, through real workers: each is answered, and nothing else happens."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceguard.bare import is_bare
from faceguard.result import Blurred, Refused
from faceguard.worker import Guard
from tests.fault.fuzz import LIMITS, memory
from tests.fault.hostile import ANYTHING
from tests.fault.mutations import Edit, edited, originals

EDITS = st.lists(
    st.builds(Edit, st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**16)),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard(limits=LIMITS) as made:
        made.preview(b"")
        yield made


@settings(max_examples=400, derandomize=True)
@given(which=st.integers(0, 2**16), edits=EDITS)
def test_a_changed_picture_is_answered_with_a_bare_preview_or_a_reason(
    guard: Guard, which: int, edits: list[Edit]
) -> None:
    before = memory(os.getpid())
    result = guard.preview(edited(originals()[which % len(originals())], edits))
    match result:
        case Blurred(jpeg=jpeg):
            assert is_bare(jpeg)
        case Refused(why=why):
            assert why in ANYTHING
    assert memory(os.getpid()) - before < 50 * 2**20
