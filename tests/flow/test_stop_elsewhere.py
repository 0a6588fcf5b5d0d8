"""A stop waits for the other servers of the installation, but for no frozen one and no catalogue that hangs."""

from __future__ import annotations

import copy
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx2
import pytest

from catalog.ports import ChangeFeed, Store, Transaction
from catalog.vocabulary import Cut, Replica
from gateway.app import build_app
from gateway.installation import open_installation
from gateway.server import serving
from gateway.settings import Settings
from gateway.streams.lease import EFFECTIVE_S
from tests.gateways import Gateway, free_port

NAME = "demo/street-faces"
FILES = f"/v1/assets/{NAME}/versions/main/files"
LARGE = 64 * 1024 * 1024


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """One set with a file that is large enough to be cut in mid-transfer."""
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "large.bin").write_bytes(bytes(LARGE))
    (folder / "small.txt").write_text("small")
    installed = Gateway(tmp_path / "data")
    installed.terms(tmp_path)
    installed.publish(folder, NAME)
    return installed


def beside(gateway: Gateway) -> Gateway:
    """A second server of the same installation."""
    other = copy.copy(gateway)
    other.port = free_port()
    other.url = f"http://127.0.0.1:{other.port}"
    return other


def begun(server: Gateway, token: str) -> socket.socket:
    """A running transfer whose client reads no more for now."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
    client.settimeout(30)
    client.connect(("127.0.0.1", server.port))
    head = f"GET {FILES}/large.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    client.sendall(head.encode())
    assert client.recv(2000).startswith(b"HTTP/1.1 200")
    return client


def is_reset(client: socket.socket) -> bool:
    """Read to the end, whatever it is."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def test_a_frozen_server_holds_a_stop_up_for_its_lease_and_sends_nothing_when_it_goes_on(gateway: Gateway) -> None:
    reader = gateway.account("rosa")
    frozen = beside(gateway)
    with gateway.serving(), frozen.serving() as process, gateway.client(gateway.token) as operator:
        gateway.accept(reader, NAME)
        with begun(frozen, reader) as transfer:
            process.send_signal(signal.SIGSTOP)
            try:
                told = operator.post("/v1/operator/holds", json={"subject": NAME, "reason": "quality"})
                assert told.status_code == 200
                assert told.json()["effective_ms"] >= EFFECTIVE_S * 1000  # it waited until the lease was over
                status = operator.get(f"/v1/operator/stops/{told.json()['notice']}")
                assert status.json() == {"notice": told.json()["notice"], "subject": NAME, "effective": True}
            finally:
                process.send_signal(signal.SIGCONT)
            assert is_reset(transfer)
        with frozen.client(reader) as rosa:
            assert rosa.get(f"{FILES}/small.txt").status_code in {451, 503}  # 503 until it has looked again


class HangingFeed:
    """A feed that answers nothing while `hangs` is set."""

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed
        self.goes_on = threading.Event()
        self.goes_on.set()

    def _wait(self) -> ChangeFeed:
        assert self.goes_on.wait(60)
        return self._feed

    def moved(self) -> bool:
        return self._wait().moved()

    def position(self) -> int:
        return self._wait().position()

    def cuts_since(self, position: int) -> Sequence[Cut]:
        return self._wait().cuts_since(position)

    def enrol(self, replica: str, position: int, now: datetime) -> None:
        self._wait().enrol(replica, position, now)

    def applied(self, replica: str, position: int, streams_cut: int, now: datetime) -> None:
        self._wait().applied(replica, position, streams_cut, now)

    def withdraw(self, replica: str) -> None:
        self._wait().withdraw(replica)

    def replicas(self) -> Sequence[Replica]:
        return self._wait().replicas()

    def close(self) -> None:
        self._feed.close()


class HangsAfterACommit:
    """A store whose feed hangs from the next commit on, once that is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._feed = HangingFeed(store.feed())
        self.hang_next = False

    @contextmanager
    def _begin(self) -> Iterator[Transaction]:
        with self._store.begin() as tx:
            yield tx
        if self.hang_next:
            self._feed.goes_on.clear()

    def begin(self) -> AbstractContextManager[Transaction]:
        return self._begin()

    def read(self) -> AbstractContextManager[Transaction]:
        return self._store.read()

    def feed(self) -> ChangeFeed:
        return self._feed

    def close(self) -> None:
        self._store.close()

    def go_on(self) -> None:
        self.hang_next = False
        self._feed.goes_on.set()


def test_a_stop_that_stands_while_nobody_can_tell_of_the_others_is_202_with_an_address_to_ask(gateway: Gateway) -> None:
    installation = open_installation(Settings(data=gateway.data))
    store = HangsAfterACommit(installation.store)
    app = build_app(replace(installation, store=store))
    with serving(app) as url, httpx2.Client(timeout=60) as client:
        client.headers["authorization"] = f"Bearer {gateway.token}"
        while client.get(f"{url}/readyz").status_code != 200:
            pass
        store.hang_next = True
        try:
            told = client.post(f"{url}/v1/operator/holds", json={"subject": NAME, "reason": "quality"})
            assert told.status_code == 202
            assert told.json().keys() == {"notice", "subject", "status_url"}
            address = url + httpx2.URL(told.json()["status_url"]).path
            assert client.get(address).json()["effective"] is False
            # Meanwhile nothing is served here: the lease is over.
            assert client.get(f"{url}{FILES}/small.txt").status_code in {403, 451, 503}
        finally:
            store.go_on()
        assert client.get(address).json()["effective"] is True
        assert client.get(f"{address}0").status_code == 404
        del client.headers["authorization"]
        assert client.get(address).status_code == 401
