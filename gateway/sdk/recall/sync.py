"""Follows recalls: sets aside or deletes what they call back, and answers for it. A killed run is simply run again."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.sdk.errors import Misused, Refused
from gateway.sdk.recall.caches import Cached, of_notice
from gateway.sdk.recall.copies import GRAVEST, Copies, Found
from gateway.sdk.recall.desk import ASIDE, DONE, NEW, SENT, Desk, Waiting
from gateway.sdk.recall.feed import Notice
from gateway.sdk.recall.keys import text
from gateway.sdk.recall.purge import Done
from gateway.sdk.store import flush
from gateway.sdk.wire import Action, Code, CopiesOutside, Outcome

LISTED = 9_000
"""Results in a receipt: the gateway takes 10,000."""

POLICY = "HUBGATE_RECALLS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What was done about one notice.

    `state`: waiting (set aside, a person decides), answered, unanswered, restored, left (answered before; what somebody
    changed is still there), undone (a hold or its end could not be carried out whole: run it again). `files` are the
    places with what became of each, `counts` the digests by outcome; `elsewhere` are places whose file has more names
    that the SDK did not make, `missing` places where there is nothing any more, `caches` copies in other tools' caches,
    which are theirs to delete. `scope`: version or items.
    """

    notice: str
    asset: str
    scope: str
    action: str
    reason: str
    deadline: str | None
    state: str
    files: tuple[tuple[Path, Done], ...]
    counts: Mapping[str, int]
    elsewhere: tuple[Path, ...]
    missing: tuple[Path, ...]
    caches: tuple[Cached, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person, or the machine's policy, wants.

    `purge` deletes for good; without it copies are set aside and wait. `kept_by_law` are notices whose copies a duty
    forbids to delete. `outside` is the answer to the question whether there are other copies.
    """

    purge: bool
    dry_run: bool = False
    kept_by_law: frozenset[str] = frozenset()
    outside: CopiesOutside = CopiesOutside.UNKNOWN


def policy(environ: Mapping[str, str]) -> bool:
    """Whether this machine deletes without asking: HUBGATE_RECALLS=purge, which an administrator sets for notebooks."""
    return environ.get(POLICY) == "purge"


def follow_recalls(desk: Desk, account: str, copies: Copies, home: Path, wishes: Wishes) -> list[Handled]:
    """Handle every notice that is not done.

    Raises Untrusted for a list of digests that is not the notice's; Misused, before anything is done, when a duty is
    claimed for a notice that there is not.
    """
    unknown = wishes.kept_by_law - {waiting.notice.notice for waiting in desk.waiting(account)}
    if unknown:
        raise Misused("no-such-notice", notices=", ".join(sorted(unknown)))
    handled: list[Handled] = []
    for waiting in desk.waiting(account, NEW, ASIDE, SENT):
        notice = waiting.notice
        if desk.now() >= notice.expires:
            continue
        digests = desk.digests(account, notice)
        match notice.action:
            case Action.PURGE:
                handled += _purge(desk, account, copies, home, waiting, digests, wishes)
            case Action.QUARANTINE:
                found = copies.set_aside(notice, digests)
                if not wishes.dry_run and not (found.undone or found.away):
                    desk.mark(account, notice, DONE)
                handled.append(_handled(notice, digests, found, "undone" if found.undone else "waiting"))
            case Action.WITHDRAWN:
                handled.append(_withdraw(desk, account, copies, waiting, digests, wishes))
    return handled


def _withdraw(
    desk: Desk, account: str, copies: Copies, waiting: Waiting, digests: Sequence[str], wishes: Wishes
) -> Handled:
    """The hold is over: what no other notice concerns goes back to its place."""
    notice = waiting.notice
    over = {notice.notice} | {w.notice.notice for w in desk.waiting(account) if w.notice.action is Action.WITHDRAWN}
    others = [
        (other.notice, desk.digests(account, other.notice))
        for other in desk.waiting(account)
        if other.notice.action is not Action.WITHDRAWN
        and not (other.notice.notice in over and other.notice.action is Action.QUARANTINE)
    ]
    found = copies.restore(notice, digests, others)
    if not wishes.dry_run and not (found.undone or found.away):
        desk.mark(account, notice, DONE)
    return _handled(notice, digests, found, "undone" if found.undone else "restored")


def _purge(
    desk: Desk, account: str, copies: Copies, home: Path, waiting: Waiting, digests: Sequence[str], wishes: Wishes
) -> list[Handled]:
    """Nothing, when it was answered before and is looked at again only for what may come back with a disk."""
    notice = waiting.notice
    caches = of_notice(notice, digests, os.environ)
    kept = notice.notice in wishes.kept_by_law
    purge = wishes.purge or not (caches or copies.any_here(notice, digests))  # of nothing, nobody need be asked
    if kept:
        found = copies.keep(notice, digests)
    elif purge:
        found = copies.delete(notice, digests)
    else:
        found = copies.set_aside(notice, digests)
    known = waiting.state == SENT and found.away and not found.files and not caches
    if not (purge or kept):
        if not wishes.dry_run and waiting.state == NEW:
            desk.mark(account, notice, ASIDE)
        aside = any(done is Done.ASIDE for _, done in found.files)
        state = "left" if waiting.state == SENT and not aside else "waiting"
        return [] if known else [_handled(notice, digests, found, state, caches)]
    for cached in caches:  # known of, and still there
        if cached.sha256:
            found.worsen(cached.sha256, Outcome.LOCKED)
    if wishes.dry_run:
        return [] if known else [_handled(notice, digests, found, "waiting", caches)]
    flush(home)
    done = _answer(desk, account, copies, waiting, digests, found, caches, wishes)
    return [] if known else [done]


def _answer(
    desk: Desk, account: str, copies: Copies, waiting: Waiting, digests: Sequence[str], found: Found,
    caches: Sequence[Cached], wishes: Wishes,
) -> Handled:  # fmt: skip
    """State the outcome in a signed receipt; what was stated already is not stated again."""
    notice, now = waiting.notice, text(desk.now())
    _remember(found, waiting.results, digests)
    counts = found.counts(digests)
    listed = _listed(found, digests)
    results: dict[str, object] = {
        "counts": counts,
        "results": [{"d": digest, "outcome": outcome.value, "at": now} for digest, outcome in sorted(listed.items())],
        "copies_outside": wishes.outside.value,
    }
    nonce, former = waiting.nonce, waiting.results
    if former is not None and nonce is not None and _stands(former, counts, wishes):
        results = former
    else:
        nonce = desk.conclude(account, notice, results)
    copies.forget(notice, digests, found)
    state = "unanswered"
    try:
        desk.send(notice, desk.receipt(account, notice, results, nonce))
        state = "answered"
    except Refused as refused:
        if refused.code == Code.RECEIPT_KNOWN:
            state = "answered"
        elif refused.code == Code.RECALL_CLOSED:
            desk.mark(account, notice, DONE)
            return _handled(notice, digests, found, "answered", caches)
        else:
            raise
    open_ends = found.away or any(o in (Outcome.LOCKED, Outcome.MODIFIED) for o in found.outcomes.values())
    if state == "answered" and not open_ends:
        desk.mark(account, notice, DONE)
    return _handled(notice, digests, found, state, caches)


def _remember(found: Found, former: Mapping[str, object] | None, digests: Sequence[str]) -> None:
    """What an earlier run has found and is not there now is gone: it was not never there."""
    if former is None:
        return
    counts, results = former.get("counts"), former.get("results")
    if not isinstance(counts, dict) or not isinstance(results, list):
        return
    before = {one["d"]: Outcome(one["outcome"]) for one in results}
    every = sum(outcome is Outcome.DELETED for outcome in before.values()) == counts.get(Outcome.DELETED)
    unlisted = Outcome.ABSENT if every else Outcome.DELETED
    for digest in digests:
        if found.outcomes.get(digest) is None and before.get(digest, unlisted) is not Outcome.ABSENT:
            found.outcomes[digest] = Outcome.DELETED


def _listed(found: Found, digests: Sequence[str]) -> dict[str, Outcome]:
    """The outcomes that a receipt names: those of all that was there, or of too many all that is not deleted."""
    if len(found.outcomes) <= LISTED:
        return found.outcomes
    named = {digest: found.outcomes.get(digest, Outcome.ABSENT) for digest in digests}
    mattering = [pair for pair in named.items() if pair[1] is not Outcome.DELETED]
    mattering.sort(key=lambda pair: GRAVEST.index(pair[1]))
    return dict(mattering[:LISTED])


def _stands(former: Mapping[str, object], counts: Mapping[str, int], wishes: Wishes) -> bool:
    """Whether what was written down to be stated is still all that there is to state."""
    before = former.get("counts")
    if not isinstance(before, dict) or former.get("copies_outside") != wishes.outside.value:
        return False
    settled = before.get(Outcome.LOCKED) == before.get(Outcome.MODIFIED) == 0
    return before == counts or (settled and counts[Outcome.ABSENT] == sum(counts.values()))


def _handled(
    notice: Notice, digests: Sequence[str], found: Found, state: str, caches: Sequence[Cached] = ()
) -> Handled:
    return Handled(
        notice=notice.notice,
        asset=notice.asset,
        scope=notice.scope,
        action=notice.action.value,
        reason=notice.reason,
        deadline=notice.deadline,
        state=state,
        files=tuple(found.files),
        counts=found.counts(digests),
        elsewhere=tuple(found.elsewhere),
        missing=tuple(found.missing),
        caches=tuple(caches),
    )
