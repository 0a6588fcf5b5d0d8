"""torch.hub against the gateway, and what torch makes of our twins: the CPU build of torch, where it lies at hand.

About 700 MB and half a minute to install, so only `make test-clients` runs these; the addresses themselves are tried
with every run of the suite (tests/flow/test_model_hubs.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from catalog.vocabulary import Kind, ScanVerdict
from faceguard.source import Held
from gateway.pickles.scanner import Scanner
from tests.contract.clients.environments import CannotMake, made
from tests.contract.clients.people import TYPIST, Seen
from tests.contract.sdk.relay import Relay
from tests.houses import House, Set

pytestmark = [pytest.mark.clients, pytest.mark.every_client]
NEEDS = ("torch==2.13.0+cpu", "numpy", "safetensors")  # this build is nowhere but on a machine's own disk
BIG = 24 * 1024 * 1024

# What a researcher types first: the token goes into every request that urllib makes.
SIGNED_IN = """
import urllib.request, torch
opener = urllib.request.build_opener()
opener.addheaders = [("Authorization", "Bearer " + token)] if token else []
urllib.request.install_opener(opener)
"""
LOAD = """
from torch import hub
loaded = hub.load_state_dict_from_url(url, model_dir=where, check_hash=True, weights_only=True, progress=False)
{name: value.float().sum().item() for name, value in loaded.items()}
"""
MAKE = """
import io, torch
from torch import nn
torch.manual_seed(seed)
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2).half(), nn.Linear(4, 4).bfloat16())
def saved(what, **how):
    torch.save(what, where, **how)
state = net.state_dict()
"""


@dataclass(frozen=True, slots=True)
class Desk:
    python: Path
    home: Path

    def types(self, code: str, **names: object) -> Seen:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "NO_PROXY": "127.0.0.1", "LC_ALL": "C.UTF-8"}
        asked = json.dumps({"code": code, "names": {"where": str(self.home / "hub"), **names}}) + "\n"
        done = subprocess.run(
            [self.python, TYPIST], input=asked, capture_output=True, text=True, env=environ, timeout=120
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        return Seen(**{key: tuple(v) if isinstance(v, list) and key != "value" else v for key, v in told.items()})

    def gets(self, code: str, **names: object) -> Any:
        seen = self.types(code, **names)
        assert not seen.error, f"{seen.error[0]}: {seen.says}\n{seen.causes}"
        return seen.value

    def makes(self, save: str) -> bytes:
        """A file as torch writes it; `save` is what is typed after MAKE."""
        where = self.home / "made"
        self.gets(MAKE + save, where=str(where), seed=secrets.randbits(60))
        return where.read_bytes()

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.home / "hub").rglob("*") if path.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    try:
        return Desk(made("torch-2.13.0", NEEDS) / "python", tmp_path)
    except CannotMake as error:
        pytest.skip(f"the CPU build of torch is not on this machine: {error}")


def address(house: House, each: Set, content: bytes, base: str = "") -> str:
    digits = hashlib.sha256(content).hexdigest()[:8]
    return f"{base or house.url}/{each.name}/weights/{each.version}/net-{digits}.pth"


def is_refused(desk: Desk, seen: Seen, status: int) -> None:
    assert seen.error[0] == "HTTPError"
    assert seen.says.startswith(f"HTTP Error {status}")
    assert desk.files() == []


def test_weights_are_loaded_and_their_digest_is_checked(desk: Desk, house: House) -> None:
    content = desk.makes("saved(state)")
    each = house.publish({"net.pth": content}, kind=Kind.MODEL)
    token = house.reader(each)
    url = address(house, each, content)
    loaded = desk.gets(SIGNED_IN + LOAD, url=url, token=token)
    assert len(loaded) == 11
    assert desk.files() == [url.rpartition("/")[2]]
    # The name in the address decides what is checked: with other digits there is no such file.
    other = url.replace(url[-12:-4], "00000000")
    is_refused(Desk(desk.python, desk.home / "other"), desk.types(SIGNED_IN + LOAD, url=other, token=token), 404)
    # What was kept is loaded without a request: a limit of the client.
    assert desk.gets(SIGNED_IN + LOAD, url=url, token="") == loaded


def test_each_state_is_answered_with_its_status_and_the_reason_stands_in_the_body(desk: Desk, house: House) -> None:
    content = desk.makes("saved(state)")
    each = house.publish({"net.pth": content}, kind=Kind.MODEL)
    account, token = house.account()
    url = address(house, each, content)
    is_refused(desk, desk.types(SIGNED_IN + LOAD, url=url, token=""), 401)
    is_refused(desk, desk.types(SIGNED_IN + LOAD, url=url, token=token), 403)
    ask = SIGNED_IN + "import json\ntry: urllib.request.urlopen(url)\nexcept Exception as e: told = json.load(e)\n"
    told = desk.gets(ask + "[told['code'], told['terms_url']]", url=url, token=token)
    assert told == ["terms-required", f"{house.url}/assets/{each.name}/terms"]
    house.accept(token, each)
    house.suspends(account)
    is_refused(desk, desk.types(SIGNED_IN + LOAD, url=url, token=token), 403)
    other = house.reader(each)
    notice = house.stops("withholdings", f"{each.name}@main:net.pth")["notice"]
    is_refused(desk, desk.types(SIGNED_IN + LOAD, url=url, token=other), 451)
    told = desk.gets(ask + "[told['code'], told['notice_url']]", url=url, token=other)
    assert told == ["item-withheld", f"{house.url}/notices/{notice}"]


def test_a_revocation_cuts_the_transfer_and_nothing_is_left(desk: Desk, house: House, relay: Relay) -> None:
    content = desk.makes(f"saved({{'w': torch.randn({BIG // 4})}})")
    each = house.publish({"net.pth": content}, kind=Kind.MODEL)
    token = house.reader(each)
    url = address(house, each, content, relay.url)
    with ThreadPoolExecutor(1) as pool:
        relay.hold_after(4 * 1024 * 1024)
        running = pool.submit(desk.types, SIGNED_IN + LOAD, url=url, token=token)
        relay.wait_held()
        stopped = house.stops("revocations", each.name)
        relay.release()
        seen = running.result(120)
    assert stopped["streams_cut"] == 1
    assert seen.error
    assert desk.files() == []
    is_refused(desk, desk.types(SIGNED_IN + LOAD, url=url, token=token), 451)


TWIN = """
import torch
from safetensors.torch import load
import urllib.request
source = torch.load(made, weights_only=True)
source = source.get("state_dict", source)
ask = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
twin = load(urllib.request.urlopen(ask).read())
[sorted(twin) == sorted(source),
 all(twin[n].dtype == source[n].dtype and torch.equal(twin[n], source[n].data) for n in twin), len(twin)]
