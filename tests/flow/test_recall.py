"""Recall over a real server: who is told, what they answer, what is refused, and what every page of it says."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from catalog.actions import credentials
from catalog.store import open_store
from gateway.sdk.envelope import opened, statement_of
from gateway.sdk.signing import verify
from tests import builders
from tests.gateways import HUBGATE, Gateway
from tests.machines import Machine

NAME = "demo/faces"
FILES = f"/v1/assets/{NAME}/versions"
CONTENT = {"a.txt": "alpha", "b.txt": "beta", "c.txt": "gamma"}


class Stage:
    """A serving gateway with one set of three files, and readers who fetched some of it."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        gateway.terms(folder)
        self.folder = folder / "set"
        self.folder.mkdir()
        for name, text in CONTENT.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self.version = gateway.publish(self.folder, NAME)
        self.tokens: dict[str, str] = {}
        self.clients: list[httpx2.Client] = []

    def reader(self, name: str, *paths: str) -> Machine:
        """A machine that has fetched these files; "*" is the archive of everything, "?a" the archive of one."""
        self.gateway.accept(self.token(name), NAME)
        machine = Machine(self.client(self.tokens[name]), name)
        assert machine.register().status_code == 201
        for path in paths:
            self.fetch(machine.client, path)
        return machine

    def token(self, name: str) -> str:
        """Of a new account; made beside the server, which is quicker than by two commands."""
        store = open_store(f"sqlite:///{self.gateway.data / 'catalog.db'}")
        account = builders.account(store, name=name)
        with store.begin() as tx:
            now = datetime.now(UTC)  # noqa: TID251
            self.tokens[name], _ = credentials.create_token(tx, account, scopes=None, now=now, new_id=builders.new_id)
        store.close()
        return self.tokens[name]

    def client(self, token: str) -> httpx2.Client:
        client = self.gateway.client(token)
        self.clients.append(client)
        return client

    def fetch(self, client: httpx2.Client, path: str) -> int:
        if path == "*":
            return client.get(f"{FILES}/main/archive.tar").status_code
        if path.startswith("?"):
            return client.get(f"{FILES}/main/archive.tar", params={"include": path[1:]}).status_code
        return client.get(f"{FILES}/main/files/{path}").status_code

    def operate(self, act: str, **body: object) -> httpx2.Response:
        with self.gateway.client(self.gateway.token) as client:
            return client.post(f"/v1/operator/{act}", json=body)

    def board(self, notice: str, tail: str = "") -> httpx2.Response:
        with self.gateway.client(self.gateway.token) as client:
            return client.get(f"/v1/operator/recalls/{notice}{tail}")

    def withhold(self, path: str, **more: object) -> str:
        answer = self.operate("withholdings", subject=f"{NAME}@main:{path}", reason="rights_complaint", **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["notice"])

    def counts(self, notice: str) -> dict[str, int]:
        return dict(self.board(notice).json()["counts"])


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    gateway = Gateway(tmp_path / "data")
    with gateway.serving():
        stage = Stage(gateway, tmp_path)
        yield stage
        for client in stage.clients:
            client.close()


