"""Calling copies back: issued with the stop itself, to everyone whom the delivery ledger names and to no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from catalog.actions import packing
from catalog.events import EventKind, Happened, item_subject, recall_subject
from catalog.policy import names
from catalog.policy import recall as rules
from catalog.ports import Transaction
from catalog.recalls import ArchiveFetch, Extent, Recall, RecallAction, RecallScope, Spell
from catalog.vocabulary import Asset, Delivery, Notice, Settlement, VersionState

MAIL_JOB = "recall-mail"
DEADLINE_JOB = "recall-deadline"
COPIES_JOB = "recall-copies"
WITHDRAWAL = -1  # the round of mails that tells of a withdrawal
LEDGER = "rule:delivered-after-the-stop"

Spells = Mapping[str, Sequence[Spell]]


def issue(tx: Transaction, notice: Notice, asset: Asset, versions: Collection[str], *, now: datetime) -> Recall:
    """Send the recall that a stop asks for, in the stop's own transaction.

    `versions` are those that the stop concerns: where it is of one item, all that have it.
    """
    action = rules.ACTION_OF[notice.act]
    unsent = Recall(
        seq=0,
        notice_id=notice.id,
        action=action,
        scope=RecallScope.VERSION if notice.sha256 is None else RecallScope.ITEMS,
        asset_id=asset.id,
        asset=asset.full_name,
        versions=tuple(sorted(versions)),
        sha256=notice.sha256,
        reason=notice.reason,
        successor=None if notice.sha256 is not None else _successor(tx, asset, versions),
        position=notice.position,
        issued_at=now,
        expires_at=now + rules.NOTICE_LIFE,
        deadline_at=rules.deadline(action, now),
    )
    recall = _send(tx, unsent, _recipients(tx, unsent), actor=notice.actor_id, now=now)
    tx.outbox.enqueue(MAIL_JOB, {"notice": notice.id, "round": 0}, now)
    if action is RecallAction.PURGE:  # not here: a set of many versions is looked through for longer than a stop takes
        tx.outbox.enqueue(COPIES_JOB, {"notice": notice.id}, now)
    if recall.deadline_at is not None:
        for number, delay in enumerate(rules.REMINDERS, start=1):
            tx.outbox.enqueue(MAIL_JOB, {"notice": notice.id, "round": number}, now + delay)
        tx.outbox.enqueue(DEADLINE_JOB, {"notice": notice.id}, recall.deadline_at)
    return recall


def withdraw(tx: Transaction, notice: Notice, versions: Collection[str], *, actor: str, now: datetime) -> None:
    """Tell those who were asked to set copies aside that the hold was lifted; nobody, where nobody was asked."""
    sent = tx.recalls.of_notice(notice.id)
    if not sent:
        return
    withdrawn = replace(
        sent[0],
        action=RecallAction.WITHDRAWN,
        versions=tuple(sorted(set(versions) & set(sent[0].versions))),
        issued_at=now,
        expires_at=now + rules.NOTICE_LIFE,
        deadline_at=None,
    )
    _send(tx, withdrawn, (), actor=actor, now=now)
    tx.outbox.enqueue(MAIL_JOB, {"notice": notice.id, "round": WITHDRAWAL}, now)


def write_down(tx: Transaction, deliveries: Sequence[Delivery], settlements: Sequence[Settlement]) -> None:
    """Add to the delivery ledger; whoever was let in before a stop that is already written down joins its recall."""
    tx.deliveries.add(deliveries)
    tx.deliveries.settle(settlements)
    position = tx.ledger.position()
    behind = [delivery for delivery in deliveries if delivery.as_of < position]
    if not behind:
        return
    now = max(delivery.started_at for delivery in behind)
    for recall in tx.recalls.standing_since(min(delivery.as_of for delivery in behind)):
        decided_before = [delivery for delivery in behind if delivery.as_of < recall.position]
        late = {delivery.account_id for delivery in carried(tx, recall, decided_before)}
        late -= {account_id for account_id in late if tx.recalls.holder(recall.notice_id, account_id) is not None}
        if late:
            _send(tx, recall, late, actor=LEDGER, now=now)
            tx.outbox.enqueue(MAIL_JOB, {"notice": recall.notice_id, "round": 0}, now)


def carried(tx: Transaction, recall: Recall, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those of the deliveries that carried something of what is called back."""
    extent, spells = extent_of(tx, recall), _spells(tx, recall)
    found = []
    for one in deliveries:
        if one.path is not None:
            took = rules.carried_item(extent, one.version_id, one.path)
        else:
            fetch = ArchiveFetch(
                account_id=one.account_id,
                version_id=one.version_id,
                include=one.include,
                as_of=one.as_of,
                size=one.stop - one.start,
            )
            took = rules.carried_archive(extent, fetch, spells.get(one.version_id, ()))
        if took:
            found.append(one)
    return found


