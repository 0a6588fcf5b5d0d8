"""(e) Calling back: one stop of a set of 100,000 items that 10,000 accounts have, and one holder hearing of it.

The stop, the recall and a notice for each holder are one transaction, on disk when it ends.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from benchmarks import stand
from catalog.actions import accounts, credentials, publish, recall, stops, terms
from catalog.actions.authority import in_person
from catalog.policy import names
from catalog.ports import Transaction
from catalog.vocabulary import Actor, Delivery, Item, Kind, Role, Stop, StopReason, Version
from gateway.installation import Installation, open_installation, random_id
from gateway.sdk import Hub
from gateway.settings import load
from tests.builders import warrant

NAME = "bench/many"
AT = datetime(2026, 11, 28, tzinfo=UTC)


def items(count: int) -> list[Item]:
    return [
        Item(
            path=f"{number // 1000:03}/{number:06}.jpg",
            size=50_000,
            sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            git_sha1=hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest(),
            media_type="image/jpeg",
        )
        for number in range(count)
    ]


def released(installation: Installation, operator: Actor, files: list[Item]) -> Version:
    publication = publish.Publication(
        kind=Kind.DATASET,
        full_name=NAME,
        terms_id="bench",
        warrant=warrant(**{"class": "public", "persons": "none"}),
        class_override=None,
        tag=None,
        card="# Many",
    )
    with installation.store.begin() as tx:
        terms.publish_terms(tx, operator, "bench", en="Measure.", zh="测量。", major=True, now=AT)
        draft = publish.open_draft(tx, operator, Kind.DATASET, NAME, now=AT, new_id=random_id)
        publish.keep_only(tx, operator, draft.id, files)
        return publish.release(tx, operator, draft.id, publication, previews_per_version=0, now=AT).version


def hold(tx: Transaction, version: Version, numbers: range) -> str:
    """New accounts that got an archive of everything; the token of the last."""
    token = ""
    deliveries = []
    for number in numbers:
        new = accounts.NewAccount(
            name=f"holder{number}", email=None, phone=None, role=Role.RESEARCHER, password_hash=None
        )
        made = accounts.create(tx, new, actor="", now=AT, new_id=random_id)
        if number == numbers[-1]:
            token, _ = credentials.create_token(tx, made, scopes=None, now=AT, new_id=random_id)
        deliveries.append(
            Delivery(
                id=random_id(24), account_id=made.id, token_id=None, asset_id=version.asset_id, version_id=version.id,
                path=None, include="[]", start=0, stop=version.total_size * 2, as_of=tx.ledger.position(),
                started_at=AT,
            )
        )  # fmt: skip
    recall.write_down(tx, deliveries, [])
    return token


def main(quick: bool) -> list[dict[str, object]]:
    count, holders = (10_000, 1_000) if quick else (100_000, 10_000)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        subprocess.run([stand.HUBGATE, "init", "--data", data], check=True, capture_output=True)
        installation = open_installation(load({"data": data}, environ={}))
        with installation.store.read() as tx:
            person = tx.accounts.named("operator")
        assert person is not None
        operator = in_person(person)
        files = items(count)
        version = released(installation, operator, files)
        for start in range(0, holders, 1000):
            with installation.store.begin() as tx:
                token = hold(tx, version, range(start, min(start + 1000, holders)))
        rows: list[dict[str, object]] = []
        subjects = (
            ("one item withheld", Stop.WITHHOLD, f"{NAME}@{version.id}:{files[7].path}"),
            ("the version revoked", Stop.REVOKE, f"{NAME}@{version.id}"),
        )
        for label, act, subject in subjects:
            command = stops.StopCommand(
                act=act, subject=names.subject(subject), reason=StopReason.RIGHTS_COMPLAINT, case=None
            )
            began = time.perf_counter()
            with installation.store.begin() as tx:
                notice = stops.stop(tx, operator, command, now=datetime.now(UTC), new_id=random_id)  # noqa: TID251
            seconds = time.perf_counter() - began
            with installation.store.read() as tx:
                told = tx.recalls.counts(notice.id).holders
            rows.append({"what": f"{label}: everything on disk", "items": count, "told": told, "ms": seconds * 1000})
        installation.close()
        rows.append({"what": "one holder hears of both", "items": count, "told": 1, "ms": heard(data, token) * 1000})
    return rows


def heard(data: Path, token: str) -> float:
    """Seconds in which a machine that is known already asks, checks the signatures, and looks what it has of it."""
    port = stand.free_port()
    command = [stand.HUBGATE, "serve", "--data", data, "--port", str(port)]
    with (data / "server.log").open("wb") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            stand.wait_for(port, "/readyz")
            at_home = mock.patch.dict(os.environ, HUBGATE_HOME=str(data / "home"))
            with at_home, Hub(f"http://127.0.0.1:{port}", token) as hub:
                hub.be_known()
                began = time.perf_counter()
                found = hub.sync(dry_run=True)
                seconds = time.perf_counter() - began
            if len(found) != 2:
                raise RuntimeError(f"{len(found)} notices came")
            return seconds
        finally:
            server.terminate()
