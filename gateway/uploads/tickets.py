"""The right to send one content for one draft, as an address: clients send such bytes without their token.

A ticket says what may be sent, for which draft, and in whose name; it is signed and ends by itself. It is no secret
that opens anything else: whose it is may still send, and whether it stands, is looked up when it is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

LIFE = timedelta(hours=12)
LONGEST = 1000  # characters


class BadTicket(Exception):
    """Not signed here, or not any more."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`part` is the size of the parts that it may be sent in, 0 when it comes whole; `until` is in seconds of Unix."""

    version_id: str
    sha256: str
    size: int
    account_id: str
    token_id: str | None
    part: int
    until: int

    @property
    def parts(self) -> int:
        return -(-self.size // self.part) if self.part else 0

    @property
    def staged(self) -> str:
        """The name under which its parts are gathered: the same for everyone who sends this for this draft."""
        told = f"{self.version_id}:{self.sha256}:{self.size}:{self.part}"
        return hashlib.sha256(told.encode()).hexdigest()


class Tickets:
    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"hubgate upload ticket", "sha256")

    def sign(self, ticket: Ticket) -> str:
        payload = _text(json.dumps(astuple(ticket), separators=(",", ":")).encode())
        return f"{payload}.{self._seal(payload)}"

    def read(self, text: str, now: datetime) -> Ticket:
        """Raises BadTicket."""
        payload, _, seal = text[: LONGEST + 1].partition(".")
        if len(text) > LONGEST or not hmac.compare_digest(seal.encode(), self._seal(payload).encode()):
            raise BadTicket("not signed here")
        try:
            ticket = Ticket(*json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        except (binascii.Error, ValueError, TypeError) as error:
            raise BadTicket("signed, but not read") from error
        if now.timestamp() >= ticket.until:
            raise BadTicket("too old")
        return ticket

    def _seal(self, payload: str) -> str:
        return _text(hmac.digest(self._key, payload.encode(), "sha256"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
