"""Commits of versions: the same for the same stops, another for others, and found again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.compat.hub.commits import COMMIT, derived, version_of

VERSIONS = st.text("0123456789abcdef", min_size=40, max_size=40)
DIGESTS = st.sets(st.text("0123456789abcdef", min_size=64, max_size=64), max_size=5)


@given(VERSIONS)
def test_a_whole_version_is_its_own_commit(version: str) -> None:
    assert derived(version, []) == version


@given(VERSIONS, DIGESTS, DIGESTS)
def test_a_commit_changes_exactly_when_the_stopped_items_do(version: str, before: set[str], after: set[str]) -> None:
    assert (derived(version, before) == derived(version, sorted(after))) == (before == after)


@given(VERSIONS, DIGESTS, DIGESTS, DIGESTS)
def test_a_shard_that_was_added_is_another_commit_than_one_that_is_missing(
    version: str, stopped: set[str], added: set[str], others: set[str]
) -> None:
    assert (derived(version, stopped, added) == derived(version, stopped, others)) == (added == others)
    if added:
        assert derived(version, stopped, added) not in {version, derived(version, stopped | added)}


@given(VERSIONS, st.lists(VERSIONS, max_size=4), DIGESTS)
def test_a_derived_commit_looks_like_one_and_leads_back_to_its_version(
    version: str, others: list[str], stopped: set[str]
) -> None:
    commit = derived(version, stopped)
    assert COMMIT.fullmatch(commit)
    found = version_of(commit, [*others, version])
    assert found is not None
    assert found[:24] == version[:24]
    assert version_of(commit, [other for other in others if other[:24] != version[:24]]) is None
