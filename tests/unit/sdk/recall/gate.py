"""A gateway's signing side, so that tests can say anything in its name, or in another's."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.sdk import wire
from gateway.sdk.envelope import canonical, seal, statement_of
from gateway.sdk.recall.keys import text
from gateway.sdk.signing import SigningKey
from tests.unit.sdk.origin import Answer, Asked

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ORIGIN = "https://gw.example.org"
VERSION = "ab" * 20


def key() -> SigningKey:
    return SigningKey(secrets.token_bytes(32))


def digest(number: int) -> str:
    return f"{number:064x}"


@dataclass
class Gate:
    """Its keys, and the recalls that it has sent to one account."""

    signing: SigningKey = field(default_factory=key)
    origin: str = ORIGIN
    account: str = "rosa"
    serial: int = 1
    now: datetime = NOW
    sent: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    lists: dict[str, bytes] = field(default_factory=dict)

    def sign(self, kind: str, statement: Mapping[str, object], *keys: SigningKey) -> wire.Envelope:
        signers = keys or (self.signing,)
        return seal(kind, canonical({"type": f"gw.{kind}/v1", **statement}), [(k.id, k.sign) for k in signers])

    def keys(self, *listed: SigningKey, signed: Sequence[SigningKey] | None = None, **changes: object) -> wire.Envelope:
        """The list of these keys, signed by each of them; the first one signs now, the others for a while yet."""
        keys = listed or (self.signing,)
        records = [
            {
                "keyid": k.id,
                "alg": "ed25519",
                "public_key": base64.b64encode(k.public).decode(),
                "not_before": text(self.now - timedelta(days=300)),
                "not_after": None if n == 0 else text(self.now + timedelta(days=90)),
            }
            for n, k in enumerate(keys)
        ]
        statement = {"origin": self.origin, "serial": self.serial, "issued": text(self.now), "keys": records, **changes}
        return self.sign("keys", statement, *(keys if signed is None else signed))

    def recall(
        self, contents: Sequence[str], *, versions: Sequence[str] = (VERSION,), **changes: object
    ) -> dict[str, Any]:
        """A notice, sent to the account."""
        seq = len(self.sent) * 10 + 10
        notice = f"N-{seq:012x}"
        statement: dict[str, Any] = {
            "type": "gw.recall/v1",
            "notice": notice,
            "seq": seq,
            "origin": self.origin,
            "issued": text(self.now),
            "expires": text(self.now + timedelta(days=1800)),
            "asset": "lab/set",
            "versions": list(versions),
            "scope": "items",
            "action": "purge",
            "reason_code": "rights_complaint",
            "digests": [{"alg": "sha256", "d": d, "size": 1} for d in contents],
            "successor": None,
            "reply_path": f"/v1/recalls/{notice}/receipts",
            "deadline": text(self.now + timedelta(days=7)),
            **changes,
        }
        self.sent.append({k: v for k, v in statement.items() if v is not ...})
        return self.sent[-1]

    def answer(self, since: int = 0, **changes: object) -> dict[str, Any]:
        """What `GET /v1/recalls` gives; `changes` are of the list."""
        told = [one for one in self.sent if one["seq"] > since]
        notices = [self.sign("recall", {k: v for k, v in one.items() if k != "type"}) for one in told]
        entries = [
            {"notice": one["notice"], "seq": one["seq"], "sha256": _sha256(envelope)}
            for one, envelope in zip(told, notices, strict=True)
        ]
        listed = {
            "origin": self.origin,
            "account": self.account,
            "after": since,
            "through": max([since, *(one["seq"] for one in told)]),
            "more": False,
            "issued": text(self.now),
            "expires": text(self.now + timedelta(days=1)),
            "notices": entries,
            **changes,
        }
        return {"list": self.sign("recalls", listed), "notices": notices, "keys": self.keys()}

    def serve(self, otherwise: Callable[[Asked], Answer] = lambda asked: Answer(404)) -> Callable[[Asked], Answer]:
        """A script for an origin that speaks for this gate."""

        def script(asked: Asked) -> Answer:
            path, _, query = asked.path.partition("?")
            if path == wire.ME:
                return _json({"account": {"name": self.account, "role": "researcher"}})
            if path == wire.KEYS:
                return _json({"keys": self.keys()})
            if path == wire.INSTALLS:
                return _json({"id": "x", "name": "x", "registered_at": "", "retired_at": None}, 201)
            if path == wire.RECALLS:
                return _json(self.answer(int(query.removeprefix("after="))))
            if asked.path in self.lists:
                return Answer(200, self.lists[asked.path])
            if path.endswith("/receipts"):
                envelope = json.loads(asked.body)
                self.receipts.append(statement_of("receipt", base64.b64decode(envelope["payload"])))
                return _json({"id": "r", "notice": "n", "state": "claimed", "waiting": []}, 201)
            return otherwise(asked)

        return script


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _sha256(envelope: wire.Envelope) -> str:
    return hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()
