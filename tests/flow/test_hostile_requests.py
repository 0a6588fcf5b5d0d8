"""Requests that nobody in good faith sends get a plain refusal, and no way around one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateways import Gateway

NAME = "demo/small"
VERSION = f"/v1/assets/{NAME}/versions/main"
MANY_DIGITS = "9" * 5000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("set") / "set"
    made.mkdir()
    (made / "a.txt").write_text("a", encoding="utf-8")
    (made / "README.md").write_text("# Taken in Main Street\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def gateway(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    texts = tmp_path_factory.mktemp("hostile")
    made = Gateway(texts / "data")
    made.terms(texts)
    made.publish(folder, NAME)
    with made.serving():
        made.accept(made.token, NAME)
        yield made


@pytest.fixture
def operator(gateway: Gateway) -> Iterator[httpx2.Client]:
    with gateway.client(gateway.token) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/assets?limit={MANY_DIGITS}", 422),
        (f"{VERSION}/previews/{MANY_DIGITS}", 404),
        (f"{VERSION}/previews/{2**63}", 404),
        (f"/v1/terms/research-use/versions/1.{MANY_DIGITS}", 404),
        (f"{VERSION}/files/%2e%2e/%2e%2e/etc/passwd", 404),
        (f"{VERSION}/files/%00", 404),
        (f"{VERSION}/files/%ff", 404),
    ],
)
def test_odd_addresses_are_refused_as_problems(operator: httpx2.Client, path: str, status: int) -> None:
    answer = operator.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [f"{VERSION}/files/a.txt", f"{VERSION}/archive.tar", f"{VERSION}/manifest"])
def test_a_method_that_an_address_does_not_have_is_told_which_it_has(operator: httpx2.Client, path: str) -> None:
    refused = operator.post(path)
    assert refused.status_code == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_no_answer_leads_to_the_host_that_a_client_invents(operator: httpx2.Client) -> None:
    answer = operator.get("/v1/assets/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_nul_is_refused_in_what_people_write(gateway: Gateway) -> None:
    complaint = {"name": "\0", "contact": "c", "request": "r", "kind": "self"}
    with gateway.client() as anyone:
        refused = anyone.post("/v1/complaints", json=complaint)
    assert refused.status_code == 422
    assert list(refused.json()["fields"]) == ["name"]


def test_a_withheld_card_is_shown_nowhere(gateway: Gateway, operator: httpx2.Client) -> None:
    stop = {"subject": f"{NAME}@main:README.md", "reason": "rights_complaint"}
    assert "Main Street" in operator.get(f"/v1/assets/{NAME}").json()["card"]
    assert operator.post("/v1/operator/withholdings", json=stop).status_code == 200
    assert operator.get(f"/v1/assets/{NAME}").json()["card"] == ""
    assert "Main Street" not in operator.get(f"/assets/{NAME}").text


def test_what_is_wrong_with_a_field_is_said_in_the_readers_language(gateway: Gateway) -> None:
    complaint = {"name": "n", "contact": "c", "kind": "sel", "more": 1}
    with gateway.client() as anyone:
        told = {
            language: anyone.post("/v1/complaints", json=complaint, headers={"accept-language": language}).json()
            for language in ("zh", "en")
        }
    assert told["en"]["fields"] == {"request": "missing", "more": "not a known field"}
    assert told["zh"]["fields"] == {"request": "缺少此项", "more": "未知字段"}
    assert told["zh"]["detail"].count("缺少此项") == 1
