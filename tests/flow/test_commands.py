"""Commands as an operator and a publisher meet them, beside a server and over its API."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateways import Gateway

NAME = "demo/small"
SIDECAR = "path,source_url,source_sha256,source_author\na.txt,https://example.org/a,,someone\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("set") / "set"
    made.mkdir()
    for name in ("a.txt", "b.txt"):
        (made / name).write_text(name, encoding="utf-8")
    (made / "large.bin").write_bytes(bytes(32 * 1024 * 1024))
    (made / "provenance.hubgate.csv").write_text(SIDECAR, encoding="utf-8")
    return made


@pytest.fixture
def gateway(tmp_path: Path, folder: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    made.publish(folder, NAME)
    with made.serving():
        yield made


def test_the_same_acts_go_over_the_api(gateway: Gateway) -> None:
    second = gateway.account("second", "operator")
    there = ("--url", gateway.url, "--token")
    with gateway.client() as anyone:
        complaint = {"name": "n", "contact": "c", "request": "r", "kind": "self", "asset": NAME, "items": ["a.txt"]}
        case = anyone.post("/v1/complaints", json=complaint).json()["case"]
    assert case in gateway.run("complaints", *there, gateway.token)
    assert json.loads(gateway.run("complaints", case, "--json", *there, gateway.token))["request"] == "r"
    held = json.loads(gateway.run("hold", NAME, "--reason", "quality", "--json", *there, gateway.token))
    assert held["streams_cut"] == 0
    assert held["notice"].startswith("N-")
    assert "already" in gateway.run("hold", NAME, "--reason", "quality", *there, gateway.token, status=1)
    proposed = json.loads(gateway.run("release", NAME, "--reason", "error", "--json", *there, gateway.token))
    assert proposed["state"] == "proposed"
    assert "second person" in gateway.run("release", "--confirm", proposed["id"], *there, gateway.token, status=1)
    assert "--url" in gateway.run("release", "--confirm", proposed["id"], "--as", "second", status=1)
    assert "released" in gateway.run("release", "--confirm", proposed["id"], *there, second)
    assert "dismissed" in gateway.run("dismiss", case, "--reason", "unfounded", *there, gateway.token)
    assert "closed" in gateway.run("dismiss", case, "--reason", "unfounded", status=1)
    assert "role" in gateway.run("hold", NAME, "--reason", "quality", *there, gateway.account("rosa"), status=1)


def test_the_sidecar_is_kept_and_is_no_item(gateway: Gateway) -> None:
    gateway.accept(gateway.token, NAME)
    with gateway.client(gateway.token) as client:
        items = client.get(f"/v1/assets/{NAME}/versions/main/manifest").json()["items"]
    assert [item["path"] for item in items] == ["a.txt", "b.txt", "large.bin"]


def test_an_account_has_a_telephone_number_in_one_form(gateway: Gateway) -> None:
    gateway.run("account", "create", "lin", "--email", "lin@example.org", "--phone", "138 0013 8000")
    with gateway.client(gateway.run("token", "create", "lin", "--scope", "read", "--days", "1")) as lin:
        account = lin.get("/v1/me").json()
    assert account["account"]["phone"] == "+8613800138000"
    assert account["tokens"][0]["scopes"] == ["read"]
    assert "phone" in gateway.run("account", "create", "bad", "--phone", "12", status=1)
    assert "taken" in gateway.run("account", "create", "LIN", status=1)


def test_a_revoked_token_ends_at_once(gateway: Gateway) -> None:
    token = gateway.account("rosa")
    with gateway.client(token) as rosa:
        (known,) = rosa.get("/v1/me").json()["tokens"]
        assert rosa.delete(f"/v1/me/tokens/{known['id']}").status_code == 200
        assert rosa.get("/v1/me").status_code == 401


def test_check_says_what_is_in_force_and_hides_secrets(gateway: Gateway) -> None:
    gateway.environ["HUBGATE_S3_SECRET_KEY"] = "s3cret"
    told = gateway.run("check")
    assert "preview_workers: 1 of at most 2048 MiB: no network, no file, no process" in told
    assert "s3cret" not in told
    assert "catalogue: ok" in told
    gateway.environ["HUBGATE_PREVIEWPX"] = "1"
    assert "did you mean 'preview_px'" in gateway.run("check", status=1)


def test_usage_errors_have_their_own_status(gateway: Gateway) -> None:
    gateway.run("release", status=2)
    gateway.run("publish", "picture", NAME, ".", "--terms", "t", "--warrant", "w", status=2)
    assert "no installation" in gateway.run("check", "--data", str(gateway.data / "none"), status=1)


def test_verify_names_an_original_that_was_changed(gateway: Gateway) -> None:
    original = next(path for path in (gateway.data / "originals").glob("*/*/*") if path.stat().st_size == 5)
    original.write_bytes(b"other")
    assert "other bytes" in gateway.run("verify", status=1)


@pytest.mark.needs("strace")
def test_a_catalogue_that_cannot_be_read_serves_nothing_and_recovers(gateway: Gateway) -> None:
    gateway.accept(gateway.token, NAME)
    address = f"/v1/assets/{NAME}/versions/main/files/large.bin"
    pid = int(subprocess.run(["pgrep", "-f", f"serve --port {gateway.port}"], capture_output=True, text=True).stdout)
    with gateway.client(gateway.token) as client:
        assert client.get(address).status_code == 200
        failing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64", "-e", "inject=pread64:error=EIO"]
        strace = subprocess.Popen([*failing, "-p", str(pid)], stderr=subprocess.DEVNULL)
        try:
            _until(lambda: "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text())
            # A commit of another process makes the server read the file again, and fail.
            gateway.run("account", "create", "someone")
            answers: list[httpx2.Response] = []

            def refuses() -> bool:
                answers.append(client.get(address))
                return answers[-1].status_code == 503

            _until(refuses)
            assert answers[-1].json()["code"] == "state-unavailable"
            assert answers[-1].headers["retry-after"] == "5"
            _until(lambda: client.get("/readyz").status_code == 503)
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait()
        _until(lambda: client.get(address).status_code == 200)


def _until(holds: Callable[[], bool]) -> None:
    """Ask until it holds; a transfer that is reset when the lease is lost is one of the things that may happen."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come about")
