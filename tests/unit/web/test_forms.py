"""Forms, safe places to go on to, and the limit on guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from catalog.errors import Invalid, TooMany
from gateway.web.attempts import Attempts, address
from gateway.web.errors import BadRequest
from gateway.web.pages.complaints import items_named
from gateway.web.pages.forms import Form, local_path, read_form
from tests.builders import NOW


def posted(body: bytes, host: str = "192.0.2.1") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": [], "client": (host, 1)}, receive)


@pytest.mark.anyio
async def test_a_form_keeps_blank_and_repeated_fields() -> None:
    form = await read_form(posted(b"a=&b=1&b=2&c=%E4%BA%BA%0D%0Ax"))
    assert (form.text("a"), form.texts("b"), form.text("c"), form.text("d")) == ("", ["1", "2"], "人\nx", "")
    assert form.lines("c") == ["人", "x"]


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"a=%ff", "a=人".encode(), b"&".join(b"a=1" for _ in range(300))])
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        await read_form(posted(body))


@pytest.mark.anyio
async def test_a_form_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        await read_form(posted(b"a=" + b"x" * 300_000))
    assert caught.value.status == 413


@pytest.mark.parametrize("path", ["/", "/assets/a/b?x=1", "/account#tokens"])
def test_a_path_of_ours_is_gone_on_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "https://foreign.example/", "//foreign.example", "/\\foreign.example", "javascript:x", "/a\nb", "/\t/x"],
)
def test_whatever_else_leads_to_the_front_page(path: str) -> None:
    assert local_path(path) == "/"


@given(st.text(max_size=20))
def test_no_text_leads_off_the_gateway(text: str) -> None:
    path = local_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


def test_items_are_tiles_by_number_and_files_by_path() -> None:
    form = Form({"preview": ["3, 12、7"], "version": ["abc"], "paths": ["a/b.jpg\n\n c.jpg "]})
    items = items_named(form)
    assert [item.preview for item in items] == [3, 12, 7, None, None]
    assert [item.path for item in items] == [None, None, None, "a/b.jpg", "c.jpg"]
    assert {item.version for item in items} == {"abc"}


@pytest.mark.parametrize("text", ["x", "-1", "３", "1e9", "99999999999"])
def test_a_preview_is_a_plain_number(text: str) -> None:
    with pytest.raises(Invalid):
        items_named(Form({"preview": [text]}))


def test_guessing_is_limited_and_the_limit_frees_itself() -> None:
    attempts = Attempts(3, timedelta(minutes=15))
    for _ in range(3):
        attempts.check("a", NOW)
        attempts.count("a", NOW)
    with pytest.raises(TooMany):
        attempts.check("a", NOW + timedelta(minutes=14))
    attempts.check("b", NOW)
    attempts.check("a", NOW + timedelta(minutes=15))


def test_a_success_forgets_earlier_failures() -> None:
    attempts = Attempts(1, timedelta(minutes=15))
    attempts.count("a", NOW)
    attempts.forget("a")
    attempts.check("a", NOW)


def test_one_ipv6_customer_is_one_address() -> None:
    assert address(posted(b"", "2001:db8:1:2:3::4")) == address(posted(b"", "2001:db8:1:2:ffff::9"))
    assert address(posted(b"", "2001:db8:1:3::1")) != address(posted(b"", "2001:db8:1:2::1"))
    assert address(posted(b"", "192.0.2.7")) == "192.0.2.7"
