"""megengine.hub of MegEngine 1.13.1, over TLS on port 443 as it demands, with a token in `.netrc`.

Its own files run, as the package has them, but for the compiled engine (tests/contract/clients/megengine_parts.py).
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import pickle
import secrets
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.vocabulary import Kind
from tests.contract.clients.environments import CannotMake, made, unpacked
from tests.contract.clients.front import authority, fronting
from tests.contract.clients.people import TYPIST, Seen
from tests.contract.sdk.relay import Relay
from tests.houses import House, Set

pytestmark = [pytest.mark.clients, pytest.mark.every_client]
ADDRESS, PORT = "127.0.0.1", 443
NEEDS = ("megfile==2.0.5", "requests", "tqdm", "numpy")
PACKAGE = "megengine==1.13.1"  # its wheel for macOS is the only one of this version; the files used are the same in all
BIG = 24 * 1024 * 1024
HERE = Path(__file__).parent
BEGIN = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import megengine_parts
megengine_parts.put(root)
from megengine import hub
"""
HUBCONF = """
dependencies = ["numpy"]
from megengine import hub
NUMBER = {number}

class Net:
    def __init__(self):
        self.weights = None

    def load_state_dict(self, weights):
        self.weights = weights

@hub.pretrained("{weights}")
def net(**kwargs):
    "A net that holds its weights."
    return Net()
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A machine with the client, whose `.netrc` names the gateway with one account's token."""

    python: Path
    root: Path
    home: Path
    trusted: Path

    def types(self, code: str, token: str | None, **names: object) -> Seen:
        """Run the code in a fresh session; the value is that of the last expression."""
        netrc = self.home / ".netrc"
        netrc.write_text("" if token is None else f"machine {ADDRESS} login me password {token}\n")
        netrc.chmod(0o600)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "MGE_HOME": str(self.mge_home),
            "REQUESTS_CA_BUNDLE": str(self.trusted),
            "NO_PROXY": ADDRESS,
            "LC_ALL": "C.UTF-8",
        }
        asked = {"code": BEGIN + code, "names": {"root": str(self.root), **names}}
        done = subprocess.run(
            [self.python, TYPIST], input=json.dumps(asked) + "\n", capture_output=True, text=True, env=environ,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        return Seen(**{key: tuple(v) if isinstance(v, list) and key != "value" else v for key, v in told.items()})

    def gets(self, code: str, token: str | None, **names: object) -> Any:
        seen = self.types(code, token, **names)
        assert not seen.error, f"{seen.error[0]}: {seen.says}\n{seen.causes}"
        return seen.value

    @property
    def mge_home(self) -> Path:
        return self.home / "megengine"

    def files(self) -> list[str]:
        """What has come to lie in the client's folders."""
        return sorted(path.name for path in self.mge_home.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def parts() -> tuple[Path, Path]:
    try:
        return made("megengine-1.13.1", NEEDS), unpacked(PACKAGE, python="3.10", platform="x86_64-apple-darwin")
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")


@pytest.fixture(scope="module")
def trusted(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = authority(tmp_path_factory.mktemp("authority"), ADDRESS)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(fronting(ADDRESS, PORT, int(relay.url.rpartition(":")[2]), made.server))
        except OSError as error:
            pytest.skip(f"megengine.hub asks port 443 alone, which cannot be had here: {error}")
        yield made.trusted


@pytest.fixture
def desk(parts: tuple[Path, Path], trusted: Path, tmp_path: Path) -> Desk:
    programs, root = parts
    return Desk(programs / "python", root, tmp_path, trusted)


@dataclass(frozen=True, slots=True)
class Model:
    """The code, and in a set of their own the weights that it asks for under a name with their digest."""

    code: Set
    store: Set
    weights: list[int]
    url: str

    @property
    def names(self) -> dict[str, str]:
        return {"name": self.code.name, "url": self.url, "host": ADDRESS}


def model(house: House) -> Model:
    weights = np.frombuffer(secrets.token_bytes(32), dtype=np.int32)
    content = pickle.dumps({"w": weights})
    store = house.publish({"net.pkl": content}, kind=Kind.MODEL)
    digits = hashlib.sha256(content).hexdigest()[:8]
    url = f"https://{ADDRESS}/{store.name}/weights/{store.version}/net-{digits}.pkl"
    hubconf = HUBCONF.format(number=secrets.randbits(60), weights=url).encode()
    files = {"hubconf.py": hubconf, "pkg/__init__.py": b"", "README.md": f"# Net {secrets.token_hex(4)}\n".encode()}
    return Model(house.publish(files, kind=Kind.MODEL, tag="v1"), store, weights.tolist(), url)


ENTRIES = ["Net", "net"]  # all that can be called
LIST = "hub.list(name, git_host=host, use_cache=False)"
HELP = "hub.help(name, 'net', git_host=host, use_cache=False)"
LOAD = "hub.load(name, 'net', git_host=host, use_cache=False, pretrained=True).weights['w'].tolist()"
WEIGHTS = "hub.load_serialized_obj_from_url(url)['w'].tolist()"


def test_code_is_listed_told_of_and_loaded_with_its_weights(desk: Desk, house: House) -> None:
    each = model(house)
    token = house.reader(each.code, each.store)
    assert desk.gets(LIST, token, **each.names) == ENTRIES
    assert desk.gets(HELP, token, **each.names) == "A net that holds its weights."
    assert desk.gets(LOAD, token, **each.names) == each.weights
    assert desk.gets("hub.import_module(name, host).NUMBER", token, **each.names)
    # By tag and by version, and with the branch that it takes when it is told of none.
    for ref in ("v1", each.code.version, "main"):
        assert desk.gets(LIST, token, **{**each.names, "name": f"{each.code.name}:{ref}"}) == ENTRIES
    assert desk.gets(LIST.replace("use", f"commit={each.code.version!r}, use"), token, **each.names) == ENTRIES


def test_weights_are_loaded_by_their_address_alone(desk: Desk, house: House) -> None:
    each = model(house)
    token = house.reader(each.store)
    assert desk.gets(WEIGHTS, token, **each.names) == each.weights
    (kept,) = desk.files()
    assert kept.endswith(each.url.rpartition("/")[2])
    # What was kept is loaded without a request: a limit of the client.
    assert desk.gets(WEIGHTS, None, **each.names) == each.weights


def test_a_data_set_of_the_library_is_filled_from_our_address(desk: Desk, house: House) -> None:
    images = struct.pack(">iiii", 2051, 2, 3, 3) + secrets.token_bytes(18)
    labels = struct.pack(">ii", 2049, 2) + bytes([7, 9])
    names = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    files = {
        name: gzip.compress(content)
        for name, content in zip([*names, "t10k-labels-idx1-ubyte.gz"], [images, labels, images, labels], strict=True)
    }
    digits = house.publish(files)
    code = f"""
from megengine.data.dataset.vision.mnist import MNIST
MNIST.url_path = "https://{ADDRESS}/v1/assets/{digits.name}/versions/{digits.version}/files/"
MNIST.raw_file_md5 = md5
found = MNIST(where)
[len(found), found[1][0].ravel().tolist(), [int(found[n][1]) for n in range(2)]]
"""
    md5 = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in files.values()]
    where = str(desk.home / "mnist")
    told = desk.gets(code, house.reader(digits), md5=md5, where=where)
    assert told == [2, list(images[-9:]), [7, 9]]
    wrong = desk.types(code, house.reader(digits), md5=["0" * 32] * 4, where=where + "2")
    assert "fail to match md5" in wrong.says


def refused(desk: Desk, each: Model, token: str | None, status: int) -> None:
    """The code and the weights are refused; nothing comes to lie anywhere."""
    before = desk.files()
    seen = desk.types(LIST, token, **each.names)
    assert seen.error[0] == "HTTPDownloadError"
    assert seen.says.startswith("An error occured when downloading from https://")
    weights = desk.types(WEIGHTS, token, **each.names)
    assert weights.error
    assert str(status) in weights.all_text
    assert desk.files() == before


def test_without_a_token_and_before_acceptance_it_is_refused_and_afterwards_not(desk: Desk, house: House) -> None:
    each = model(house)
    _, token = house.account()
    refused(desk, each, None, 401)
    refused(desk, each, token, 403)
    house.accept(token, each.code)
    house.accept(token, each.store)
    assert desk.gets(LOAD, token, **each.names) == each.weights


def test_a_withheld_file_is_refused_and_the_rest_of_the_code_still_comes(desk: Desk, house: House) -> None:
    each = model(house)
    token = house.reader(each.code, each.store)
    house.stops("withholdings", f"{each.store.name}@main:net.pkl")
    house.stops("withholdings", f"{each.code.name}@main:README.md")
    weights = desk.types(WEIGHTS, token, **each.names)
    assert "451" in weights.all_text
    assert desk.gets(LIST, token, **each.names) == ENTRIES
    assert "README.md" not in desk.files()
    assert ".hubgate-withheld.json" in desk.files()


@pytest.mark.parametrize("act", ["revocations", "holds"])
def test_after_a_stop_it_is_refused_though_what_was_kept_is_used_on(desk: Desk, house: House, act: str) -> None:
    each = model(house)
    token = house.reader(each.code, each.store)
    assert desk.gets(LOAD, token, **each.names) == each.weights
    for stopped in (each.code, each.store):
        house.stops(act, stopped.name)
    assert desk.types(LIST, token, **each.names).error[0] == "HTTPDownloadError"
    # Limits of the client: weights that were kept, and code with `use_cache`, its default, make no request.
    assert desk.gets(WEIGHTS, token, **each.names) == each.weights
    elsewhere = desk.types(WEIGHTS.replace("url)", "url, where)"), token, where=str(desk.home / "fresh"), **each.names)
    assert "451" in elsewhere.all_text


def test_a_suspended_account_is_refused(desk: Desk, house: House) -> None:
    each = model(house)
    account, token = house.account()
    house.accept(token, each.code)
    house.accept(token, each.store)
    house.suspends(account)
    refused(desk, each, token, 403)


def test_a_revocation_cuts_the_zip_and_no_code_is_left(desk: Desk, house: House, relay: Relay) -> None:
    files = {"hubconf.py": b"def net(): ...\n", "big.bin": secrets.token_bytes(64) * (BIG // 64)}
    big = house.publish(files, kind=Kind.MODEL)
    token = house.reader(big)
    with ThreadPoolExecutor(1) as pool:
        relay.hold_after(8 * 1024 * 1024)
        running = pool.submit(desk.types, LIST, token, name=big.name, host=ADDRESS)
        relay.wait_held()
        stopped = house.stops("revocations", big.name)
        relay.release()
        seen = running.result(120)
    assert stopped["streams_cut"] == 1
    assert seen.error
    assert desk.files() == []


def test_a_revocation_cuts_the_weights_and_what_came_is_no_whole_file(desk: Desk, house: House, relay: Relay) -> None:
    content = pickle.dumps({"w": np.frombuffer(secrets.token_bytes(64) * (BIG // 64), dtype=np.uint8)})
    big = house.publish({"net.pkl": content}, kind=Kind.MODEL)
    token = house.reader(big)
    url = f"https://{ADDRESS}/{big.name}/weights/main/net.pkl"
    with ThreadPoolExecutor(1) as pool:
        relay.hold_after(8 * 1024 * 1024)
        running = pool.submit(desk.types, WEIGHTS, token, url=url)
        relay.wait_held()
        stopped = house.stops("revocations", big.name)
        relay.release()
        seen = running.result(120)
    assert stopped["streams_cut"] >= 1
    assert seen.error
    # A limit of the client: what came lies under the final name, and the next call finds only that it is cut off.
    left = list(desk.mge_home.rglob("*net.pkl"))
    assert all(path.stat().st_size < len(content) for path in left)
    again = desk.types(WEIGHTS, token, url=url)
    assert again.error[0] == "UnpicklingError" if left else "451" in again.all_text
    for path in left:
        path.unlink()
    assert "451" in desk.types(WEIGHTS, token, url=url).all_text
