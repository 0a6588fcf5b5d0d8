"""E-mail addresses and telephone numbers in one normal form."""

from __future__ import annotations

import re

import phonenumbers

from catalog.errors import Flaw, Invalid, Wrong
from catalog.policy.names import is_text

EMAIL = re.compile(r"[^@\s<>\"(),:;\\\[\]]{1,64}@[^@\s<>\"(),:;\\\[\]]{1,190}\.[^@\s.<>\"(),:;\\\[\]]{2,63}")
HOME = "CN"  # a number without a country code is read as one from here


def email(text: str) -> str:
    """Raises Invalid."""
    address = text.strip()
    if not EMAIL.fullmatch(address) or not is_text(address):
        raise Invalid({"email": Flaw(Wrong.EMAIL)})
    return address


def phone(text: str) -> str:
    """E.164, e.g. +8613800138000. Raises Invalid."""
    wrong = Invalid({"phone": Flaw(Wrong.PHONE)})
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException as error:
        raise wrong from error
    if not phonenumbers.is_valid_number(number):
        raise wrong
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
