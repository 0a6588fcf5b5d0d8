"""Builders of catalogue values for tests: each gives a valid one, and takes what the test is about."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from catalog.actions import accounts, publish, recall, stops, terms
from catalog.actions.authority import in_person
from catalog.ledger.fold import differences, fold
from catalog.policy import names
from catalog.policy.warrant import read as read_warrant
from catalog.ports import Store
from catalog.vocabulary import (
    Account,
    AccountState,
    Actor,
    Asset,
    DataClass,
    Delivery,
    Item,
    Kind,
    Notice,
    Persons,
    Role,
    Scan,
    ScanRefusal,
    ScanVerdict,
    Stop,
    StopReason,
    Terms,
    Title,
    Version,
    VersionState,
)

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)

_number = itertools.count(1)


def new_id(digits: int) -> str:
    return secrets.token_hex((digits + 1) // 2)[:digits]


TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4", ".tar": "application/x-tar", ".zip": "application/zip"}


def item(path: str = "a.jpg", data: bytes = b"picture") -> Item:
    return Item(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        git_sha1=hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest(),
        media_type=TYPES.get(path[-4:], "text/plain"),
    )


def scan(of: Item, verdict: ScanVerdict = ScanVerdict.DATA, why: ScanRefusal | None = None, *names: str) -> Scan:
    return Scan(sha256=of.sha256, scanner="test 1", verdict=verdict, why=why, names=names, scanned_at=NOW)


def warrant(**changes: object) -> dict[str, object]:
    return {
        "title": {"en": "Street faces", "zh": "街头人脸"},
        "class": "face",
        "lawful_basis": "consent",
        "source": "https://example.org/street-faces",
        "persons": "adults",
        "licence": "CC-BY-4.0",
        "residency": "any",
        "contact": "data@example.org",
        "pia": "PIA-2026-001",
        "derived_from": [],
        **changes,
    }


def plain_account(role: Role = Role.RESEARCHER, state: AccountState = AccountState.ACTIVE) -> Account:
    """An account that no store knows."""
    return Account(id=f"a{new_id(16)}", name=role.value, role=role, state=state, email=None, phone=None, created_at=NOW)


def plain_asset(data_class: DataClass = DataClass.FACE, publisher_id: str = "a0", name: str = "faces") -> Asset:
    """An asset that no store knows."""
    return Asset(
        id=f"s{new_id(16)}",
        ns="demo",
        name=name,
        kind=Kind.DATASET,
        data_class=data_class,
        title=Title(en="Street faces", zh="街头人脸"),
        terms_id="research-use",
        publisher_id=publisher_id,
        created_at=NOW,
    )


def plain_version(
    data_class: DataClass = DataClass.FACE,
    *,
    asset_id: str = "s0",
    state: VersionState = VersionState.PUBLISHED,
    at: datetime = NOW,
    tag: str | None = None,
) -> Version:
    """A version that no store knows, with a warrant of its own class."""
    persons = Persons.MINORS if data_class is DataClass.MINOR else Persons.ADULTS
    checked, wrong = read_warrant(warrant(**{"class": data_class.value, "persons": persons.value}))
    assert checked is not None, wrong
    return Version(
        id=new_id(40),
        asset_id=asset_id,
        state=state,
        tag=tag,
        card="# Street faces",
        warrant=checked,
        manifest_sha256=None,
        item_count=0,
        total_size=0,
        created_at=at,
        published_at=at,
        notice_id=None,
    )


def account(store: Store, role: Role = Role.RESEARCHER, name: str | None = None) -> Account:
    new = accounts.NewAccount(
        name=name or f"{role.value}{next(_number)}", email=None, phone=None, role=role, password_hash=None
    )
    with store.begin() as tx:
        return accounts.create(tx, new, actor="", now=NOW, new_id=new_id)


def actor(store: Store, role: Role = Role.RESEARCHER) -> Actor:
    return in_person(account(store, role))


def published_terms(store: Store, terms_id: str = "research-use", text: str = "be kind", major: bool = False) -> Terms:
    with store.begin() as tx:
        return terms.publish_terms(tx, actor_in(tx), terms_id, en=text, zh=f"{text}（中文）", major=major, now=NOW)


def actor_in(tx: object) -> Actor:
    """A fresh operator made in the same transaction."""
    new = accounts.NewAccount(
        name=f"operator{next(_number)}", email=None, phone=None, role=Role.OPERATOR, password_hash=None
    )
    return in_person(accounts.create(tx, new, actor="", now=NOW, new_id=new_id))  # type: ignore[arg-type]


def published(
    store: Store,
    by: Actor,
    *items: Item,
    full_name: str = "demo/street-faces",
    terms_id: str = "research-use",
    tag: str | None = None,
    keys: Mapping[str, object] | None = None,
    kind: Kind = Kind.DATASET,
    previews_per_version: int = 100,
) -> Version:
    publication = publish.Publication(
        kind=kind,
        full_name=full_name,
        terms_id=terms_id,
        warrant=warrant() if keys is None else keys,
        class_override=None,
        tag=tag,
        card="# Street faces",
    )
    with store.begin() as tx:
        draft = publish.open_draft(tx, by, kind, full_name, now=NOW, new_id=new_id)
        publish.keep_only(tx, by, draft.id, items or (item(),))
        if kind is Kind.MODEL:
            publish.record_scans(tx, by, draft.id, [scan(each) for each in items or (item(),)])
        return publish.release(
            tx, by, draft.id, publication, previews_per_version=previews_per_version, now=NOW
        ).version


def accepted(store: Store, who: Actor, full_name: str = "demo/street-faces") -> bool:
    ns, name = full_name.split("/")
    with store.begin() as tx:
        asset = tx.assets.named(ns, name)
        assert asset is not None
        in_force = tx.terms.in_force(asset.terms_id)
        assert in_force is not None
        command = terms.Accept(
            ns=ns,
            name=name,
            terms_id=in_force.id,
            terms_version=in_force.version,
            terms_sha256=in_force.sha256,
            language="en",
            purpose="to test",
        )
        return terms.accept(tx, who, command, now=NOW, new_id=new_id)[1]


def delivered(
    store: Store,
    who: Actor,
    version: Version,
    path: str | None = None,
    *,
    include: list[str] | None = None,
    as_of: int | None = None,
    token: str | None = None,
    size: int = 4096,
    at: datetime = NOW,
) -> Delivery:
    """A delivery written down as the gateway does: one item, or without `path` an archive of `include`."""
    assert who.account is not None
    with store.begin() as tx:
        one = Delivery(
            id=new_id(24),
            account_id=who.account.id,
            token_id=token,
            asset_id=version.asset_id,
            version_id=version.id,
            path=path,
            include=json.dumps(include or []) if path is None else None,
            start=0,
            stop=size,
            as_of=tx.ledger.position() if as_of is None else as_of,
            started_at=at,
        )
        recall.write_down(tx, [one], [])
    return one


def stopped(
    store: Store,
    by: Actor,
    act: Stop,
    subject: str,
    *,
    reason: StopReason = StopReason.RIGHTS_COMPLAINT,
    case: str | None = None,
    now: datetime = NOW,
) -> Notice:
    command = stops.StopCommand(act=act, subject=names.subject(subject), reason=reason, case=case)
    with store.begin() as tx:
        return stops.stop(tx, by, command, now=now, new_id=new_id)


def events_and_tables_agree(store: Store) -> bool:
    with store.read() as tx:
        wrong = differences(fold(tx.ledger.events(0, 1_000_000)), tx.projection.snapshot())
    assert wrong == []
    return True
