"""What counts as a gateway's address, and where a token may travel."""

from __future__ import annotations

import pytest

from gateway.sdk.address import may_carry_token, origin_of
from gateway.sdk.errors import Misused


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://GW.example.org/", "https://gw.example.org"),
        ("https://gw.example.org:443", "https://gw.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_becomes_an_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "gw.example.org",
        "ftp://gw.example.org",
        "https://",
        "https://gw/path",
        "https://gw?x=1",
        "https://gw#x",
        "https://gw:99999",
        "https://g w",
        "https://[::1",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Misused):
        origin_of(url)


def test_a_secret_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(Misused) as caught:
        origin_of("https://user:hbg_secret@gw.example.org")
    assert "hbg_secret" not in str(caught.value)


@pytest.mark.parametrize(
    "origin", ["https://gw.example.org", "http://localhost:8000", "http://127.8.9.1", "http://[::1]"]
)
def test_a_token_travels_over_https_and_within_this_machine(origin: str) -> None:
    assert may_carry_token(origin)


@pytest.mark.parametrize(
    "origin", ["http://gw.example.org", "http://10.0.0.1", "http://localhost.evil.org", "http://127.0.0.1.evil.org"]
)
def test_a_token_does_not_travel_in_clear(origin: str) -> None:
    assert not may_carry_token(origin)
