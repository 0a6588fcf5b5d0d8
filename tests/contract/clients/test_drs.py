"""A DRS client reads objects, is told where their bytes are, and is told why not."""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract.clients.environments import CannotMake, made
from tests.houses import House

pytestmark = pytest.mark.clients

# Written for pydantic 1, and for requests, which it does not ask for.
REQUIREMENTS = ("drs-cli==0.2.3", "requests", "pydantic<2")
ASK = """
import json, sys
from drs_cli.client import DRSClient
port, token, *asked = sys.argv[1:]
client = DRSClient("http://127.0.0.1", port=int(port), token=token)
found = [client.get_access_url(*one.split(" ")) if " " in one else client.get_object(one) for one in asked]
print(json.dumps([json.loads(one.json()) for one in found]))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return made("drs-cli-0.2.3", REQUIREMENTS) / "python"
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")


def asks(python: Path, house: House, token: str, *asked: str) -> list[dict[str, Any]]:
    arguments = [python, "-c", ASK, str(house.gateway.port), token, *asked]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_it_reads_objects_and_their_address_and_each_refusal(python: Path, house: House) -> None:
    content = secrets.token_bytes(40)
    faces = house.publish({"a/b.bin": content})
    _, token = house.account()
    blob = f"{faces.version}.{hashlib.sha256(content).hexdigest()}"
    (refused,) = asks(python, house, token, blob)
    assert refused["status_code"] == 403
    assert f"{house.url}/assets/{faces.name}/terms" in refused["msg"]
    house.accept(token, faces)
    whole, file, access = asks(python, house, token, faces.version, blob, f"{blob} https")
    assert (whole["size"], whole["id"]) == (40, faces.version)
    assert (file["size"], file["checksums"][0]["checksum"]) == (40, hashlib.sha256(content).hexdigest())
    headers = dict(line.split(": ", 1) for line in access["headers"])
    assert httpx2.get(access["url"], headers=headers).content == content
    notice = house.stops("revocations", faces.name)["notice"]
    for stopped in asks(python, house, token, blob, f"{blob} https"):
        assert stopped["status_code"] == 451
        assert f"{house.url}/notices/{notice}" in stopped["msg"]
