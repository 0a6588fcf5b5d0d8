"""kill -9 of a client or of the server while files are sent: the same again ends well, and nothing half is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.vocabulary import Role
from gateway.installation import Installation, open_installation
from gateway.settings import load
from tests.contract.clients.environments import CannotMake, Client, environment
from tests.contract.clients.people import Person, sitting
from tests.contract.sdk.relay import Relay, relaying
from tests.gateways import Gateway
from tests.houses import House

MIB = 1024 * 1024
NAME = "lab/faces"
WAIT_S = 60.0


class Scene:
    """A publisher, a gateway that can be killed, and a wire between them that can be held."""

    def __init__(
        self, gateway: Gateway, installation: Installation, person: Person, relay: Relay, folder: Path
    ) -> None:
        self.gateway = gateway
        self.house = House(gateway, installation, folder.parent)
        self.person = person
        self.relay = relay
        self.folder = folder
        _, self.token = self.house.account(Role.PUBLISHER)
        made = random.Random(NAME)
        self.files = {f"{n}.bin": made.randbytes(6 * MIB + n) for n in range(4)}
        folder.mkdir()
        for path, content in self.files.items():
            (folder / path).write_bytes(content)

    @property
    def whole(self) -> dict[str, str]:
        return {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}

    def starts(self) -> subprocess.Popen[bytes]:
        """The client's command, in mid-transfer when this returns."""
        self.relay.hold_after(14 * MIB, upwards=True)
        command = [
            self.person.programs / self.person.client.command,
            *("upload", NAME, self.folder, "--repo-type", "dataset"),
        ]
        environ = {**self.person.environ, "HF_TOKEN": self.token}
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.relay.wait_held()
        return process

    def again(self) -> None:
        done = self.person.runs("upload", NAME, os.fspath(self.folder), "--repo-type", "dataset", token=self.token)
        assert done.status == 0, done.text
        assert self.house.draft(NAME) == self.whole
        assert self.house.stored() == set(self.whole.values())
        assert self.gateway.run("verify") == "clean: 4 originals"

    def waits_until_nothing_is_half_there(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while self.house.staged() or any((self.gateway.data / "originals" / "incoming").iterdir()):
            assert time.monotonic() < deadline, "something half is kept"
            time.sleep(0.02)


@pytest.fixture
def scene(client: Client, tmp_path: Path) -> Iterator[Scene]:
    try:
        programs = environment(client)
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    gateway = Gateway(tmp_path / "data")
    with relaying(gateway.port) as relay, sitting(client, programs, relay.url, tmp_path / "home") as person:
        gateway.environ["HUBGATE_PUBLIC_URL"] = relay.url
        (tmp_path / "data" / "uploads").mkdir()
        installation = open_installation(load({"data": gateway.data}, environ={}))
        with contextlib.closing(installation):
            yield Scene(gateway, installation, person, relay, tmp_path / "folder")


def test_a_client_that_is_killed_leaves_nothing_half_and_goes_on(scene: Scene) -> None:
    with scene.gateway.serving():
        process = scene.starts()
        process.kill()
        process.wait()
        scene.relay.release()
        scene.waits_until_nothing_is_half_there()
        assert scene.house.stored() < set(scene.whole.values()), "what came whole may stay, nothing else"
        scene.again()


def test_a_server_that_is_killed_loses_nothing_it_acknowledged_and_goes_on(scene: Scene) -> None:
    with scene.gateway.serving() as server:
        process = scene.starts()
        server.kill()
        server.wait()
    acknowledged = scene.house.draft(NAME)
    scene.relay.release()
    with scene.gateway.serving():
        process.wait(WAIT_S)  # newer and older ones try again by themselves; whoever gives up is started anew
        assert acknowledged.items() <= scene.house.draft(NAME).items()
        scene.again()
        scene.waits_until_nothing_is_half_there()