def test_exactly_those_who_got_the_item_are_told_and_what_they_answer_is_counted(stage: Stage) -> None:
    alone, archive, chosen = stage.reader("alone", "a.txt"), stage.reader("whole", "*"), stage.reader("chosen", "?a*")
    other, unlucky, nobody = (
        stage.reader("other", "b.txt"),
        stage.reader("unlucky", "?c*", "?nothing"),
        stage.reader("none"),
    )
    with stage.gateway.client() as client:
        sent = {"name": "Li Ming", "contact": "li@example.org", "request": "take it out", "kind": "self", "asset": NAME}
        filed = client.post("/v1/complaints", json=sent).json()
    notice = stage.withhold("a.txt", case=filed["case"])

    for machine in (other, unlucky, nobody):
        assert machine.read() == []
        assert machine.client.get(f"/v1/recalls/{notice}/digests").status_code == 404
    (told,) = alone.read()
    assert {k: told[k] for k in ("notice", "asset", "versions", "scope", "action", "reason_code", "successor")} == {
        "notice": notice, "asset": NAME, "versions": [stage.version], "scope": "items", "action": "purge",
        "reason_code": "rights_complaint", "successor": None,
    }  # fmt: skip
    assert [(one["d"][:4], one["size"]) for one in told["digests"]] == [("8ed3", 5)]
    assert "Li Ming" not in json.dumps(told)
    assert "a.txt" not in json.dumps(told)
    assert alone.read() == [], "the same is not told twice"
    assert [one["notice"] for one in archive.read()] == [notice]
    assert [one["notice"] for one in chosen.read()] == [notice]
    assert stage.counts(notice) == {"holders": 3, "waiting": 3, "deleted": 0, "absent": 0, "exempt": 0, "overdue": 0}

    assert alone.answer(told).json()["state"] == "claimed"
    assert archive.answer(told, ["absent"]).json()["state"] == "claimed"
    assert chosen.answer(told, ["modified"]).json()["state"] == "fetched"
    assert stage.counts(notice) == {"holders": 3, "waiting": 1, "deleted": 1, "absent": 1, "exempt": 0, "overdue": 0}
    assert chosen.answer(told, ["kept_by_law"]).json()["state"] == "exempt"

    with stage.gateway.client() as client:
        status = client.get(f"/v1/complaints/{filed['case']}", auth=(filed["case"], filed["secret"])).json()
    assert status["recall"] == {"holders": 3, "waiting": 0, "deleted": 1, "absent": 1, "exempt": 1, "overdue": 0}
    assert "alone" not in json.dumps(status)

    board = stage.board(notice).json()
    assert (board["fetches"], board["case"], board["versions"]) == (3, filed["case"], [stage.version])
    held = stage.board(notice, "/holders").json()["items"]
    assert {one["account"]: one["state"] for one in held} == {
        "alone": "claimed",
        "whole": "claimed",
        "chosen": "exempt",
    }
    assert {one["account"]: one["got"][0]["bytes"] for one in held}["alone"] == len("alpha")
    lines = list(csv.DictReader(io.StringIO(stage.board(notice, "/holders.csv").content.decode("utf-8-sig"))))
    assert sorted((line["account"], line["deleted"], line["absent"], line["kept_by_law"]) for line in lines) == [
        ("alone", "1", "0", "0"), ("chosen", "0", "0", "1"), ("whole", "0", "1", "0"),
    ]  # fmt: skip
    evidence = stage.board(notice, "/evidence").json()
    record = statement_of("evidence", opened("evidence", evidence, alone.pinned, verify)[0])
    assert [len(one["receipts"]) for one in record["holders"]].count(2) == 1  # type: ignore[attr-defined]
    assert "Li Ming" not in json.dumps(record)
    assert stage.gateway.run("verify") == "clean: 3 originals"


def test_a_hold_waits_for_no_answer_and_a_lifted_one_is_called_withdrawn(stage: Stage) -> None:
    stage.reader("rosa", "a.txt")
    stage.gateway.publish(stage.folder, "demo/open", "--class", "public")
    stage.gateway.accept(stage.tokens["rosa"], "demo/open")
    assert stage.client(stage.tokens["rosa"]).get("/v1/assets/demo/open/versions/main/files/b.txt").status_code == 200
    held = stage.operate("holds", subject="demo/open", reason="rights_complaint").json()["notice"]
    (line,) = stage.gateway.run("recalls").splitlines()
    assert f"{held}  quarantine" in line
    assert line.endswith("  holders 1")
    stage.gateway.run("release", "demo/open", "--reason", "unfounded")
    gone = stage.withhold("a.txt")
    newest, oldest = stage.gateway.run(
        "recalls", "--url", stage.gateway.url, "--token", stage.gateway.token
    ).splitlines()
    assert f"{gone}  purge" in newest
    assert "  holders 1  waiting 1  " in newest
    assert f"{held}  withdrawn" in oldest
    assert oldest.endswith("  holders 1")


