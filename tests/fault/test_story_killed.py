"""A server killed with -9 right after it said yes: each act of the story is there when it comes back."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.gateways import Gateway

NAME = "demo/small"
FILES = f"/v1/assets/{NAME}/versions/main/files"
UNAVAILABLE_FOR_LEGAL_REASONS = 451


@pytest.mark.timeout(240)
def test_every_acknowledged_act_outlives_the_server(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    reader = gateway.account("rosa")
    gateway.terms(tmp_path)
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    gateway.publish(folder, NAME)

    def accept() -> httpx2.Response:
        return gateway.accept(reader, NAME)

    def complain() -> httpx2.Response:
        with gateway.client() as client:
            sent = {"name": "n", "contact": "c", "request": "r", "kind": "self", "links": [], "asset": NAME}
            return client.post("/v1/complaints", json=sent)

    def operate(act: str, **body: object) -> httpx2.Response:
        with gateway.client(gateway.token) as client:
            return client.post(f"/v1/operator/{act}", json=body)

    def fetch(name: str) -> int:
        with gateway.client(reader) as client:
            return client.get(f"{FILES}/{name}").status_code

    def case_state() -> object:
        with gateway.client() as client:
            return client.get(f"/v1/complaints/{case}", auth=(case, secret)).json()["state"]

    # Each server finds what the one before it acknowledged, acknowledges the next act, and dies.
    with gateway.serving() as server:
        assert accept().status_code == 201
        server.kill()
    with gateway.serving() as server:
        assert accept().status_code == 200, "accepted before"
        filed = complain()
        server.kill()
    case, secret = str(filed.json()["case"]), str(filed.json()["secret"])
    with gateway.serving() as server:
        assert case_state() == "open"
        assert fetch("b.txt") == 200
        assert operate("withholdings", subject=f"{NAME}@main:b.txt", reason="child").status_code == 200
        server.kill()
    with gateway.serving() as server:
        assert fetch("b.txt") == UNAVAILABLE_FOR_LEGAL_REASONS
        assert fetch("a.txt") == 200
        assert operate("holds", subject=NAME, reason="quality").status_code == 200
        server.kill()
    with gateway.serving() as server:
        assert fetch("a.txt") == UNAVAILABLE_FOR_LEGAL_REASONS
        assert operate("holds", subject=NAME, reason="quality").status_code == 409, "held already"
        assert operate("revocations", subject=NAME, reason="court_order", case=case).status_code == 200
        server.kill()
    with gateway.serving():
        assert fetch("a.txt") == UNAVAILABLE_FOR_LEGAL_REASONS
        assert operate("releases", subject=NAME, reason="error").status_code == 409, "a revocation is final"
        assert case_state() == "upheld"
    assert gateway.run("verify").startswith("clean")
