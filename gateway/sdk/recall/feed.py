"""Whether an answer of the gateway about recalls is to be believed, and what it says. Pure; all of it or nothing."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.sdk.envelope import BadEnvelope, Verify, opened, statement_of
from gateway.sdk.errors import Untrusted
from gateway.sdk.recall.keys import TOLERANCE, Pins, follow, mistimed, moment
from gateway.sdk.wire import VERSION_ID, Action, digests_path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOTICE = re.compile(r"[A-Za-z0-9-]{1,64}")
_WORD = re.compile(r"[a-z_]{1,40}")
MAX_DIGESTS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSet:
    """Digests that are to be fetched: so many, and the SHA-256 of their lines."""

    sha256: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Copies of these digests that came as one of `versions` are called back. Never a path: those this machine knows.

    `digests` is None while they are still to be fetched; `sha256` is of `payload`, the statement as it came. Of the
    digests, `shards` are tars that are called back for one file in them: the others that came out of one may stay.
    """

    notice: str
    seq: int
    sha256: str
    payload: bytes
    asset: str
    versions: frozenset[str]
    scope: str
    action: Action
    reason: str
    digests: tuple[str, ...] | None
    digest_set: DigestSet | None
    shards: frozenset[str]
    deadline: str | None
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A believed answer: what to pin now, how far it goes, and the notices that count today."""

    pins: Pins
    issued: str
    through: int
    more: bool
    notices: tuple[Notice, ...]


def believe(
    answer: Mapping[str, object], *, pins: Pins, account: str, after: int, last_issued: str | None, now: datetime,
    verify: Verify,
) -> Answer:  # fmt: skip
    """The answer to ``GET /v1/recalls?after=…``, after everything was checked. Raises Untrusted."""
    followed = follow(pins, answer.get("keys"), now, verify)
    listed = _opened("recalls", answer.get("list"), followed, now, verify)[1]
    if (listed.get("origin"), listed.get("account"), listed.get("after")) != (pins.origin, account, after):
        raise Untrusted("the list is another's, or the answer to another question")
    issued, expires = moment(listed.get("issued")), moment(listed.get("expires"))
    if last_issued is not None and issued < moment(last_issued):
        raise Untrusted("the list is older than one that was seen before")
    if expires <= now:
        raise Untrusted("the list is stale: issued more than a day ago by this machine's clock", clock=now)
    if issued > now + TOLERANCE:
        raise Untrusted("the list is of tomorrow by this machine's clock", clock=now)
    through, more = listed.get("through"), listed.get("more")
    entries, envelopes = listed.get("notices"), answer.get("notices")
    if type(through) is not int or not isinstance(more, bool) or through < after:
        raise Untrusted("the list has another shape")
    if not isinstance(entries, list) or not isinstance(envelopes, list) or len(entries) != len(envelopes):
        raise Untrusted("a notice is missing, or one is too many")
    notices: list[Notice] = []
    before = after
    for entry, envelope in zip(entries, envelopes, strict=True):
        payload, statement = _opened("recall", envelope, followed, now, verify)
        notice = read_notice(payload, statement, pins.origin)
        said = {"notice": notice.notice, "seq": notice.seq, "sha256": notice.sha256}
        if entry != said:
            raise Untrusted("a notice is not the one that is listed")
        if not before < notice.seq <= through:
            raise Untrusted("the notices are not in their order")
        before = notice.seq
        if now < notice.expires:
            notices.append(notice)
    return Answer(pins=followed, issued=str(listed["issued"]), through=through, more=more, notices=tuple(notices))


def read_notice(payload: bytes, statement: Mapping[str, object], origin: str) -> Notice:
    """The notice of a statement whose signature was checked. Raises Untrusted."""
    names = ("notice", "asset", "scope", "action", "reason_code", "expires")
    notice, asset, scope, action, reason, expires = (statement.get(name) for name in names)
    seq, versions, deadline = (statement.get(name) for name in ("seq", "versions", "deadline"))
    if statement.get("origin") != origin:
        raise Untrusted("a notice is another gateway's")
    if (
        not isinstance(notice, str) or not _NOTICE.fullmatch(notice)
        or type(seq) is not int
        or not isinstance(asset, str)
        or not isinstance(versions, list)
        or not all(isinstance(version, str) and VERSION_ID.fullmatch(version) for version in versions)
        or scope not in ("version", "items")
        or action not in tuple(Action)
        or not isinstance(reason, str) or not _WORD.fullmatch(reason)
        or not (deadline is None or isinstance(deadline, str))
    ):  # fmt: skip
        raise Untrusted("a notice has another shape")
    return Notice(
        notice=notice,
        seq=seq,
        sha256=hashlib.sha256(payload).hexdigest(),
        payload=payload,
        asset=asset,
        versions=frozenset(versions),
        scope=str(scope),
        action=Action(str(action)),
        reason=reason,
        digests=_digests(statement.get("digests")),
        digest_set=_digest_set(statement.get("digest_set"), notice, seq),
        shards=_shards(statement.get("digests")),
        deadline=deadline,
        expires=moment(expires),
    )


def digests_of(lines: bytes, wanted: DigestSet) -> tuple[str, ...]:
    """The digests of a list that was fetched. Raises Untrusted unless it is the one that the notice names."""
    if hashlib.sha256(lines).hexdigest() != wanted.sha256:
        raise Untrusted("the list of digests is not the one of the notice")
    found = tuple(line.partition(b" ")[0].decode("ascii", "replace") for line in lines.splitlines())
    if len(found) != wanted.count or not all(map(_SHA256.fullmatch, found)):
        raise Untrusted("the list of digests has another shape")
    return found


def _opened(kind: str, envelope: object, pins: Pins, now: datetime, verify: Verify) -> tuple[bytes, dict[str, object]]:
    try:
        payload, _ = opened(kind, envelope, pins.in_force(now), verify)
        return payload, statement_of(kind, payload)
    except BadEnvelope as error:
        mistimed(kind, envelope, pins, now, verify)
        raise Untrusted(f"{kind}: {error}") from error


def _digests(listed: object) -> tuple[str, ...] | None:
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise Untrusted("the digests have another shape")
    found: Sequence[object] = [
        one.get("d") if isinstance(one, dict) and one.get("alg") == "sha256" else None for one in listed
    ]
    digests = [one for one in found if isinstance(one, str) and _SHA256.fullmatch(one)]
    if len(digests) != len(listed) or len(set(digests)) != len(digests):
        raise Untrusted("the digests have another shape")
    return tuple(digests)


def _shards(listed: object) -> frozenset[str]:
    """Those of the digests that say so."""
    entries = listed if isinstance(listed, list) else []
    return frozenset(one["d"] for one in entries if isinstance(one, dict) and one.get("shard") is True)


def _digest_set(record: object, notice: str, seq: int) -> DigestSet | None:
    if record is None:
        return None
    path, sha256, count = (
        (record.get(name) for name in ("url_path", "sha256", "count")) if isinstance(record, dict) else (None,) * 3
    )
    if (
        path != digests_path(notice, seq)
        or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256)
        or type(count) is not int or not 0 <= count <= MAX_DIGESTS
    ):  # fmt: skip
        raise Untrusted("the digests have another shape")
    return DigestSet(sha256=sha256, count=count)
