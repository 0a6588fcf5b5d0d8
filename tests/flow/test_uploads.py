"""Uploads on the wire: what is not what was announced leaves nothing, and a ticket opens no more than it says."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from catalog.vocabulary import Role
from gateway.installation import open_installation
from gateway.settings import load
from gateway.uploads import intake
from tests.gateways import Gateway
from tests.houses import House, picture, running

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


class Publisher:
    """Whoever sends, without a client that would be careful."""

    def __init__(self, gateway: Gateway, account: str, token: str) -> None:
        self.gateway = gateway
        self.account, self.token = account, token
        self.name = f"lab/up-{secrets.token_hex(5)}"
        owner, leaf = self.name.split("/")
        made = self("POST", "/api/repos/create", json={"name": leaf, "organization": owner, "type": "dataset"})
        assert made.status_code == 200, made.text

    def __call__(self, method: str, path: str, **sent: Any) -> httpx2.Response:
        with self.gateway.client(self.token) as client:
            return client.request(method, path, **sent)

    def batch(self, *objects: tuple[str, int], multipart: bool = False) -> list[dict[str, Any]]:
        asked = {
            "operation": "upload",
            "transfers": ["basic", *["multipart"] * multipart],
            "objects": [{"oid": sha256, "size": size} for sha256, size in objects],
        }
        answer = self("POST", f"/datasets/{self.name}.git/info/lfs/objects/batch", json=asked)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["objects"])

    def href(self, content: bytes) -> str:
        return str(self.batch((digest(content), len(content)))[0]["actions"]["upload"]["href"])

    def commit(self, *lines: dict[str, Any], raw: bytes | None = None) -> httpx2.Response:
        body = raw if raw is not None else b"".join(json.dumps(one).encode() + b"\n" for one in (HEADER, *lines))
        return self("POST", f"/api/datasets/{self.name}/commit/main", content=body)


def a_publisher(house: House) -> Publisher:
    return Publisher(house.gateway, *house.account(Role.PUBLISHER))


HEADER = {"key": "header", "value": {"summary": "s", "description": ""}}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def reference(path: str, content: bytes) -> dict[str, Any]:
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": digest(content), "size": len(content)}}


def inside(path: str, content: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return {"key": "file", "value": {"content": encoded, "path": path, "encoding": "base64"}}


@pytest.mark.parametrize("sent", [b"y" * 1000, b"x" * 999, b"x" * 1001, b""])
def test_other_bytes_than_announced_are_refused_and_none_are_kept(house: House, sent: bytes) -> None:
    publisher, content = a_publisher(house), b"x" * 1000
    before = house.stored()
    refused = httpx2.put(publisher.href(content), content=sent)
    assert refused.status_code == 422
    assert "not the content that was announced" in refused.json()["error"]
    assert refused.headers["x-error-message"].startswith("What came is not the content")
    assert house.stored() == before
    assert publisher.commit(reference("a", content)).status_code == 422
    assert house.draft(publisher.name) == {}


def test_a_content_is_sent_once(house: House) -> None:
    publisher, content = a_publisher(house), secrets.token_bytes(1000)
    href = publisher.href(content)
    for _ in range(2):  # the ticket stands: a client whose connection broke sends again
        assert httpx2.put(href, content=content).status_code == 200
    assert publisher.batch((digest(content), 1000)) == [{"oid": digest(content), "size": 1000}]
    assert publisher.commit(reference("a", content)).status_code == 200
    assert house.draft(publisher.name) == {"a": digest(content)}


def test_what_another_set_has_is_no_secret_that_can_be_asked_for(house: House) -> None:
    secret = picture(0)
    house.publish({"secret.png": secret})
    publisher = a_publisher(house)
    (told,) = publisher.batch((digest(secret), len(secret)))
    assert "actions" in told, "it must be sent, as if it were nowhere"
    refused = publisher.commit(reference("mine.png", secret))
    assert refused.status_code == 422
    assert "its content was not sent for this draft" in refused.json()["error"]


def test_parts_that_are_together_something_else_are_forgotten(house: House) -> None:
    publisher = a_publisher(house)
    size = 65 * MIB
    (told,) = publisher.batch(("ab" * 32, size), multipart=True)
    upload = told["actions"]["upload"]
    assert upload["header"]["chunk_size"] == str(intake.PART)
    assert upload["header"].keys() == {"chunk_size", "1", "2"}
    done = {"oid": "ab" * 32, "parts": [{"partNumber": 1, "etag": "x"}, {"partNumber": 2, "etag": "y"}]}
    assert httpx2.post(upload["href"], json=done).status_code == 422, "nothing was sent"
    assert httpx2.put(upload["header"]["2"], content=b"z" * MIB).headers["etag"]
    assert httpx2.put(upload["header"]["2"], content=b"z" * (MIB + 1)).status_code == 422
    assert httpx2.put(upload["href"] + "/3", content=b"z").status_code == 422
    before = house.stored()
    assert httpx2.post(upload["href"], json=done).status_code == 422
    assert house.stored() == before
    assert house.staged() == []


def test_a_ticket_ends_with_whoever_it_was_made_for(house: House) -> None:
    publisher, content = a_publisher(house), secrets.token_bytes(100)
    href = publisher.href(content)
    changed = href[:-1] + ("A" if href[-1] != "A" else "B")
    assert httpx2.put(changed, content=content).status_code == 403
    (own,) = publisher("GET", "/v1/me").json()["tokens"]
    publisher("DELETE", f"/v1/me/tokens/{own['id']}").raise_for_status()
    assert httpx2.put(href, content=content).status_code == 401
    second = a_publisher(house)
    href = second.href(content)
    house.suspends(second.account)
    assert httpx2.put(href, content=content).status_code == 403
    assert digest(content) not in house.stored()


def test_no_ticket_is_written_into_the_log(house: House) -> None:
    href = a_publisher(house).href(b"x")
    ticket = href.rpartition("/")[2]
    httpx2.put(href + "/1", content=b"x")
    httpx2.put(href, content=b"other")
    log = (house.gateway.data / "server.log").read_text(encoding="utf-8")
    assert ticket not in log


@pytest.mark.parametrize(
    "line",
    [
        {"key": "file", "value": {"content": "QQ==", "path": "../../etc/passwd", "encoding": "base64"}},
        {"key": "file", "value": {"content": "QQ==", "path": "/abs", "encoding": "base64"}},
        {"key": "file", "value": {"content": "QQ==", "path": "a\u0000b", "encoding": "base64"}},
        {"key": "file", "value": {"content": "QQ", "path": "a", "encoding": "base64"}},
        {"key": "deletedFolder", "value": {"path": "/"}},
        {"key": "copyFile", "value": {"path": "a"}},
        {"key": "header", "value": {"summary": "again"}},
    ],
)
def test_a_hostile_line_undoes_the_whole_commit(house: House, line: dict[str, Any]) -> None:
    publisher = a_publisher(house)
    content = secrets.token_bytes(1000)
    before = house.stored()
    refused = publisher.commit(inside("good.bin", content), line)
    assert refused.status_code == 422, refused.text
    assert house.draft(publisher.name) == {}
    assert house.stored() == before, "what had come is gone again"


def test_a_commit_that_is_cut_changes_nothing(house: House) -> None:
    publisher = a_publisher(house)
    before = house.stored()
    body = json.dumps(HEADER).encode() + b"\n" + json.dumps(inside("a", secrets.token_bytes(3000))).encode()
    for end in (10, len(body) // 2, len(body) - 1):
        assert publisher.commit(raw=body[:end]).status_code == 422
    assert house.draft(publisher.name) == {}
    assert house.stored() == before


def test_a_file_inside_a_commit_has_a_cap(house: House) -> None:
    publisher = a_publisher(house)
    before = house.stored()
    refused = publisher.commit(inside("a", bytes(intake.INSIDE_MOST + 3)))
    assert refused.status_code == 422
    assert "at most 104857600" in refused.json()["error"]
    assert house.stored() == before
    assert publisher.commit(inside("a", bytes(intake.INSIDE_MOST))).status_code == 200


def test_a_discarded_draft_takes_its_bytes_along_but_not_what_others_have(house: House) -> None:
    shared, own, sent = secrets.token_bytes(100), secrets.token_bytes(100), secrets.token_bytes(100)
    other = house.publish({"shared.bin": shared})
    publisher = a_publisher(house)
    httpx2.put(publisher.href(sent), content=sent).raise_for_status()
    assert publisher.commit(inside("shared.bin", shared), inside("own.bin", own)).status_code == 200
    (draft,) = publisher("GET", "/v1/drafts").json()["items"]
    assert (draft["items"], draft["size"]) == (2, 200)
    assert publisher("DELETE", f"/v1/drafts/{draft['id']}").status_code == 200
    assert house.draft(publisher.name) == {}
    assert {digest(own), digest(sent)}.isdisjoint(house.stored())
    reader = house.reader(other)
    with house.gateway.client(reader) as client:
        assert client.get(f"/v1/assets/{other.name}/versions/main/files/shared.bin").content == shared


def test_a_draft_is_for_its_publisher_and_operators(house: House) -> None:
    publisher = a_publisher(house)
    publisher.commit(inside("a", b"a")).raise_for_status()
    (draft,) = publisher("GET", "/v1/drafts").json()["items"]
    address = f"/v1/drafts/{draft['id']}"
    _, other = house.account(Role.PUBLISHER)
    _, reader = house.account()
    for token, status in ((other, 404), (reader, 403), (None, 401)):
        with house.gateway.client(token) as client:
            assert client.get(address).status_code == status
            assert client.post(f"{address}/release", json={}).status_code == status
            assert client.delete(address).status_code == status
            assert client.get("/v1/drafts").status_code == (200 if status == 404 else status)
    assert house.draft(publisher.name) == {"a": digest(b"a")}
    with house.gateway.client(house.gateway.token) as operator:
        assert publisher.name in {one["asset"] for one in operator.get("/v1/drafts").json()["items"]}
        seen = operator.get(address).json()
    assert seen["files"] == [{"path": "a", "size": 1}]
    assert "terms" in seen["lacks"]


def test_a_disk_without_room_refuses_in_words_and_keeps_nothing(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    gateway.environ["HUBGATE_DISK_RESERVE_MB"] = "1000000000"
    with gateway.serving(), closing(open_installation(load({"data": gateway.data}, environ={}))) as installation:
        house = House(gateway, installation, tmp_path)
        publisher = a_publisher(house)
        (told,) = publisher.batch((digest(b"x"), 1))
        assert told["error"]["code"] == 507
        assert "disk is full" in told["error"]["message"]
        refused = publisher.commit(inside("a", b"a"))
        assert refused.status_code == 507
        assert house.draft(publisher.name) == {}
        assert house.stored() == set()


@pytest.mark.parametrize("kind", ["models", "datasets"])
@pytest.mark.parametrize("way", ["read", "write"])
def test_who_asks_for_a_xet_store_is_told_what_to_set_instead(house: House, kind: str, way: str) -> None:
    with house.gateway.client(house.account(Role.PUBLISHER)[1]) as client:
        told = client.get(f"/api/{kind}/lab/any/xet-{way}-token/main")
    assert (told.status_code, told.json()["code"]) == (400, "no-xet")
    assert "Set HF_HUB_DISABLE_XET=1 and run the same again" in told.json()["error"]
    assert b"Set HF_HUB_DISABLE_XET=1" in told.extensions["reason_phrase"], "what the client's Xet part shows"


@pytest.mark.needs("mount")
def test_a_disk_that_fills_up_in_mid_commit_keeps_nothing_of_it(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        gateway = Gateway(small / "data")
        gateway.environ["HUBGATE_DISK_RESERVE_MB"] = "0"
        token = gateway.account("paula", "publisher")
        with gateway.serving():
            publisher = Publisher(gateway, "paula", token)
            refused = publisher.commit(inside("first", b"first"), inside("big", bytes(30 * MIB)))
            assert refused.status_code == 507, refused.text
            assert "disk is full" in refused.json()["error"]
            assert gateway.run("verify") == "clean: 0 originals"
            assert list((gateway.data / "originals").glob("??/??/*")) == []
            assert publisher.commit(inside("first", b"first")).status_code == 200
        assert gateway.run("verify") == "clean: 1 originals"
    finally:
        subprocess.run(["umount", small], check=True)
