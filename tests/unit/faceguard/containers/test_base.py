import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceguard.containers.base import Evenly, fault, is_candidate, is_note, spots
from faceguard.result import Why


@given(st.integers(0, 3000), st.integers(1, 40))
def test_what_is_chosen_is_spread_over_all_that_passed(count, limit):
    passing: Evenly[int] = Evenly(limit)
    for number in range(count):
        passing.offer(number)
    chosen = passing.chosen()
    assert len(chosen) == min(count, limit)
    assert chosen == sorted(set(chosen))
    if count > limit:
        share, slack = count / limit, count / limit / 4 + 1  # places are whole, and of strides
        assert all(share * k - slack <= one <= share * (k + 1) + slack for k, one in enumerate(chosen))


def test_memory_does_not_grow_with_what_passes():
    passing: Evenly[int] = Evenly(5)
    for number in range(100_000):
        passing.offer(number)
        assert len(passing._kept) <= 81


@pytest.mark.parametrize(("count", "limit", "expected"), [(3, 8, [0, 1, 2]), (10, 2, [2, 7]), (0, 4, []), (9, 1, [4])])
def test_spots_stand_in_the_middle_of_their_shares(count, limit, expected):
    assert spots(count, limit) == expected


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("a.jpg", True),
        ("deep/er/A.JPEG", True),
        ("0001.left.png", True),
        ("inner.zip", True),
        ("0001.json", False),
        ("0001.mask.png", False),
        ("0001.seg.png", False),
        ("0001.landmarks.webp", False),
        ("._a.jpg", False),
        ("__MACOSX/a.jpg", False),
        ("jpg", False),
        ("readme", False),
        ("", False),
    ],
)
def test_entries_are_chosen_by_their_endings(name, chosen):
    assert is_candidate(name) is chosen


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.jpg", None),
        ("./a.jpg", None),
        ("图片/一.jpg", None),
        ("/etc/a.jpg", Why.UNSAFE_NAME),
        ("../a.jpg", Why.UNSAFE_NAME),
        ("a/../../b.jpg", Why.UNSAFE_NAME),
        ("a\\..\\b.jpg", Why.UNSAFE_NAME),
        ("C:\\a.jpg", Why.UNSAFE_NAME),
        ("\\\\server\\a.jpg", Why.UNSAFE_NAME),
        ("a\n.jpg", Why.UNSAFE_NAME),
        ("a\x1b[2J.jpg", Why.UNSAFE_NAME),
        ("inner.tar", Why.NESTED_ARCHIVE),
    ],
)
def test_names_that_lead_elsewhere_and_archives_inside_are_refused(name, why):
    assert fault(name, 1, 2) is why


def test_an_entry_above_the_limit_is_refused():
    assert fault("a.jpg", 3, 2) is Why.TOO_LARGE


@pytest.mark.parametrize("word", ["label", "Labels", "mask", "landmarks", "embedding", "audio", "name", "depth"])
def test_columns_that_only_speak_of_a_picture_are_told_from_pictures(word):
    assert is_note(word)
    assert not is_note("image")
    assert not is_note("masked_face")
