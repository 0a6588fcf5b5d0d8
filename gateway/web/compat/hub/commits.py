"""Versions as commits: a version that lost items answers as another commit, so that a copy of the whole is not reused.

A derived commit begins with the digits of its version and ends with a digest of what was taken out. So it is the
same in every process, needs no record, and can be found again for as long as its version is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

COMMIT = re.compile(r"[0-9a-f]{40}")
SHARED = 24  # hex digits that a derived commit has in common with its version


def derived(version_id: str, stopped: Iterable[str], added: Iterable[str] = ()) -> str:
    """The commit of the version without the items of these digests, and with shards that were made anew since.

    The version's own id when it is as it was released.
    """
    changes = sorted(set(stopped)) + sorted(f"+{sha256}" for sha256 in set(added))
    if not changes:
        return version_id
    digest = hashlib.sha256("\n".join(changes).encode()).hexdigest()
    return version_id[:SHARED] + digest[: len(version_id) - SHARED]


def version_of(commit: str, version_ids: Iterable[str]) -> str | None:
    """Of these versions the one that the commit was derived from."""
    return next((found for found in version_ids if found[:SHARED] == commit[:SHARED]), None)
