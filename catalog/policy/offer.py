"""What an asset is offered for, in the few words that machines understand. Pure.

The text of the terms is the contract. These rules hold for every asset of a class on every gateway, whatever its terms
add: they say it to programs before anyone fetches.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalog.vocabulary import DataClass, Warrant

SHOWS_PERSONS = 2  # the level from which an asset shows faces or bodies


class Rule(StrEnum):
    REVIEW_TERMS = "review-terms"  # read and accept the terms first
    ACCEPT_RECORD = "accept-record"  # who got what is written down
    PURGE_ON_RECALL = "purge-on-recall"  # delete what is called back
    BLUR_ON_DISPLAY = "blur-on-display"  # show no face uncovered
    IDENTIFY_PERSON = "identify-person"
    DISTRIBUTE = "distribute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whoever fulfils the duties may use it, within `residency` (an ISO 3166 code) where there is one."""

    duties: tuple[Rule, ...]
    prohibitions: tuple[Rule, ...]
    residency: str | None


def offer(data_class: DataClass, warrant: Warrant | None) -> Offer:
    """What is asked of those who use an asset of this class."""
    duties = [Rule.REVIEW_TERMS, Rule.ACCEPT_RECORD, Rule.PURGE_ON_RECALL]
    prohibitions: list[Rule] = []
    if data_class.level >= SHOWS_PERSONS:
        duties.append(Rule.BLUR_ON_DISPLAY)
        prohibitions += [Rule.IDENTIFY_PERSON, Rule.DISTRIBUTE]
    residency = None if warrant is None or warrant.residency == "any" else warrant.residency
    return Offer(duties=tuple(duties), prohibitions=tuple(prohibitions), residency=residency)