def test_operators_hear_of_another_asset_that_still_serves_what_was_withheld(stage: Stage) -> None:
    other = stage.gateway.publish(stage.folder, "demo/other")
    notice = stage.withhold("a.txt")
    deadline = time.monotonic() + 20
    tasks: list[dict[str, Any]] = []
    with stage.gateway.client(stage.gateway.token) as operator:
        while not tasks and time.monotonic() < deadline:
            tasks = operator.get("/v1/operator/tasks").json()["items"]
            time.sleep(0.1)
    (task,) = tasks
    place = f"demo/other@{other}:a.txt"
    assert (task["kind"], task["notice"], task["elsewhere"], task["note"]) == ("served-elsewhere", notice, [place], "")
    stage.gateway.run("account", "create", "keeper", "--role", "operator", "--password-stdin", stdin="correct horse\n")
    with stage.gateway.client() as keeper:
        keeper.post("/sign-in", data={"name": "keeper", "password": "correct horse", "next": "/"})
        assert f"<bdi>{place}</bdi>" in keeper.get(f"/tasks/{task['id']}").text
        assert task["id"] in keeper.get("/operator/tasks").text
        stage.operate("withholdings", subject=place, reason="rights_complaint")
        page = keeper.get(f"/tasks/{task['id']}").text
        assert "none any more" in page
        assert place not in page
        with stage.gateway.client(stage.gateway.token) as operator:
            (task,) = operator.get("/v1/operator/tasks").json()["items"]
            assert task["elsewhere"] == []
            said = {"answer": "seen_to", "note": "withheld there too"}
            task = operator.post(f"/v1/tasks/{task['id']}/answers", json=said).raise_for_status().json()
        assert (task["elsewhere"], task["note"]) == ([place], "withheld there too")
        page = keeper.get(f"/tasks/{task['id']}").text
        assert "seen to · <bdi>withheld there too</bdi>" in page
        assert f'<dt>Named when it was opened</dt><dd class="break"><bdi>{place}</bdi></dd>' in page


def test_pages_say_what_is_served_of_a_set_and_speak_of_a_complainant_to_operators(stage: Stage) -> None:
    page = f"/assets/{NAME}"
    with stage.gateway.client() as client:
        assert "<span>3 files</span>" in client.get(page).text
        sent = {"name": "Li Ming", "contact": "li@example.org", "request": "take it out", "kind": "self", "asset": NAME}
        case = client.post("/v1/complaints", json=sent).json()["case"]
        stage.withhold("a.txt", case=case)
        stage.operate("holds", subject=f"{NAME}@main:b.txt", reason="rights_complaint")
        said = client.get(page).text
        assert "<span>1 of 3 files served</span><span>5 B</span><span>2 stopped</span>" in said
        assert "提供 3 个文件中的 1 个" in client.get(page, headers={"accept-language": "zh"}).text
    stage.gateway.run("account", "create", "keeper", "--role", "operator", "--password-stdin", stdin="correct horse\n")
    with stage.gateway.client() as keeper:
        keeper.post("/sign-in", data={"name": "keeper", "password": "correct horse", "next": "/"})
        shown = keeper.get(f"/operator/complaints/{case}").text
        assert "<dt>Complainant&#39;s name</dt>" in shown
        assert "Your name" not in shown


def test_a_recall_is_told_in_plain_lines_and_quietly_ends_where_nobody_reads_on(stage: Stage) -> None:
    stage.reader("rosa", "a.txt")
    notice = stage.withhold("a.txt")
    lines = stage.gateway.run("recalls", notice).splitlines()
    assert f"version: {stage.version}" in lines
    assert "counts: holders 1  waiting 1  deleted 0  absent 0  exempt 0  overdue 0" in lines
    assert not any(mark in line for line in lines for mark in ('{"', "[", "null")), lines
    reading, writing = os.pipe()
    os.close(reading)
    for arguments in (["recalls"], ["recalls", notice, "--json"]):
        done = subprocess.run(
            [HUBGATE, *arguments], stdout=writing, stderr=subprocess.PIPE, env=stage.gateway.environ, timeout=60
        )
        assert (done.returncode, done.stderr) == (141, b"")
    os.close(writing)
