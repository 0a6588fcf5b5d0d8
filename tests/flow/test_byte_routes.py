"""A stop reaches every address from which bytes can leave: each of them, in mid-transfer, for each kind of stop."""

from __future__ import annotations

import contextlib
import inspect
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from unittest.mock import MagicMock
from urllib.parse import quote

import pytest

from catalog.vocabulary import Kind
from gateway.web.compat import routes as compat_routes
from gateway.web.routes import MODEL, Entry, api_routes, byte_routes, page_routes
from tests.houses import House, Set, running

BIG = 12 * 1024 * 1024  # more than the kernels between us hold
FILE = "人脸/large file.bin"
PATH = quote(FILE)

# Template of a byte route → the kind it serves, and its address for a set. A route without a line here fails.
ADDRESSES: dict[str, tuple[Kind, Callable[[Set], str]]] = {
    "/v1/assets/{ns}/{name}/versions/{version}/files/{path:path}": (
        Kind.DATASET,
        lambda s: f"/v1/assets/{s.name}/versions/main/files/{PATH}",
    ),
    "/v1/assets/{ns}/{name}/versions/{version}/archive.tar": (
        Kind.DATASET,
        lambda s: f"/v1/assets/{s.name}/versions/{s.version}/archive.tar",
    ),
    "/{kind:datasets|spaces}/{ns}/{name}/resolve/{rev}/{path:path}": (
        Kind.DATASET,
        lambda s: f"/datasets/{s.name}/resolve/main/{PATH}",
    ),
    MODEL + "/resolve/{rev}/{path:path}": (
        Kind.MODEL,
        lambda s: f"/{s.name}/resolve/{s.version}/{PATH}",
    ),
    MODEL + "/weights/{rev}/{path:path}": (
        Kind.MODEL,
        lambda s: f"/{s.name}/weights/main/{PATH}",
    ),
    MODEL + "/archive/{rev}.zip": (
        Kind.MODEL,
        lambda s: f"/{s.name}/archive/master.zip",
    ),
}


def listed(make: Callable[..., list[Entry]]) -> list[Entry]:
    """The entries of a list of routes; what handles them does not matter here."""
    return make(**dict.fromkeys(inspect.signature(make).parameters, MagicMock()))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


@contextlib.contextmanager
def stalled(house: House, token: str, address: str) -> Iterator[socket.socket]:
    """A client in mid-transfer: it has read a little, and reads no more for now."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
        client.connect(("127.0.0.1", house.gateway.port))
        client.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        assert client.recv(2000).startswith(b"HTTP/1.1 200")
        yield client


def ended(client: socket.socket) -> int:
    """The bytes that still arrive until the connection is reset."""
    client.settimeout(30)
    received = 0
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return received
        assert piece, "it ended well"
        received += len(piece)


def hold_asset(house: House, each: Set, account: str, token: str) -> int:
    return int(house.stops("holds", each.name)["streams_cut"])


def revoke_version(house: House, each: Set, account: str, token: str) -> int:
    return int(house.stops("revocations", f"{each.name}@{each.version}")["streams_cut"])


def withhold_item(house: House, each: Set, account: str, token: str) -> int:
    return int(house.stops("withholdings", f"{each.name}@main:{FILE}")["streams_cut"])


def suspend_account(house: House, each: Set, account: str, token: str) -> int:
    with house.gateway.client(house.gateway.token) as operator:
        body = {"account": account, "reason": "misuse"}
        return int(operator.post("/v1/operator/suspensions", json=body).json()["streams_cut"])


def revoke_token(house: House, each: Set, account: str, token: str) -> int:
    with house.gateway.client(token) as reader:
        (own,) = reader.get("/v1/me").json()["tokens"]
        assert reader.delete(f"/v1/me/tokens/{own['id']}").status_code == 200
    return 1


STOPS = (hold_asset, revoke_version, withhold_item, suspend_account, revoke_token)


def test_every_byte_route_is_tried_here() -> None:
    assert sorted(entry.path for entry in listed(byte_routes)) == sorted(ADDRESSES)


def test_bytes_leave_by_the_byte_routes_alone() -> None:
    others = [
        api_routes,
        page_routes,
        *(make for name, make in vars(compat_routes).items() if name.endswith("_routes")),
    ]
    assert len(others) >= 3
    for make in others:
        assert [entry.path for entry in listed(make) if entry.sends is not None] == []


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
@pytest.mark.parametrize("template", sorted(ADDRESSES))
def test_a_stop_ends_the_transfer_and_the_next_request_is_refused(
    house: House, template: str, stop: Callable[[House, Set, str, str], int]
) -> None:
    kind, address_of = ADDRESSES[template]
    each = house.publish({FILE: secrets.token_bytes(64) * (BIG // 64), "other.txt": secrets.token_bytes(8)}, kind=kind)
    account, token = house.account()
    house.accept(token, each)
    address = address_of(each)
    with stalled(house, token, address) as client:
        assert stop(house, each, account, token) == 1
        assert ended(client) < BIG // 2
    with house.gateway.client(token) as reader:
        for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {"range": "bytes=0-0"})):
            again = reader.request(method, address, headers=headers)
            if stop is withhold_item and template.endswith((".tar", ".zip")):
                assert int(again.headers["content-length"]) < BIG, "the others go on, without it"
            else:
                assert 400 <= again.status_code < 500
                assert len(again.content) < 4096
        downloads = [] if stop is revoke_token else reader.get("/v1/me").json().get("downloads", [])
    assert all(d["bytes"] is None or d["bytes"] < BIG for d in downloads if d["path"] == FILE)


def test_a_download_is_in_the_ledger_whichever_dialect_it_spoke(house: House) -> None:
    for template in sorted(ADDRESSES):
        kind, address_of = ADDRESSES[template]
        each = house.publish({FILE: secrets.token_bytes(5000)}, kind=kind)
        token = house.reader(each)
        with house.gateway.client(token) as reader:
            reader.head(address_of(each))
            got = reader.get(address_of(each))
            assert got.status_code == 200
            for _ in range(100):
                (written,) = reader.get("/v1/me").json()["downloads"]
                if written["end"] is not None:
                    break
                time.sleep(0.05)
        assert (written["asset"], written["version"], written["end"]) == (each.name, each.version, "complete")
        assert written["bytes"] == len(got.content)


@pytest.mark.parametrize("address", ["/v1/assets/{name}/versions/main/files/", "/{name}/weights/main/"])
def test_before_acceptance_nobody_learns_which_names_there_are(house: House, address: str) -> None:
    """Names of files can be personal data: what is there, what is not and what was taken out answer alike."""
    files = {path: secrets.token_bytes(20) for path in ("there.bin", "gone.bin", "waits.bin")}
    each = house.publish(files, kind=Kind.MODEL)
    house.stops("withholdings", f"{each.name}@main:gone.bin")
    house.stops("holds", f"{each.name}@main:waits.bin")
    paths = [address.format(name=each.name) + name for name in (*files, "never.bin")]
    _, token = house.account()
    with house.gateway.client(token) as client:
        refused = [client.get(path) for path in paths]
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "terms-required")}
        assert len({answer.content for answer in refused}) == 1
        assert len({frozenset(answer.headers) for answer in refused}) == 1
        house.accept(token, each)
        assert [client.get(path).status_code for path in paths] == [200, 451, 451, 404]
        assert "/notices/" in client.get(paths[1]).json()["notice_url"]
    house.stops("revocations", each.name)
    _, token = house.account()
    with house.gateway.client(token) as client:
        assert {client.get(path).status_code for path in paths} == {451}, "a stop of the whole is told to everyone"
