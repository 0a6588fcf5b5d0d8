"""Globs: the quick way for plain paths says the same as trying each."""

from __future__ import annotations

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from catalog.policy.globs import Globs
from gateway.sdk.choice import literally

PATHS = st.text(st.sampled_from("ab/*?[]!.-"), min_size=1, max_size=6)


@given(st.lists(PATHS, max_size=4), PATHS)
def test_looking_up_says_the_same_as_trying_each_glob(patterns: list[str], path: str) -> None:
    slowly = not patterns or any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
    assert Globs(patterns).choose(path) == slowly


@given(PATHS, PATHS)
def test_a_path_that_is_meant_literally_chooses_itself_alone(path: str, other: str) -> None:
    assert Globs([literally(path)]).choose(other) == (path == other)
