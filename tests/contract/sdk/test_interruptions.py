"""Fetches that break in the middle: the client killed, the gateway killed, the set stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sdk import Hub, Stopped
from tests.contract.sdk.conftest import LARGE, Published
from tests.contract.sdk.relay import WAIT_S, Relay, relaying
from tests.gateways import HUBGATE, Gateway, heeds_interrupts


@pytest.fixture
def relay(published: Published) -> Iterator[Relay]:
    with relaying(published.gateway.port) as running:
        yield running


def accepted(gateway: Gateway, account: str, name: str) -> str:
    """A token of an account that accepted the terms of the set."""
    token = gateway.account(account)
    assert gateway.accept(token, name).status_code == 201
    return token


def start_fetch(relay: Relay, token: str, name: str, to: Path) -> subprocess.Popen[str]:
    """`hubgate fetch` of the large file through the relay, for which the relay waits in its middle."""
    environ = {**os.environ, "HUBGATE_URL": relay.url, "HUBGATE_TOKEN": token, "LC_ALL": "C.UTF-8"}
    environ["HUBGATE_HOME"] = str(to.parent / "home")
    return subprocess.Popen(
        [HUBGATE, "fetch", name, "--include", "large.bin", "--to", str(to)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    )


def part_of(folder: Path) -> Path:
    (part,) = (path for path in (folder.parent / "home" / "store" / "partial").iterdir() if not path.suffix)
    return part


def wait_for_bytes(folder: Path) -> None:
    """What passed the relay is on its way to the disk of the client: wait for the first of it."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(ValueError, FileNotFoundError):
            if part_of(folder).stat().st_size > 0:
                return
        time.sleep(0.01)
    raise AssertionError("no partial file")


def test_a_client_killed_in_the_middle_goes_on_where_it_was(published: Published, relay: Relay, tmp_path: Path) -> None:
    published.publish("lab/client-killed")
    token = accepted(published.gateway, "client-killed", "lab/client-killed")
    relay.hold_after(LARGE // 2)
    client = start_fetch(relay, token, "lab/client-killed", tmp_path / "to")
    relay.wait_held()
    wait_for_bytes(tmp_path / "to")
    client.send_signal(signal.SIGKILL)
    client.communicate(timeout=WAIT_S)
    begun = part_of(tmp_path / "to").stat().st_size
    assert 0 < begun < LARGE
    assert not (tmp_path / "to" / "large.bin").exists()

    relay.release()
    again = start_fetch(relay, token, "lab/client-killed", tmp_path / "to")
    assert again.wait(WAIT_S) == 0, again.communicate()
    again.communicate()
    assert (tmp_path / "to" / "large.bin").read_bytes() == (published.folder / "large.bin").read_bytes()
    assert os.listdir(tmp_path / "to") == ["large.bin"]
    with Hub(published.gateway.url, token) as hub:
        fetch = ended_fetch(hub)
    assert fetch["parts"] == 2
    assert fetch["bytes"] < begun + LARGE, "what was there came once more"


def ended_fetch(hub: Hub) -> dict[str, int]:
    """The account's one download, once both of its parts are settled."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        downloads = hub.transport.get("/v1/me", what="me")["downloads"]
        assert isinstance(downloads, list)
        (fetch,) = downloads
        if fetch["end"] is not None:
            return dict(fetch)
        time.sleep(0.05)
    raise AssertionError("a part of it is not settled")


def test_an_interrupted_fetch_says_how_to_go_on(published: Published, relay: Relay, tmp_path: Path) -> None:
    published.publish("lab/interrupted")
    token = accepted(published.gateway, "interrupted", "lab/interrupted")
    relay.hold_after(LARGE // 2)
    client = start_fetch(relay, token, "lab/interrupted", tmp_path / "to")
    relay.wait_held()
    wait_for_bytes(tmp_path / "to")
    client.send_signal(signal.SIGINT)
    relay.release()
    _, said = client.communicate(timeout=WAIT_S)
    assert client.returncode == 1
    assert said == "Interrupted. Run the same again to go on.\n"
    assert part_of(tmp_path / "to").stat().st_size > 0


def test_a_set_revoked_in_the_middle_stops_the_fetch_and_leaves_nothing(
    published: Published, relay: Relay, tmp_path: Path
) -> None:
    published.publish("lab/revoked")
    token = accepted(published.gateway, "revoked", "lab/revoked")
    relay.hold_after(LARGE // 2)
    client = start_fetch(relay, token, "lab/revoked", tmp_path / "to")
    relay.wait_held()
    published.gateway.run("revoke", "lab/revoked", "--reason", "rights_complaint")
    relay.release()
    _, said = client.communicate(timeout=WAIT_S)
    assert client.returncode == 1
    assert f"{published.gateway.url}/notices/" in said
    assert "Traceback" not in said
    assert not (tmp_path / "to").exists()


def test_a_set_revoked_while_nobody_fetches_takes_its_partial_files_with_it(
    published: Published, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.publish("lab/between")
    token = accepted(published.gateway, "between", "lab/between")
    relay.hold_after(LARGE // 2)
    client = start_fetch(relay, token, "lab/between", tmp_path / "to")
    relay.wait_held()
    wait_for_bytes(tmp_path / "to")
    client.kill()
    client.communicate(timeout=WAIT_S)
    relay.release()
    published.gateway.run("revoke", "lab/between", "--reason", "rights_complaint")
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    part = part_of(tmp_path / "to")
    with Hub(relay.url, token) as hub, pytest.raises(Stopped):
        hub.dataset("lab/between").fetch(tmp_path / "to")
    assert not part.exists()
    assert os.listdir(tmp_path / "to") == []


def test_a_gateway_killed_in_the_middle_is_waited_for(tmp_path: Path, published: Published) -> None:
    gateway = Gateway(tmp_path / "data")
    gateway.terms(tmp_path)
    gateway.publish(published.folder, "lab/server-killed", "--class", "public")
    with relaying(gateway.port) as relay:
        with gateway.serving() as server:
            token = accepted(gateway, "reader", "lab/server-killed")
            relay.hold_after(LARGE // 2)
            client = start_fetch(relay, token, "lab/server-killed", tmp_path / "to")
            relay.wait_held()
            server.kill()
            server.wait(WAIT_S)
        relay.release()
        with gateway.serving():
            _, said = client.communicate(timeout=WAIT_S)
            assert client.returncode == 0, said
    assert (tmp_path / "to" / "large.bin").read_bytes() == (published.folder / "large.bin").read_bytes()


def test_the_sdk_reads_a_file_in_place_and_fetches_it(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    published.publish("lab/python")
    token = published.gateway.account("python")
    with Hub(published.gateway.url, token) as hub:
        asset = hub.dataset("lab/python")
        assert asset.accept(purpose="a thesis")["purpose"] == "a thesis"
        assert asset.accept(purpose="a thesis")["asset"] == "lab/python"
        with asset.open("large.bin") as remote:
            remote.seek(-7, os.SEEK_END)
            assert remote.read() == (published.folder / "large.bin").read_bytes()[-7:]
        folder = asset.fetch(tmp_path / "to", include="*.md")
        assert (folder / "README.md").read_bytes().endswith((published.folder / "README.md").read_bytes())
        assert asset.manifest().version == asset.versions()[0]["version"]
