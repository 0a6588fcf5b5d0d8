"""Who must be told, what their answer comes to, and when it is late. Pure: facts in, decisions out."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import rfc8785

from catalog.errors import Flaw, Wrong
from catalog.policy.globs import Globs
from catalog.recalls import ArchiveFetch, Extent, HolderState, Outcome, Recall, RecallAction, Spell
from catalog.vocabulary import Stop

ACTION_OF: Mapping[Stop, RecallAction] = {
    Stop.HOLD: RecallAction.QUARANTINE,
    Stop.WITHHOLD: RecallAction.PURGE,
    Stop.REVOKE: RecallAction.PURGE,
}
ANSWER_WITHIN = timedelta(days=7)
REMINDERS = (timedelta(days=1), timedelta(days=3), ANSWER_WITHIN)  # with the last one the deadline has passed
NOTICE_LIFE = timedelta(days=5 * 365)
TASK_WORKING_DAYS = 15  # what a complaint's answer has, too
EMPTY_ARCHIVE = 1024  # bytes of a tar without members
OPEN = frozenset({HolderState.SENT, HolderState.FETCHED})
DONE = frozenset({HolderState.CLAIMED, HolderState.EXEMPT})
MUST_BE_LISTED = (Outcome.LOCKED, Outcome.MODIFIED, Outcome.KEPT_BY_LAW)
MAX_LISTED = 10_000
MAX_INSTALLS = 100


def deadline(action: RecallAction, issued_at: datetime) -> datetime | None:
    """Only what is to be deleted is answered for."""
    return issued_at + ANSWER_WITHIN if action is RecallAction.PURGE else None


def carried_item(extent: Extent, version_id: str, path: str) -> bool:
    """Whether a delivery of this one item carried something of the extent."""
    if version_id not in extent.versions:
        return False
    return extent.paths is None or path in extent.paths.get(version_id, frozenset())


def carried_archive(extent: Extent, fetch: ArchiveFetch, stopped: Sequence[Spell]) -> bool:
    """Whether an archive carried something of the extent; what was stopped when it was made was left out of it."""
    if fetch.version_id not in extent.versions:
        return False
    if extent.paths is None:
        return fetch.size > EMPTY_ARCHIVE
    left_out = any(spell.start <= fetch.as_of and (spell.stop is None or fetch.as_of < spell.stop) for spell in stopped)
    return not left_out and selects(fetch.include, extent.paths.get(fetch.version_id, frozenset()))


def selects(include: str | None, paths: Iterable[str]) -> bool:
    """Whether an archive's globs, a JSON list, choose one of the paths; none at all choose everything."""
    return _globs(include).choose_any(paths)


@functools.lru_cache(maxsize=256)
def _globs(include: str | None) -> Globs:
    return Globs([] if include is None else json.loads(include))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What stands of an account's answers: the newest of each install, and what the person has stated.

    `waiting`: someone who fetched such copies has not said anything yet.
    """

    outcomes: frozenset[Outcome]
    waiting: bool


def state_after_answers(answered: Answered, *, late: bool) -> HolderState:
    """What the answers come to. `late`: the deadline has passed."""
    unfinished = answered.outcomes & {Outcome.LOCKED, Outcome.MODIFIED}
    if answered.waiting or unfinished or not answered.outcomes:
        return HolderState.OVERDUE if late else HolderState.FETCHED
    return HolderState.EXEMPT if Outcome.KEPT_BY_LAW in answered.outcomes else HolderState.CLAIMED


def wrong_counts(counts: Mapping[Outcome, int], listed: Mapping[str, Outcome], contents: int) -> dict[str, Flaw]:
    """What does not add up in a statement about `contents` contents, by field; empty when all is right."""
    wrong: dict[str, Flaw] = {}
    if any(count < 0 for count in counts.values()) or sum(counts.values()) != contents:
        wrong["counts"] = Flaw(Wrong.ADDS_UP, sum=contents)
    told = {outcome: sum(one is outcome for one in listed.values()) for outcome in Outcome}
    too_many = [outcome for outcome in Outcome if told[outcome] > counts.get(outcome, 0)]
    unlisted = [outcome for outcome in MUST_BE_LISTED if told[outcome] < min(counts.get(outcome, 0), MAX_LISTED)]
    if too_many or unlisted:
        wrong["results"] = Flaw(Wrong.DISAGREES, names=", ".join(sorted({*too_many, *unlisted})))
    return wrong


# What the text of a common licence is called. It is nobody's data.
LICENCES = frozenset(
    stem + end for stem in ("license", "licence", "copying", "notice") for end in ("", ".md", ".txt", ".rst")
)


def fingerprint(recall: Recall, accounts: Iterable[str]) -> str:
    """SHA-256 of a message and of whom it went to: what the ledger keeps of it."""
    facts: dict[str, str | int | list[str] | None] = {
        "seq": recall.seq,
        "notice": recall.notice_id,
        "action": recall.action.value,
        "scope": recall.scope.value,
        "asset": recall.asset,
        "versions": list(recall.versions),
        "sha256": recall.sha256,
        "reason": recall.reason.value,
        "successor": recall.successor,
        "issued": recall.issued_at.isoformat(),
        "deadline": None if recall.deadline_at is None else recall.deadline_at.isoformat(),
        "accounts": sorted(accounts),
    }
    return hashlib.sha256(rfc8785.dumps(facts)).hexdigest()
