"""One gateway for all of these tests, and a person with each client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.clients import compatibility
from tests.contract.clients.environments import CLIENTS, CannotMake, Client, environment
from tests.contract.clients.people import Person, sitting
from tests.contract.sdk.relay import Relay, relaying
from tests.houses import House, running

HERE = Path(__file__).parent
ALL = [
    pytest.param(
        client, id=client.hub, marks=[pytest.mark.clients, *([] if client.usual else [pytest.mark.every_client])]
    )
    for client in CLIENTS
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.is_relative_to(HERE):
        compatibility.note(item)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="session")
def relay(house: House) -> Iterator[Relay]:
    """What the clients speak through; it passes everything on until it is told to hold."""
    with relaying(house.gateway.port) as running:
        yield running


@pytest.fixture(scope="session", params=ALL)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    return found


@pytest.fixture(scope="session")
def person(client: Client, relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    try:
        programs = environment(client)
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    home = tmp_path_factory.mktemp(f"home{client}")
    with sitting(client, programs, relay.url, home) as sitter:
        yield sitter


@pytest.fixture(scope="session")
def publisher(client: Client, house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """A person who speaks to the gateway itself: its answers name its own address, which a client then compares."""
    try:
        programs = environment(client)
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    home = tmp_path_factory.mktemp(f"publisher{client}")
    with sitting(client, programs, house.url, home) as sitter:
        yield sitter


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """A cache that holds nothing yet."""
    return os.fspath(tmp_path / "cache")