"""


@pytest.mark.parametrize(
    ("save", "count"),
    [
        pytest.param("saved(state)", 11, id="today's form"),
        pytest.param("saved(state, _use_new_zipfile_serialization=False)", 11, id="the form before 1.6"),
        pytest.param("saved({'state_dict': state, 'epoch': 3})", 11, id="a training run's"),
        pytest.param("saved({'w': nn.Parameter(torch.randn(3))})", 1, id="a parameter"),
        pytest.param("b = torch.randn(100); saved({'a': b[10:20], 'b': b[50:62].view(3, 4)})", 2, id="views"),
    ],
)
def test_torch_reads_the_same_numbers_from_the_safetensors_twin(
    desk: Desk, house: House, save: str, count: int
) -> None:
    each = house.publish({"net.pth": desk.makes(save)}, kind=Kind.MODEL)
    url = f"{house.url}/v1/assets/{each.name}/versions/main/files/net.safetensors"
    told = desk.gets(TWIN, url=url, token=house.reader(each), made=str(desk.home / "made"))
    assert told == [True, True, count]


@pytest.mark.parametrize(
    ("save", "verdict"),
    [
        pytest.param("saved(net)", ScanVerdict.CODE, id="a whole module"),
        pytest.param("torch.jit.script(nn.Linear(2, 2)).save(where)", ScanVerdict.CODE, id="TorchScript"),
        pytest.param("saved({'w': torch.randn(3, 4).t()})", ScanVerdict.DATA, id="columns first"),
        pytest.param("saved({'w': torch.randn(3).to(torch.complex64)})", ScanVerdict.DATA, id="complex"),
        pytest.param("saved(torch.optim.SGD(net.parameters(), momentum=0.9).state_dict())", ScanVerdict.DATA, id="SGD"),
        pytest.param("saved({'w': torch.zeros(4).to(torch.float8_e4m3fn)})", ScanVerdict.DATA, id="eight bits"),
    ],
)
def test_what_torch_writes_is_known_for_what_it_is(desk: Desk, save: str, verdict: ScanVerdict) -> None:
    with Scanner() as scanner:
        assert scanner.scan(Held(desk.makes(save))).verdict is verdict
