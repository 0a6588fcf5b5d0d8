"""This machine's dealings with one gateway about recalls: being known there, and hearing what was called back."""

import base64
import hashlib
import json
import platform
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from gateway.sdk import wire
from gateway.sdk.envelope import canonical, seal
from gateway.sdk.errors import NotAGateway, Untrusted
from gateway.sdk.recall.feed import Notice, believe, digests_of, read_notice
from gateway.sdk.recall.keys import Pins, first, follow, text
from gateway.sdk.signing import SEED_BYTES, SigningKey, verify

if TYPE_CHECKING:
    from gateway.sdk.holdings import Holdings
    from gateway.sdk.transport import Transport

# A notice waits as NEW; what it calls back was set ASIDE, or a receipt with its outcome is to be SENT; then it is DONE.
NEW, ASIDE, SENT, DONE = "new", "aside", "sent", "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A believed notice in the record, and where its handling stands."""

    notice: Notice
    state: str
    results: dict[str, object] | None
    nonce: str | None


class Desk:
    """`token` is the one that `transport` sends; time is `clock`'s, in seconds since 1970."""

    def __init__(
        self, transport: "Transport", token: str, holdings: "Holdings", clock: Callable[[], float] = time.time
    ) -> None:
        self._transport = transport
        self._url = transport.origin
        self._token = hashlib.sha256(token.encode()).hexdigest()
        self._holdings = holdings
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def be_known(self, *, anew: bool = False) -> str:
        """Pin the gateway's keys and make this machine's own key known there, once for each token; the account's name.

        `anew`, at a login: whatever was pinned before is replaced. Raises Untrusted and what the gateway refuses.
        """
        account = self.account()
        if not anew and account is not None and self.pins() is not None:
            return account
        me = self._transport.get(wire.ME, what=wire.ME)
        named = me.get("account")
        account = str(named.get("name")) if isinstance(named, dict) else ""
        listed = self._transport.get(wire.KEYS, what=wire.KEYS).get("keys")
        pinned = None if anew else self.pins()
        pins = first(listed, verify) if pinned is None else follow(pinned, listed, self.now(), verify)
        self._pin(pins)
        key = self._key(account)
        statement = {
            "type": "gw.install/v1",
            "origin": pins.origin,
            "account": account,
            "public_key": base64.b64encode(key.public).decode(),
            "name": (platform.node() or "a machine")[:80],
            "issued": text(self.now()),
        }
        self._transport.post(wire.INSTALLS, seal("install", canonical(statement), [(key.id, key.sign)]), what="install")
        with self._holdings.writing() as db:
            db.execute("UPDATE installs SET token = ? WHERE url = ? AND account = ?", (self._token, self._url, account))
        return account

    def account(self) -> str | None:
        """The account that this token was last known to be of; None when this machine is not known with it."""
        found = self._holdings.rows("SELECT account FROM installs WHERE url = ? AND token = ?", self._url, self._token)
        return str(found[0][0]) if found else None

    def pins(self) -> Pins | None:
        found = self._holdings.rows("SELECT origin, serial, keys FROM gateways WHERE url = ?", self._url)
        return Pins.loads(*cast("tuple[str, int, str]", found[0])) if found else None

    def looked_at(self, account: str) -> float:
        """When recalls were last asked for; 0 when never."""
        found = self._holdings.rows("SELECT looked_at FROM feeds WHERE url = ? AND account = ?", self._url, account)
        return cast("float", found[0][0]) if found else 0.0

    def pull(self, account: str) -> int:
        """Ask for what is new and write down what is believed; how many notices. Raises Untrusted: nothing changed."""
        before = self.looked_at(account)
        # Written down first: a gateway that leaves everybody waiting is not asked again at each command.
        self._looked(account, self._clock())
        try:
            return self._pull(account)
        except (Untrusted, NotAGateway):  # it was not the gateway that was heard: the next one asks again
            self._looked(account, before)
            raise

    def _looked(self, account: str, at: float) -> None:
        with self._holdings.writing() as db:
            db.execute(
                "INSERT INTO feeds (url, account, through, issued, looked_at) VALUES (?, ?, 0, '', ?)"
                " ON CONFLICT (url, account) DO UPDATE SET looked_at = excluded.looked_at",
                (self._url, account, at),
            )

    def _pull(self, account: str) -> int:
        pins = self.pins()
        if pins is None:
            raise Untrusted("no keys are pinned")
        count = 0
        while True:
            ((through, issued),) = self._holdings.rows(
                "SELECT through, issued FROM feeds WHERE url = ? AND account = ?", self._url, account
            )
            after = cast("int", through)
            reply = self._transport.get(wire.RECALLS, params={"after": str(after)}, what=wire.RECALLS)
            answer = believe(
                reply,
                pins=pins,
                account=account,
                after=after,
                last_issued=str(issued) or None,
                now=self.now(),
                verify=verify,
            )
            with self._holdings.writing() as db:
                # The place in the feed, the notices and the keys go together: none is lost, none comes twice.
                db.executemany(
                    "INSERT INTO notices (url, account, seq, notice, payload, state) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    ((self._url, account, n.seq, n.notice, n.payload, NEW) for n in answer.notices),
                )
                db.execute(
                    "UPDATE feeds SET through = max(through, ?), issued = ? WHERE url = ? AND account = ?",
                    (answer.through, answer.issued, self._url, account),
                )
                db.execute(
                    "UPDATE gateways SET serial = ?, keys = ? WHERE url = ?",
                    (answer.pins.serial, answer.pins.dumps(), self._url),
                )
            pins = answer.pins
            count += len(answer.notices)
            if not answer.more or answer.through == after:
                return count

    def waiting(self, account: str, *states: str) -> list[Waiting]:
        """The notices of the account that are in one of these states, in their order; all of them without any."""
        pins = self.pins()
        found = self._holdings.rows(
            "SELECT payload, digests, state, results, nonce FROM notices WHERE url = ? AND account = ? ORDER BY seq",
            self._url,
            account,
        )
        waiting: list[Waiting] = []
        for payload, digests, state, results, nonce in found:
            if pins is None or (states and state not in states):
                continue
            body = cast("bytes", payload)
            notice = read_notice(body, json.loads(body), pins.origin)
            if digests is not None:
                lines = cast("bytes", digests).decode().split()
                notice = replace(notice, digests=tuple(lines))
            outcome = None if results is None else json.loads(cast("str", results))
            waiting.append(Waiting(notice=notice, state=str(state), results=outcome, nonce=cast("str | None", nonce)))
        return waiting

    def digests(self, account: str, notice: Notice) -> tuple[str, ...]:
        """The digests of a notice, fetched and checked when it did not carry them. Raises Untrusted."""
        if notice.digests is not None:
            return notice.digests
        if notice.digest_set is None:
            return ()
        pieces: list[bytes] = []
        address = wire.digests_path(notice.notice, notice.seq)
        with self._transport.stream(address, what=address, headers={}) as reply:
            pieces += reply.chunks()
        found = digests_of(b"".join(pieces), notice.digest_set)
        self._update(account, notice, "digests = ?", "\n".join(found).encode())
        return found

    def mark(self, account: str, notice: Notice, state: str) -> None:
        """Where the handling of the notice stands now."""
        self._update(account, notice, "state = ?", state)

    def conclude(self, account: str, notice: Notice, results: dict[str, object]) -> str:
        """The outcome is about to be stated: written down with the nonce of its receipt, so that it is stated once."""
        nonce = secrets.token_hex(16)
        self._update(account, notice, "state = ?, results = ?, nonce = ?", SENT, json.dumps(results), nonce)
        return nonce

    def receipt(self, account: str, notice: Notice, results: dict[str, object], nonce: str) -> wire.Envelope:
        """The signed receipt."""
        pins = self.pins()
        if pins is None:
            raise Untrusted("no keys are pinned")
        key = self._key(account)
        statement = {
            "type": "gw.receipt/v1",
            "origin": pins.origin,
            "notice": notice.notice,
            "notice_sha256": notice.sha256,
            "account": account,
            "install": key.id,
            "sdk": f"hubgate {_version()}",
            "os": platform.system().lower() or "unknown",
            "nonce": nonce,
            **results,
        }
        return seal("receipt", canonical(statement), [(key.id, key.sign)])

    def send(self, notice: Notice, envelope: wire.Envelope) -> dict[str, object]:
        """Post a receipt. Raises Refused and Unreachable."""
        return self._transport.post(wire.receipts_path(notice.notice), envelope, what=notice.notice)

    def _update(self, account: str, notice: Notice, assignments: str, *values: object) -> None:
        with self._holdings.writing() as db:
            db.execute(
                f"UPDATE notices SET {assignments} WHERE url = ? AND account = ? AND seq = ?",  # noqa: S608  our own
                (*values, self._url, account, notice.seq),
            )

    def _pin(self, pins: Pins) -> None:
        with self._holdings.writing() as db:
            db.execute(
                "INSERT INTO gateways (url, origin, serial, keys) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE SET"
                " origin = excluded.origin, serial = excluded.serial, keys = excluded.keys",
                (self._url, pins.origin, pins.serial, pins.dumps()),
            )

    def _key(self, account: str) -> SigningKey:
        """This machine's key for the account, made with the first use."""
        with self._holdings.writing() as db:
            db.execute(
                "INSERT INTO installs (url, account, seed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (self._url, account, secrets.token_bytes(SEED_BYTES)),
            )
            names = (self._url, account)
            (seed,) = db.execute("SELECT seed FROM installs WHERE url = ? AND account = ?", names).fetchone()
        return SigningKey(seed)


def _version() -> str:
    from importlib.metadata import version

    return version("hubgate")
