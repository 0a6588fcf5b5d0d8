"""A researcher's machine as the wire sees it: it pins keys, makes an install known, reads notices, signs receipts.

It checks what docs/reference/recall.md says that a machine must check, independently of the SDK.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from gateway.sdk.envelope import canonical, opened, seal, statement_of
from gateway.sdk.signing import SigningKey, verify

OUTCOMES = ("deleted", "absent", "locked", "modified", "kept_by_law")


class Machine:
    """One home of one account. `seq` is how far it has read."""

    def __init__(self, client: httpx2.Client, account: str, name: str = "a laptop") -> None:
        self.client = client
        self.account = account
        self.name = name
        self.key = SigningKey(secrets.token_bytes(32))
        self.seq = 0
        self.pinned: dict[str, bytes] = {}
        self.origin = ""
        self.payloads: dict[str, bytes] = {}
        self.pin(client.get("/v1/keys").json()["keys"])

    def pin(self, envelope: Mapping[str, Any]) -> None:
        """Believe a list of keys: the first one, or one that a pinned key has signed."""
        listed = json.loads(base64.b64decode(envelope["payload"]))
        keys = {key["keyid"]: base64.b64decode(key["public_key"]) for key in listed["keys"]}
        payload, _ = opened("keys", envelope, self.pinned or keys, verify)
        statement = statement_of("keys", payload)
        assert not self.origin or statement["origin"] == self.origin
        self.pinned, self.origin = keys, str(statement["origin"])

    def register(self, **changes: str) -> httpx2.Response:
        statement = {
            "type": "gw.install/v1",
            "origin": self.origin,
            "account": self.account,
            "public_key": base64.b64encode(self.key.public).decode(),
            "name": self.name,
            "issued": "2026-11-25T02:00:00Z",
            **changes,
        }
        return self.client.post(
            "/v1/me/installs", json=seal("install", canonical(statement), [(self.key.id, self.key.sign)])
        )

    def read(self, after: int | None = None) -> list[dict[str, Any]]:
        """The notices after the last one that was read, each checked against the signed list."""
        asked = self.seq if after is None else after
        answer = self.client.get("/v1/recalls", params={"after": asked}).raise_for_status().json()
        self.pin(answer["keys"])
        listed = statement_of("recalls", opened("recalls", answer["list"], self.pinned, verify)[0])
        assert (listed["origin"], listed["account"], listed["after"]) == (self.origin, self.account, asked)
        found = []
        for envelope in answer["notices"]:
            payload, _ = opened("recall", envelope, self.pinned, verify)
            notice = statement_of("recall", payload)
            assert notice["origin"] == self.origin
            self.payloads[str(notice["notice"])] = payload
            found.append((notice, hashlib.sha256(payload).hexdigest()))
        entries = [{"notice": notice["notice"], "seq": notice["seq"], "sha256": sha256} for notice, sha256 in found]
        assert listed["notices"] == entries
        numbers = [int(str(notice["seq"])) for notice, _ in found]
        assert numbers == sorted(set(numbers))
        assert all(asked < number <= int(str(listed["through"])) for number in numbers)
        self.seq = int(str(listed["through"]))
        return [notice for notice, _ in found]

    def receipt(
        self, notice: Mapping[str, Any], outcomes: Sequence[str] = ("deleted",), **changes: object
    ) -> dict[str, Any]:
        """A statement with one outcome for each content of the notice, in order."""
        digests = [one["d"] for one in notice["digests"]]
        results = [{"d": d, "outcome": o, "at": "2026-11-25T03:00:00Z"} for d, o in zip(digests, outcomes, strict=True)]
        return {
            "type": "gw.receipt/v1",
            "origin": self.origin,
            "notice": notice["notice"],
            "notice_sha256": hashlib.sha256(self.payloads[notice["notice"]]).hexdigest(),
            "account": self.account,
            "install": self.key.id,
            "sdk": "a test",
            "os": "linux",
            "counts": {outcome: list(outcomes).count(outcome) for outcome in OUTCOMES},
            "results": results,
            "copies_outside": "none_declared",
            "nonce": secrets.token_hex(16),
            **changes,
        }

    def sealed(
        self, receipt: Mapping[str, object], key: SigningKey | None = None, kind: str = "receipt"
    ) -> dict[str, Any]:
        signer = key or self.key
        return dict(seal(kind, canonical(receipt), [(signer.id, signer.sign)]))

    def post(self, notice_id: str, envelope: Mapping[str, object]) -> httpx2.Response:
        return self.client.post(f"/v1/recalls/{notice_id}/receipts", json=envelope)

    def answer(self, notice: Mapping[str, Any], outcomes: Sequence[str] = ("deleted",)) -> httpx2.Response:
        return self.post(notice["notice"], self.sealed(self.receipt(notice, outcomes)))
