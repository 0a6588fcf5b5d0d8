"""Sends mail through a server of the operator's. What a letter says is handed in; nothing else knows SMTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

import aiosmtplib

TIMEOUT_S = 20.0
FOR_GOOD = 500  # from this reply code on, trying again does not help


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # for a server on this very machine


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over; `user` "" signs in to nothing."""

    host: str
    port: int
    security: Security
    user: str
    password: str

    async def send(self, messages: Iterable[EmailMessage]) -> AsyncIterator[str | None]:
        """Hand each over in one connection; gives, message by message, None or why it was refused for good.

        Raises MailFailed when the server cannot be reached or asks to come again later; what was given before stands.
        """
        try:
            async with self._connected() as client:
                for message in messages:
                    yield await _refusal(client, message)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailFailed(f"{self.host}:{self.port}: {type(error).__name__}") from error

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.security is Security.TLS,
            start_tls=self.security is Security.STARTTLS,
            username=self.user or None,
            password=self.password or None,
            timeout=TIMEOUT_S,
        )
        async with client:
            yield client

    async def greet(self) -> None:
        """See whether the server answers and lets us in. Raises MailFailed."""
        async for _ in self.send(()):
            pass


def mail_server(*, host: str, port: int, security: str, user: str, password: str, sender: str) -> MailServer | None:
    """None while no `host` is set. Raises ValueError for a security that there is not, or without a sender."""
    if not host:
        return None
    if security not in {one.value for one in Security}:
        raise ValueError(f"smtp_security = {security!r}: use {', '.join(Security)}")
    if "@" not in sender:
        raise ValueError("mail_from is no address: set the one that mail comes from")
    return MailServer(host=host, port=port, security=Security(security), user=user, password=password)


class MailFailed(Exception):
    """The server cannot take mail now; try again later."""


async def _refusal(client: aiosmtplib.SMTP, message: EmailMessage) -> str | None:
    try:
        await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        refused = error.recipients[0]
        if refused.code < FOR_GOOD:
            raise
        return f"{refused.code}"
    except aiosmtplib.SMTPResponseException as error:
        if error.code < FOR_GOOD or isinstance(error, aiosmtplib.SMTPSenderRefused):
            raise
        return f"{error.code}"
    except aiosmtplib.SMTPNotSupported:
        return "unsupported"  # an address in letters that the server does not take
    return None
