"""The API as a stranger meets it: its description, its refusals, and that bad input loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from openapi_spec_validator import validate

from tests.gateways import Gateway

COMPLAINT = {"name": "Grace", "contact": "g@example.org", "request": "Take me out", "kind": "self"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("surface") / "data")
    with made.serving():
        yield made


@pytest.fixture
def anyone(gateway: Gateway) -> Iterator[httpx2.Client]:
    with gateway.client() as client:
        yield client


def test_the_description_is_valid_openapi(anyone: httpx2.Client) -> None:
    described = anyone.get("/openapi.json").json()
    validate(described)
    assert "/v1/assets/{ns}/{name}/versions/{version}/files/{path}" in described["paths"]


def test_health_is_told_to_anyone(anyone: httpx2.Client) -> None:
    assert anyone.get("/healthz").status_code == 200
    assert anyone.get("/readyz").json()["status"] == "ready"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "not-json"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b"x" * 300_000, 413, "body-too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_clear_problem(
    anyone: httpx2.Client, body: bytes, status: int, code: str
) -> None:
    answer = anyone.post("/v1/complaints", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("lacking", ["name", "contact", "request", "kind"])
def test_what_a_complaint_lacks_is_named(anyone: httpx2.Client, lacking: str) -> None:
    answer = anyone.post("/v1/complaints", json={**COMPLAINT, lacking: ""})
    assert answer.status_code == 422
    assert lacking in answer.json()["fields"]


def test_an_unknown_key_is_an_error_and_not_ignored(anyone: httpx2.Client) -> None:
    assert anyone.post("/v1/complaints", json={**COMPLAINT, "photo": "…"}).status_code == 422


@pytest.mark.parametrize("token", ["hbg_nonsense", "", "hbg_" + "a" * 38])
def test_a_bad_token_is_a_401_on_every_address_it_is_sent_to(gateway: Gateway, token: str) -> None:
    why = "This token is not valid: it has expired, was revoked, or is mistyped."
    says = f"{why} Make another one on your account page: {gateway.url}/account"
    with gateway.client(token or "x") as client:
        answer = client.get("/v1/assets")
        chinese = client.get("/v1/assets", headers={"accept-language": "zh-CN"})
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (401, "invalid-token", says)
    assert answer.extensions["reason_phrase"].decode() == says, "what wget and urllib show"
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="hubgate", charset="UTF-8"',
        'Bearer realm="hubgate", error="invalid_token"',
    ]
    assert chinese.json()["detail"].startswith("此令牌无效")


def test_a_missing_token_is_not_told_as_a_bad_one(anyone: httpx2.Client) -> None:
    answer = anyone.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="hubgate", charset="UTF-8"',
        'Bearer realm="hubgate"',
    ]


def test_refusals_speak_the_clients_language(anyone: httpx2.Client) -> None:
    answer = anyone.get("/v1/me", headers={"accept-language": "zh-CN,en;q=0.5"})
    assert answer.json()["title"] == "请先登录"
    assert answer.headers["content-language"] == "zh-CN"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/assets/a/b",
        "/v1/assets/a/b/versions/main/previews/1",
        "/v1/terms/none",
        "/v1/complaints/C-1",
    ],
)
def test_what_is_not_there_is_a_404_with_the_way_on(anyone: httpx2.Client, path: str) -> None:
    answer = anyone.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_hostile_paths_are_no_server_errors(gateway: Gateway, tmp_path: Path) -> None:
    with gateway.client(gateway.token) as client:
        for path in ("..%2f..%2fetc/passwd", "%00", "a%0d%0ab", "%ff%fe", "a" * 8192, "%2e%2e/x", "a//b", "\u00e9"):
            answer = client.get(f"/v1/assets/a/b/versions/main/files/{path}")
            assert answer.status_code in {400, 404}, (path, answer.status_code)


def test_a_browser_led_here_by_another_site_changes_nothing(anyone: httpx2.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = anyone.post("/complaints/new", content=b"name=x", headers={**form, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
