"""What the gateway signs: its keys, what an account was sent, and each notice. Shapes: gateway/sdk/wire.py.

A notice is written from the catalogue's facts whenever it is asked for, the same bytes each time; nothing that is
signed is kept, so a rotation of keys leaves nothing behind.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from catalog.ports import Transaction
from catalog.recalls import Recall
from catalog.vocabulary import Account
from gateway.keys import KeySet
from gateway.sdk import wire
from gateway.sdk.envelope import Sign, canonical, seal
from gateway.web.replies import moment

MOST_IN_NOTICE = 1000
LIST_LIFE = timedelta(hours=24)
KEPT_NOTICES = 512
KEPT_LISTS = 4  # of digests: one of 100,000 is seven megabytes


class Signer(Protocol):
    """Signs in the installation's name."""

    def set(self) -> KeySet: ...
    def signers(self, now: datetime) -> list[tuple[str, Sign]]:
        """The keys in force; the first is the one that signs now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A notice as it is signed: the payload, its SHA-256, and how many contents it calls back."""

    payload: bytes
    sha256: str
    contents: int


class Statements:
    """`origin` is the gateway's own address, which every statement names."""

    def __init__(self, signer: Signer, origin: str) -> None:
        self._signer = signer
        self.origin = origin
        self._notices: OrderedDict[int, Written] = OrderedDict()
        self._lists: OrderedDict[int, bytes] = OrderedDict()

    def keys(self, now: datetime) -> wire.Envelope:
        """Which keys sign, signed by every one of them."""
        known = self._signer.set()
        listed = [
            {
                "keyid": one.key.id,
                "alg": "ed25519",
                "public_key": base64.b64encode(one.key.public).decode(),
                "not_before": moment(one.not_before),
                "not_after": moment(one.not_after),
            }
            for one in known.in_force(now)
        ]
        statement = {
            "type": "gw.keys/v1",
            "origin": self.origin,
            "serial": known.serial,
            "issued": moment(now),
            "keys": listed,
        }
        return seal("keys", canonical(statement), self._signer.signers(now))

    def sent(
        self, account: Account, after: int, notices: Sequence[tuple[Recall, Written]], more: bool, now: datetime
    ) -> wire.Envelope:
        """What the account was sent after a number: these, and nothing between them."""
        statement = {
            "type": "gw.recalls/v1",
            "origin": self.origin,
            "account": account.name,
            "after": after,
            "through": notices[-1][0].seq if notices else after,
            "more": more,
            "issued": moment(now),
            "expires": moment(now + LIST_LIFE),
            "notices": [
                {"notice": recall.notice_id, "seq": recall.seq, "sha256": written.sha256} for recall, written in notices
            ],
        }
        return self._sealed("recalls", canonical(statement), now)

    def sealed(self, written: Written, now: datetime) -> wire.Envelope:
        return self._sealed("recall", written.payload, now)

    def evidence(self, record: dict[str, object], now: datetime) -> wire.Envelope:
        """A record of the operators', signed as it stands."""
        return self._sealed("evidence", canonical(record), now)

    def notice(self, tx: Transaction, recall: Recall) -> Written:
        """The notice's own bytes."""
        kept = self._notices.get(recall.seq)
        if kept is None:
            kept = self._write(recall, tx.recalls.digests(recall))
            self._notices[recall.seq] = kept
            if len(self._notices) > KEPT_NOTICES:
                self._notices.popitem(last=False)
        return kept

    def digests(self, tx: Transaction, recall: Recall) -> bytes:
        """The lines that a notice with a `digest_set` points to."""
        kept = self._lists.get(recall.seq)
        if kept is None:
            kept = lines(tx.recalls.digests(recall))
            self._lists[recall.seq] = kept
            if len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)
        return kept

    def _write(self, recall: Recall, digests: Sequence[tuple[str, int]]) -> Written:
        statement: dict[str, object] = {
            "type": "gw.recall/v1",
            "notice": recall.notice_id,
            "seq": recall.seq,
            "origin": self.origin,
            "issued": moment(recall.issued_at),
            "expires": moment(recall.expires_at),
            "asset": recall.asset,
            "versions": list(recall.versions),
            "scope": recall.scope.value,
            "action": recall.action.value,
            "reason_code": recall.reason.value,
            "successor": recall.successor,
            "reply_path": wire.receipts_path(recall.notice_id),
            "deadline": moment(recall.deadline_at),
        }
        if len(digests) <= MOST_IN_NOTICE:
            # Where one file is called back, whatever else is named holds it among others that may stay.
            statement["digests"] = [
                {"alg": "sha256", "d": sha256, "size": size}
                | ({} if recall.sha256 in {None, sha256} else {"shard": True})
                for sha256, size in digests
            ]
        else:
            statement["digest_set"] = {
                "url_path": wire.digests_path(recall.notice_id, recall.seq),
                "sha256": hashlib.sha256(lines(digests)).hexdigest(),
                "count": len(digests),
            }
        payload = canonical(statement)
        return Written(payload=payload, sha256=hashlib.sha256(payload).hexdigest(), contents=len(digests))

    def _sealed(self, kind: str, payload: bytes, now: datetime) -> wire.Envelope:
        return seal(kind, payload, self._signer.signers(now)[:1])


def lines(digests: Sequence[tuple[str, int]]) -> bytes:
    return "".join(f"{sha256} {size}\n" for sha256, size in digests).encode()
