"""The reverse proxy's configuration, by the real nginx."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.contract.clients.environments import CLIENTS, CannotMake, environment
from tests.contract.clients.front import authority
from tests.contract.clients.people import sitting
from tests.gateways import Gateway, free_port

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "nginx.conf"
ADDRESS = "127.0.0.1"
MIB = 1024 * 1024
LARGE = 48 * MIB
UPLOAD = """
from huggingface_hub import HfApi
api = HfApi(token=token)
api.create_repo(name, repo_type="dataset")
api.upload_folder(repo_id=name, folder_path=path, repo_type="dataset").oid
"""


@dataclass(frozen=True, slots=True)
class Front:
    """A gateway that calls itself by the address of the nginx before it."""

    gateway: Gateway
    url: str
    port: int
    plain: str
    trusted: Path

    def client(self, token: str) -> httpx2.Client:
        context = ssl.create_default_context(cafile=str(self.trusted))
        return httpx2.Client(base_url=self.url, headers={"authorization": f"Bearer {token}"}, verify=context)


def configured(folder: Path, port: int, plain: int, behind: int, certificate: Path) -> Path:
    """The configuration as it is delivered, with other ports and another certificate."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    for told, put in (
        ("/etc/hubgate/tls/fullchain.pem", str(certificate)),
        ("/etc/hubgate/tls/privkey.pem", str(certificate)),
        ("server 127.0.0.1:8000;", f"server {ADDRESS}:{behind};"),
        ("listen 443 ssl", f"listen {ADDRESS}:{port} ssl"),
        ("listen 80 ", f"listen {ADDRESS}:{plain} "),
    ):
        assert text.count(told) == 1, told
        text = text.replace(told, put)
    file = folder / "nginx.conf"
    file.write_text(f"pid {folder}/nginx.pid;\nerror_log stderr;\ndaemon off;\n{text}", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    base = tmp_path_factory.mktemp("front")
    gateway, port, plain = Gateway(base / "data"), free_port(), free_port()
    gateway.environ["HUBGATE_PUBLIC_URL"] = f"https://{ADDRESS}:{port}"
    gateway.environ["HUBGATE_TRUSTED_PROXIES"] = ADDRESS
    made = authority(base, ADDRESS)
    file = configured(base, port, plain, gateway.port, made.server)
    checked = subprocess.run(["nginx", "-t", "-c", file, "-p", base], capture_output=True, text=True, check=False)
    assert "test is successful" in checked.stderr, checked.stderr
    with gateway.serving():
        gateway.terms(base)
        nginx = subprocess.Popen(["nginx", "-c", file, "-p", base], stderr=subprocess.DEVNULL)
        try:
            for number in (port, plain):
                _wait_for(number)
            yield Front(gateway, f"https://{ADDRESS}:{port}", port, f"http://{ADDRESS}:{plain}", made.trusted)
        finally:
            nginx.terminate()
            nginx.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((ADDRESS, port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def large(front: Front, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What lab/large serves as large.bin."""
    folder = tmp_path_factory.mktemp("large") / "set"
    folder.mkdir()
    content = secrets.token_bytes(LARGE)
    (folder / "large.bin").write_bytes(content)
    front.gateway.publish(folder, "lab/large", "--class", "public")
    return content


@pytest.mark.needs("nginx")
@pytest.mark.clients
def test_what_a_client_uploads_arrives_whole_whatever_its_size(front: Front, tmp_path: Path) -> None:
    client = CLIENTS[-1]
    try:
        programs = environment(client)
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    folder = tmp_path / "folder"
    folder.mkdir()
    sent = {"large.bin": secrets.token_bytes(12 * MIB), "text.txt": b"text " * 400_000, "人脸 #1.txt": b"small"}
    for name, content in sent.items():
        (folder / name).write_bytes(content)
    token = front.gateway.account("sender", "publisher")
    with sitting(client, programs, front.url, tmp_path) as person:
        trusting = {**person.environ, "SSL_CERT_FILE": str(front.trusted), "REQUESTS_CA_BUNDLE": str(front.trusted)}
        person.environ = trusting
        person.gets(UPLOAD, name="sender/sent", token=token, path=str(folder))
    draft = front.gateway.run("draft", "show", "sender/sent", "--json")
    for name, content in sent.items():
        assert name in draft
        assert str(len(content)) in draft


@pytest.mark.needs("nginx")
def test_a_download_comes_whole_and_in_parts(front: Front, large: bytes) -> None:
    token = front.gateway.account("reader")
    with front.client(token) as client:
        front.gateway.accept(token, "lab/large")
        url = "/v1/assets/lab/large/versions/main/files/large.bin"
        assert hashlib.sha256(client.get(url).content).digest() == hashlib.sha256(large).digest()
        part = client.get(url, headers={"range": f"bytes={LARGE - 5}-"})
        assert (part.status_code, part.content) == (206, large[-5:])
        assert client.head(url).headers["content-length"] == str(LARGE)


@pytest.mark.needs("nginx")
def test_a_stop_ends_a_download_through_the_proxy_within_what_buffers_hold(front: Front, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "large.bin").write_bytes(secrets.token_bytes(LARGE))
    front.gateway.publish(folder, "lab/stopped", "--class", "public")
    token = front.gateway.account("slow")
    front.gateway.accept(token, "lab/stopped")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    raw.connect((ADDRESS, front.port))
    with ssl.create_default_context(cafile=str(front.trusted)).wrap_socket(raw, server_hostname=ADDRESS) as wire:
        wire.settimeout(60)
        path = "/v1/assets/lab/stopped/versions/main/files/large.bin"
        wire.sendall(f"GET {path} HTTP/1.1\r\nhost: {ADDRESS}\r\nauthorization: Bearer {token}\r\n\r\n".encode())
        assert wire.recv(4096).startswith(b"HTTP/1.1 200")
        front.gateway.run("revoke", "lab/stopped", "--reason", "rights_complaint")
        after = 0
        try:
            while piece := wire.recv(65536):
                after += len(piece)
        except (ConnectionError, ssl.SSLError):
            pass  # cut is cut, with or without a last word
        # What nginx and the kernel held already still comes: up to the largest receive buffer, which they grow by need.
        assert after < LARGE // 2
    with front.client(token) as client:
        assert client.get(path).status_code == 451


@pytest.mark.needs("nginx")
def test_a_token_sent_in_clear_does_not_seem_to_work(front: Front) -> None:
    told = httpx2.get(front.plain + "/v1/me", headers={"authorization": "Bearer x"})
    assert told.status_code == 426


def test_nothing_of_an_asset_is_kept_by_the_proxy() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert {"proxy_buffering off;", "proxy_cache off;", "gzip off;"} <= {line.strip() for line in text.splitlines()}
