"""When an acceptance still holds."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.vocabulary import AcceptanceStatus, Terms


def status(accepted_majors: Iterable[int], in_force: Terms) -> AcceptanceStatus:
    """A minor version keeps an acceptance, a major one asks again."""
    majors = set(accepted_majors)
    if in_force.major in majors:
        return AcceptanceStatus.IN_FORCE
    return AcceptanceStatus.OUTDATED if majors else AcceptanceStatus.NONE
