"""What a hostile or clumsy client meets at the pages: no state change from elsewhere, no guessing, no drafts."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from tests.browser.conftest import PASSWORD, Site
from tests.gateways import Gateway

ASSET = "/assets/demo/street-faces"
POSTS = (
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/complaints/new",
    "/complaints",
    "/language",
    "/account/tokens",
    f"{ASSET}/terms",
    "/operator/act",
)


def signed_in(client: httpx2.Client, name: str) -> None:
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers", [{"origin": "https://foreign.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_a_form_of_another_site_is_refused(site: Site, path: str, headers: dict[str, str]) -> None:
    with site.gateway.client() as client:
        assert client.post(path, data={"lang": "zh", "next": "/"}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_asking_for_a_page_changes_nothing(site: Site, path: str) -> None:
    with site.gateway.client() as client:
        before = client.get("/readyz").json()["position"]
        assert client.get(path).status_code in {200, 303, 405}
        assert client.get("/readyz").json()["position"] == before


@pytest.mark.parametrize("name", ["reader", "nobody-of-that-name"])
def test_sign_in_does_not_say_which_part_was_wrong(site: Site, name: str) -> None:
    with site.gateway.client() as client:
        answer = client.post("/sign-in", data={"name": name, "password": "wrong"})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    assert re.sub(r'value="[^"]*"', "", answer.text).count("do not fit together") == 1


def test_the_eleventh_guess_is_refused_even_when_it_is_right(site: Site) -> None:
    with site.gateway.client() as client:
        for _ in range(10):
            assert client.post("/sign-in", data={"name": "guessed", "password": "guess"}).status_code == 422
        assert client.post("/sign-in", data={"name": "Guessed", "password": PASSWORD}).status_code == 429


def test_sign_in_goes_on_to_our_own_pages_only(site: Site) -> None:
    with site.gateway.client() as client:
        data = {"name": "reader", "password": PASSWORD, "next": "//foreign.example/"}
        assert client.post("/sign-in", data=data).headers["location"] == "/"


def test_the_cookie_is_the_browser_s_alone_and_ends_with_sign_out(site: Site) -> None:
    with site.gateway.client() as client:
        answer = client.post("/sign-in", data={"name": "reader", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        kept = f"sid={client.cookies['sid']}"
        assert client.get("/account").status_code == 200
        client.post("/sign-out")
    with site.gateway.client(cookie=kept) as client:
        assert client.get("/account").status_code == 303


def test_a_page_that_needs_an_account_asks_to_sign_in_and_comes_back(site: Site) -> None:
    with site.gateway.client() as client:
        assert client.get("/account").headers["location"] == "/sign-in?next=/account"


def test_terms_that_are_not_those_in_force_are_shown_anew_and_not_accepted(site: Site) -> None:
    with site.gateway.client() as client:
        signed_in(client, "reader")
        data = {
            "terms_id": "research-use", "terms_version": "0.9", "terms_sha256": "0" * 64,
            "language": "en", "purpose": "kept as typed", "agree": "yes",
        }  # fmt: skip
        answer = client.post(f"{ASSET}/terms", data=data)
        assert answer.status_code == 409
        assert "kept as typed" in answer.text
        unticked = client.post(f"{ASSET}/terms", data={**data, "agree": ""})
        assert unticked.status_code == 422
        held = {acceptance["asset"] for acceptance in client.get("/v1/me").json()["acceptances"]}
        assert "demo/street-faces" not in held


def test_an_operator_s_pages_are_closed_to_others(site: Site) -> None:
    with site.gateway.client() as client:
        signed_in(client, "reader")
        for path in ("/operator", f"/operator/complaints/{site.case}", "/operator/holds", "/operator/accounts"):
            assert client.get(path).status_code == 403
        act = {"act": "revoke", "subject": "demo/street-faces", "reason": "misuse"}
        assert client.post("/operator/act", data=act).status_code == 403
        assert client.get(ASSET).status_code == 200


def test_a_draft_and_a_minors_set_look_like_what_is_not_there(site: Site) -> None:
    with site.gateway.client() as client:
        signed_in(client, "reader")
        texts = set()
        for name in ("demo/absent", "demo/draft", "demo/minors", "..x/--"):
            answer = client.get(f"/assets/{name}")
            assert answer.status_code == 404
            texts.add(answer.text.replace(f"/assets/{name}", ""))
        assert len(texts) == 1
        front = client.get("/").text
        assert "demo/street-faces" in front
        assert "demo/draft" not in front
        assert "demo/minors" not in front


def test_a_wrong_complaint_comes_back_as_it_was_typed(site: Site) -> None:
    typed = {"kind": "self", "name": "Ada", "contact": "", "request": "take it out", "preview": "2", "asset": ""}
    with site.gateway.client() as client:
        answer = client.post("/complaints/new", data=typed)
    assert answer.status_code == 422
    assert 'value="Ada"' in answer.text
    assert "take it out" in answer.text
    assert 'id="e-contact"' in answer.text
    assert 'id="e-asset"' in answer.text


def test_a_case_opens_with_its_secret_alone(site: Site) -> None:
    with site.gateway.client() as client:
        answers = [client.post("/complaints", data={"case": case, "secret": "x"}) for case in (site.case, "C-none")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text.replace(site.case, "") == answers[1].text.replace("C-none", "")


def test_a_notice_is_a_page_for_browsers_and_a_record_for_programs(site: Site) -> None:
    with site.gateway.client() as client:
        assert client.get(f"/notices/{site.notice}").json()["reason_code"] == "licence"
        page = client.get(f"/notices/{site.notice}", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")


def test_sign_up_says_what_is_wrong_beside_each_field(site: Site) -> None:
    data = {"name": "reader", "email": "x", "phone": "12", "password": "short"}
    with site.gateway.client() as client:
        wrong = client.post("/sign-up", data=data)
        taken = client.post(
            "/sign-up", data={**data, "email": "a@b.example", "phone": "+8613800138000", "password": PASSWORD}
        )
    assert wrong.status_code == 422
    assert [f'id="e-{field}"' in wrong.text for field in ("name", "email", "phone", "password")] == [
        False,
        True,
        True,
        True,
    ]
    assert taken.status_code == 409
    assert "This name is taken" in taken.text
    assert PASSWORD not in taken.text


def test_over_plain_http_nobody_signs_in_and_a_closed_sign_up_is_not_there(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    gateway.environ |= {"HUBGATE_PUBLIC_URL": "http://gateway.example", "HUBGATE_SIGN_UP": "false"}
    with gateway.serving(), gateway.client() as client:
        page = client.get("/sign-in")
        assert "would travel in clear" in page.text
        assert 'type="password"' not in page.text
        assert client.post("/sign-in", data={"name": "operator", "password": PASSWORD}).status_code == 403
        assert client.get("/sign-up").status_code == 404
        assert client.post("/sign-up", data={"name": "x"}).status_code == 404


def test_search_and_filters_add_up_and_keep_each_other(site: Site) -> None:
    with site.gateway.client() as client:
        found = client.get("/", params={"q": "street-faces", "class": "face"}).text
        assert "/assets/demo/street-faces" in found
        assert "/assets/demo/hostile" not in found
        assert 'href="/?q=street-faces&amp;kind=model&amp;class=face"' in found
        assert "/assets/demo/street-faces" not in client.get("/", params={"kind": "model"}).text
        assert client.get("/", params={"kind": "x"}).status_code == 422
