"""Sizes, days and links as people read them."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from gateway.web.pages.forms import Form
from gateway.web.render import Renderer, defang, size
from gateway.web.words import words_for
from tests.builders import NOW


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": raw})


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (12_400_000, "12.4 MB"), (3 * 10**18, "3000.0 PB")],
)
def test_sizes_are_in_powers_of_a_thousand(count: int, text: str) -> None:
    assert size(count) == text


def test_a_defanged_link_is_none() -> None:
    assert defang("https://a.example/b.jpg") == "hxxps://a[.]example/b[.]jpg"


def test_a_machine_is_shown_with_its_short_id_wherever_it_is_named() -> None:
    page = Renderer("").environment.from_string('{% import "parts.html" as parts %}{{ parts.machine(install) }}')
    shown = page.render(install={"name": "<vm>", "id": "0123456789abcdef"})
    assert shown == '<bdi>&lt;vm&gt;</bdi> <code class="soft">01234567</code>'


@pytest.mark.parametrize(
    ("language", "day"), [("en", "25 November 2026 02:00 UTC"), ("zh", "2026年11月25日 02:00 UTC")]
)
def test_moments_are_written_in_the_language_of_the_page(language: str, day: str) -> None:
    renderer = Renderer("http://127.0.0.1:8000")
    shown = renderer.environment.from_string("{{ at|moment }}").render(words=words_for(language), at=NOW)
    assert shown == day


def test_pages_forbid_what_is_foreign_and_are_not_kept() -> None:
    response = Renderer("https://gateway.example").render(request(), "case_ask.html", None, form=Form())
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["strict-transport-security"].startswith("max-age=")
