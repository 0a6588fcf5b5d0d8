"""The headline story over HTTP, against a real server process: publish, accept, stream, preview, complain, revoke."""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests.gateways import Gateway

PICTURES = Path(__file__).parents[2] / "gateway" / "demo" / "pictures"
NAME = "demo/street-faces"
BIG = 64 * 1024 * 1024
BASE = f"/v1/assets/{NAME}/versions/main"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real pictures, a card and a file that is large enough to be cut in mid-transfer."""
    folder = tmp_path_factory.mktemp("content") / "street-faces"
    folder.mkdir()
    for picture in ("grace_hopper.jpg", "astronaut.png"):
        Image.open(PICTURES / picture).convert("RGB").save(folder / f"{Path(picture).stem}.jpg")
    (folder / "README.md").write_text("# Street faces\n\nTwo portraits.\n", encoding="utf-8")
    (folder / "large.bin").write_bytes(hashlib.sha256(b"seed").digest() * (BIG // 32))
    return folder


@contextlib.contextmanager
def slow_get(gateway: Gateway, token: str, path: str) -> Iterator[socket.socket]:
    """A client that has asked for `path`, has read a little, and reads no more for now."""
    with socket.socket() as client:
        _ask(client, gateway, token, path)
        yield client


def _ask(client: socket.socket, gateway: Gateway, token: str, path: str) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
    client.connect(("127.0.0.1", gateway.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert client.recv(2000).startswith(b"HTTP/1.1 200")


def archived(client: httpx2.Client) -> list[str]:
    """The names in an archive of the pictures."""
    got = client.get(f"{BASE}/archive.tar", params={"include": "*.jpg"})
    with tarfile.open(fileobj=io.BytesIO(got.content)) as tar:
        return tar.getnames()


def drain(client: socket.socket) -> tuple[int, bool]:
    """Bytes that still arrive, and whether the connection was reset rather than ended well."""
    client.settimeout(10)
    received = 0
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return received, True
        if not piece:
            return received, False
        received += len(piece)


def test_from_publish_to_revocation(tmp_path: Path, content: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    researcher = gateway.account("rosa")
    second = gateway.account("second", "operator")
    gateway.terms(tmp_path)
    with (
        gateway.serving(),
        gateway.client() as anyone,
        gateway.client(researcher) as rosa,
        gateway.client(gateway.token) as operator,
        gateway.client(second) as other_operator,
    ):
        version = gateway.publish(content, NAME, "--wait-previews")

        # Anyone finds it; nobody gets a byte without an account and an acceptance.
        assert [a["name"] for a in anyone.get("/v1/assets", params={"q": "faces"}).json()["items"]] == ["street-faces"]
        refused = anyone.get(f"{BASE}/files/grace_hopper.jpg")
        assert refused.status_code == 401
        assert {h.split()[0] for h in refused.headers.get_list("www-authenticate")} == {"Basic", "Bearer"}
        refused = rosa.get(f"{BASE}/files/grace_hopper.jpg")
        assert (refused.status_code, refused.json()["code"]) == (403, "terms-required")
        assert refused.json()["terms_url"] == f"{gateway.url}/assets/{NAME}/terms"
        assert gateway.accept(researcher, NAME).status_code == 201
        assert gateway.accept(researcher, NAME).status_code == 200

        # Every byte arrives as it was published.
        manifest = rosa.get(f"{BASE}/manifest").json()
        assert manifest["version"] == version
        for item in manifest["items"]:
            got = rosa.get(f"{BASE}/files/{item['path']}")
            assert hashlib.sha256(got.content).hexdigest() == item["sha256"]
            assert got.headers["etag"] == f'"{item["sha256"]}"'
            assert got.headers["cache-control"] == "private, no-store"
        basic = anyone.get(f"{BASE}/files/README.md", auth=("anything", researcher))
        assert basic.status_code == 200
        part = rosa.get(f"{BASE}/files/large.bin", headers={"range": "bytes=10-19"})
        assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 10-19/{BIG}")
        head = rosa.head(f"{BASE}/files/large.bin")
        assert (head.status_code, head.headers["content-length"]) == (200, str(BIG))
        assert archived(rosa) == ["astronaut.jpg", "grace_hopper.jpg"]

        # The tile is a blurred picture, not the original, and bare.
        tiles = anyone.get(f"{BASE}/previews").json()["items"]
        assert [tile["state"] for tile in tiles] == ["blurred", "blurred"]
        tile = anyone.get(f"{BASE}/previews/2")
        assert tile.headers["content-type"] == "image/jpeg"
        assert not Image.open(io.BytesIO(tile.content)).getexif()
        assert tile.content != (content / "grace_hopper.jpg").read_bytes()

        # Someone recognises herself, without an account.
        filed = anyone.post(
            "/v1/complaints",
            json={
                "name": "Grace", "contact": "grace@example.org", "request": "Take me out", "kind": "self",
                "links": ["http://127.0.0.1:1/never-fetched"], "asset": NAME,
                "items": [{"version": version, "preview": 2}],
            },
        )  # fmt: skip
        assert filed.status_code == 201
        case, secret = filed.json()["case"], filed.json()["secret"]
        assert anyone.get(f"/v1/complaints/{case}", auth=(case, secret)).json()["state"] == "open"
        assert anyone.get(f"/v1/complaints/{case}", auth=(case, "wrong")).status_code == 404
        assert operator.get("/v1/operator/complaints").json()["items"][0]["subjects"] == [
            f"{NAME}@{version}:grace_hopper.jpg"
        ]
        assert rosa.get("/v1/operator/complaints").status_code == 403
        assert rosa.get(f"{BASE}/files/grace_hopper.jpg").status_code == 200, "a complaint alone stops nothing"

        # A hold cuts a running transfer, also of a client that has stalled.
        body = {"subject": NAME, "reason": "rights_complaint", "case": case}
        with slow_get(gateway, researcher, f"{BASE}/files/large.bin") as client:
            assert operator.post("/v1/operator/holds", json=body).json()["streams_cut"] == 1
            received, reset = drain(client)
        assert reset
        assert received < 256 * 1024
        stopped = rosa.get(f"{BASE}/files/large.bin", headers={"range": "bytes=5-", "if-none-match": "*"})
        assert (stopped.status_code, stopped.json()["code"]) == (451, "held")
        assert anyone.get("/v1/assets").json()["items"] == []
        assert anyone.get(f"{BASE}/previews/1").status_code == 451

        # Two persons let it flow again; the item alone is withheld; the others stay as they were.
        proposed = operator.post("/v1/operator/releases", json={"subject": NAME, "reason": "resolved"}).json()
        assert proposed["state"] == "proposed"
        confirm = f"/v1/operator/releases/{proposed['id']}/confirmations"
        assert operator.post(confirm).status_code == 409
        assert other_operator.post(confirm).json()["state"] == "released"
        subject = f"{NAME}@{version}:grace_hopper.jpg"
        gateway.run("withhold", subject, "--reason", "rights_complaint", "--case", case)
        assert rosa.get(f"{BASE}/files/grace_hopper.jpg").status_code == 451
        assert rosa.get(f"{BASE}/files/astronaut.jpg").status_code == 200
        assert {"path": "grace_hopper.jpg", "state": "withheld"} in rosa.get(f"{BASE}/manifest").json()["items"]
        assert archived(rosa) == ["astronaut.jpg", ".hubgate-withheld.json"]
        assert anyone.get(f"{BASE}/previews/2").status_code == 451
        assert anyone.get(f"/v1/complaints/{case}", auth=(case, secret)).json()["state"] == "upheld"

        # A command beside the server is the same stop.
        with slow_get(gateway, researcher, f"{BASE}/files/large.bin") as client:
            told = gateway.run("revoke", NAME, "--reason", "rights_complaint", "--case", case)
            assert "streams_cut: 1" in told
            assert drain(client)[1]
        final = rosa.get(f"{BASE}/files/astronaut.jpg", headers={"accept-language": "zh-CN"})
        assert (final.status_code, final.json()["title"]) == (451, "已撤销")
        notice = final.headers["link"].split(";")[0].strip("<>")
        assert final.headers["link"].endswith('rel="blocked-by"')
        shown = anyone.get(notice.removeprefix(gateway.url), headers={"accept": "application/json"})
        assert shown.json()["reason_code"] == "rights_complaint"
        assert "Grace" not in shown.text
        assert case not in shown.text

        # What was fetched is written down, the end of it soon after.
        cut: list[dict[str, int]] = []
        deadline = time.monotonic() + 10
        while len(cut) < 2 and time.monotonic() < deadline:
            cut = [d for d in rosa.get("/v1/me").json()["downloads"] if d["end"] == "cut"]
        assert len(cut) == 2
        assert all(d["bytes"] < BIG for d in cut)
    assert gateway.run("verify").startswith("clean")


def test_an_account_that_is_suspended_loses_its_running_transfer(tmp_path: Path, content: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    researcher = gateway.account("rosa")
    gateway.terms(tmp_path)
    gateway.publish(content, NAME)
    with gateway.serving():
        gateway.accept(researcher, NAME)
        with slow_get(gateway, researcher, f"{BASE}/files/large.bin") as client:
            told = gateway.run("account", "suspend", "rosa", "--reason", "misuse")
            assert "streams_cut: 1" in told
            assert drain(client)[1]
        with gateway.client(researcher) as rosa:
            refused = rosa.get(f"{BASE}/files/README.md")
            assert (refused.status_code, refused.json()["code"]) == (403, "suspended")


def test_a_server_killed_in_mid_transfer_loses_no_acknowledged_act(tmp_path: Path, content: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    researcher = gateway.account("rosa")
    gateway.terms(tmp_path)
    gateway.publish(content, NAME)
    with gateway.serving() as server:
        gateway.accept(researcher, NAME)
        body = {"subject": f"{NAME}@main:astronaut.jpg", "reason": "quality"}
        with (
            slow_get(gateway, researcher, f"{BASE}/files/large.bin"),
            gateway.client(gateway.token) as operator,
        ):
            assert operator.post("/v1/operator/holds", json=body).status_code == 200
            server.kill()
            server.wait()
    with gateway.serving(), gateway.client(researcher) as rosa:
        deadline = time.monotonic() + 10
        while rosa.get("/readyz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert rosa.get(f"{BASE}/files/astronaut.jpg").status_code == 451
        assert rosa.get(f"{BASE}/files/grace_hopper.jpg").status_code == 200
        assert rosa.get("/v1/me").json()["acceptances"][0]["asset"] == NAME
    assert gateway.run("verify").startswith("clean")
