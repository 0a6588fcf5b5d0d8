"""Terms: published version by version, accepted once each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import rfc8785

from catalog.actions.authority import authorise
from catalog.errors import Conflict, Denied, Flaw, Invalid, NotFound, Wrong
from catalog.events import EventKind, Happened
from catalog.policy import names
from catalog.policy.access import invisible
from catalog.policy.roles import Act
from catalog.ports import NewId, Transaction
from catalog.vocabulary import Acceptance, Actor, Decision, Reason, Terms

TERMS_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LANGUAGES = frozenset({"en", "zh"})
MAX_PURPOSE = 2000


def text_digest(en: str, zh: str) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of both texts: what an acceptance names."""
    return hashlib.sha256(rfc8785.dumps({"en": en, "zh": zh})).hexdigest()


def publish_terms(
    tx: Transaction, actor: Actor, terms_id: str, *, en: str, zh: str, major: bool, now: datetime
) -> Terms:
    """The next version; the first is 1.0. The same texts again give the version in force."""
    publisher = authorise(tx, actor, Act.PUBLISH_TERMS)
    texts = {"en": en, "zh": zh}
    wrong = {key: Flaw(Wrong.MISSING) for key, text in texts.items() if not text.strip()}
    wrong |= {key: Flaw(Wrong.HALF_CHARACTER) for key, text in texts.items() if not names.is_text(text)}
    if not TERMS_ID.fullmatch(terms_id):
        wrong["id"] = Flaw(Wrong.TERMS_ID)
    if wrong:
        raise Invalid(wrong)
    sha256 = text_digest(en, zh)
    last = tx.terms.in_force(terms_id)
    if last is not None and last.sha256 == sha256:
        return last
    next_major, next_minor = (0, 0) if last is None else (last.major, last.minor + 1)
    if major or last is None:
        next_major, next_minor = next_major + 1, 0
    terms = Terms(id=terms_id, major=next_major, minor=next_minor, en=en, zh=zh, sha256=sha256, published_at=now)
    tx.terms.add(terms)
    subject = f"terms:{terms_id}:{terms.version}"
    happened = Happened(kind=EventKind.TERMS_PUBLISHED, subject=subject, data={"sha256": sha256})
    tx.append(happened, actor=publisher.id, at=now)
    return terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """What the reader saw and ticked."""

    ns: str
    name: str
    terms_id: str
    terms_version: str
    terms_sha256: str
    language: str
    purpose: str


def accept(tx: Transaction, actor: Actor, command: Accept, *, now: datetime, new_id: NewId) -> tuple[Acceptance, bool]:
    """Record the acceptance; True when it is new. Raises Invalid, Denied, and Conflict when those are not
    the terms in force: an acceptance binds to the very text that was shown."""
    account = authorise(tx, actor, Act.ACCEPT)
    ground = tx.facts.ground(account_id=account.id, ns=command.ns, name=command.name, ref=names.MAIN)
    asset = ground.asset
    if asset is None or invisible(ground.facts):
        raise Denied(Decision(allowed=False, reason=Reason.NOT_FOUND, as_of=ground.facts.as_of))
    purpose = command.purpose.strip()
    wrong: dict[str, Flaw] = {}
    if not purpose or len(purpose) > MAX_PURPOSE or not names.is_text(purpose):
        wrong["purpose"] = Flaw(Wrong.CHARACTERS, least=1, most=MAX_PURPOSE)
    if command.language not in LANGUAGES:
        wrong["language"] = Flaw(Wrong.ONE_OF, values=", ".join(LANGUAGES))
    if wrong:
        raise Invalid(wrong)
    in_force = tx.terms.in_force(asset.terms_id)
    if in_force is None:
        raise NotFound("no-such-terms")
    shown = (command.terms_id, command.terms_version, command.terms_sha256)
    if shown != (in_force.id, in_force.version, in_force.sha256):
        raise Conflict("terms-not-in-force", terms_id=in_force.id, terms_version=in_force.version)
    acceptance = Acceptance(
        id=new_id(16),
        account_id=account.id,
        asset_id=asset.id,
        terms_id=in_force.id,
        terms_version=in_force.version,
        terms_sha256=in_force.sha256,
        language=command.language,
        purpose=purpose,
        accepted_at=now,
    )
    if tx.terms.accept(acceptance):
        data: dict[str, object] = {"sha256": in_force.sha256, "account": account.id, "asset": asset.id}
        happened = Happened(kind=EventKind.TERMS_ACCEPTED, subject=f"acceptance:{acceptance.id}", data=data)
        tx.append(happened, actor=account.id, at=now)
        return acceptance, True
    earlier = tx.terms.acceptance(account.id, asset.id, in_force)
    return earlier or acceptance, False