def extent_of(tx: Transaction, recall: Recall) -> Extent:
    return extent(tx, recall.versions, recall.sha256)


def extent(tx: Transaction, versions: Collection[str], sha256: str | None) -> Extent:
    """These versions whole, or the one content wherever it lies in them, in shards too."""
    if sha256 is None:
        return Extent(versions=tuple(versions), paths=None)
    paths: dict[str, frozenset[str]] = {}
    for digest in packing.all_with(tx, sha256):
        for _, version_id, path in tx.assets.places(digest):
            if version_id in versions:
                paths[version_id] = paths.get(version_id, frozenset()) | {path}
    return Extent(versions=tuple(versions), paths=paths)


def _recipients(tx: Transaction, recall: Recall) -> frozenset[str]:
    asked, spells = extent_of(tx, recall), _spells(tx, recall)
    accounts: set[str] = set()
    for version_id in asked.versions:
        paths = None if asked.paths is None else asked.paths.get(version_id, frozenset())
        accounts.update(tx.deliveries.accounts(version_id, paths))
        if paths is not None:
            stopped = spells.get(version_id, ())
            archives = tx.deliveries.archives(version_id)
            accounts.update(fetch.account_id for fetch in archives if rules.carried_archive(asked, fetch, stopped))
    return frozenset(accounts)


def _spells(tx: Transaction, recall: Recall) -> Spells:
    """When archives of each version left out the one content; where whole versions are called back nothing is asked."""
    if recall.sha256 is None:
        return {}
    found: dict[str, list[Spell]] = {}
    by_asset: dict[str, list[Spell]] = {}
    for version_id in recall.versions:
        version = tx.assets.version(version_id)
        if version is None:
            continue
        if version.asset_id not in by_asset:
            by_asset[version.asset_id] = _stopped(tx, item_subject(version.asset_id, recall.sha256))
        found[version_id] = by_asset[version.asset_id]
    return found


def _stopped(tx: Transaction, subject: str) -> list[Spell]:
    spells: list[Spell] = []
    since: int | None = None
    for event in tx.ledger.about(subject):
        if event.kind == EventKind.ITEM_RELEASED:
            if since is not None:
                spells.append(Spell(start=since, stop=event.position))
            since = None
        elif since is None:
            since = event.position
    return spells if since is None else [*spells, Spell(start=since, stop=None)]


def _send(tx: Transaction, unsent: Recall, accounts: Collection[str], *, actor: str, now: datetime) -> Recall:
    recall = replace(unsent, seq=tx.recalls.add(unsent))
    tx.recalls.send(recall.notice_id, recall.seq, accounts, now)
    data: dict[str, object] = {
        "notice": recall.notice_id,
        "action": recall.action.value,
        "holders": len(accounts),
        "sha256": rules.fingerprint(recall, accounts),
    }
    happened = Happened(kind=EventKind.RECALL_ISSUED, subject=recall_subject(recall.seq), data=data)
    tx.append(happened, actor=actor, at=now)
    return recall


def _successor(tx: Transaction, asset: Asset, versions: Collection[str]) -> str | None:
    main = tx.assets.resolve(asset.id, names.MAIN)
    served = main is not None and main.state is VersionState.PUBLISHED and main.id not in versions
    return main.id if main is not None and served else None
