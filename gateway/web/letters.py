"""What a recall's mail says: plain text in both languages, no attachment, and no link but the gateway's own address.

A letter that asks to sign in by a link is what a thief would send, so ours never does: the notice's number is looked up
where one always signs in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from babel.dates import format_date

from catalog.actions.letters import Letter
from catalog.ports import Clock
from gateway.web.words import LANGUAGES, words_for

LOCALES = {"en": "en_GB", "zh": "zh_CN"}
FIRST = ("zh", "en")  # the order of the two texts
RULE = "-" * 40


def composer(base_url: str, sender: str, clock: Clock) -> Callable[[Letter], EmailMessage]:
    """Makes the message of a letter. `sender` is the address that it comes from."""

    def compose(letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = Address("hubgate", addr_spec=sender)
        message["To"] = Address(addr_spec=letter.email)
        message["Subject"] = subject(letter)
        message["Date"] = format_datetime(clock().astimezone(UTC))
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers
        message.set_content("\n".join([*text(letter, base_url, FIRST[0]), RULE, "", *text(letter, base_url, FIRST[1])]))
        return message

    return compose


def subject(letter: Letter) -> str:
    recall = letter.recall
    both = (words_for(language)(f"mail.subject.{letter.kind.value}") for language in FIRST)
    return f"[hubgate] {recall.notice_id} {recall.asset}: {' / '.join(both)}"


def text(letter: Letter, base_url: str, language: str) -> list[str]:
    """The lines of one language."""
    words, recall = words_for(language), letter.recall
    until = recall.deadline_at and format_date(recall.deadline_at, "long", locale=LOCALES[language])
    lines = [
        words(f"mail.lead.{letter.kind.value}", asset=recall.asset, notice=recall.notice_id),
        "",
        f"{words('mail.notice')}: {recall.notice_id}",
        f"{words('mail.account')}: {letter.name}",
        f"{words('mail.reason')}: {words(f'stop-reason.{recall.reason.value}')}",
    ]
    if until:
        lines.append(f"{words('mail.until')}: {until}")
    return [
        *lines,
        "",
        words(f"mail.do.{letter.kind.value}"),
        words("mail.how", address=base_url),
        "",
        words("mail.careful"),
        "",
    ]


if set(FIRST) != set(LANGUAGES):
    raise AssertionError("a letter is written in every language that there is")
