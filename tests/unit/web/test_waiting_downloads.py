"""What a request may have that waited for its turn: what holds when its turn comes, not what held when it asked."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from starlette.types import Message, Scope

from catalog.actions import credentials, stops
from catalog.errors import Denied
from catalog.ports import Store
from catalog.store import open_store
from catalog.vocabulary import Actor, Item, Reason, Role, Stop, StopReason, SubjectRef, Version
from gateway.blobs.filesystem import FileOriginals
from gateway.streams.caps import Caps
from gateway.streams.registry import Registry
from gateway.streams.watcher import Watcher
from gateway.web.api.downloads import Downloads
from gateway.web.context import Catalogue
from gateway.web.deliveries import DeliveryWriter
from tests import builders
from tests.builders import NOW, new_id

FILES = {"a.jpg": b"the one complained of", "b.jpg": b"another"}


class Queue(Caps):
    """Caps that tell when somebody begins to wait."""

    def __init__(self) -> None:
        super().__init__(per_account=1, per_address=9)
        self.somebody_waits = asyncio.Event()

    async def wait(self, key: tuple[str, str]) -> None:
        self.somebody_waits.set()
        await super().wait(key)


class Serving:
    """A watcher that always hears of stops."""

    def may_send(self) -> bool:
        return True


class House:
    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(f"sqlite:///{folder / 'catalogue.db'}")
        self.originals = FileOriginals(folder / "originals")
        self.operator = builders.actor(self.store, Role.OPERATOR)
        builders.published_terms(self.store)
        self.version = self.publish(FILES)
        reader = builders.actor(self.store)
        assert reader.account is not None
        builders.accepted(self.store, reader)
        with self.store.begin() as tx:
            _, token = credentials.create_token(tx, reader.account, scopes=None, now=NOW, new_id=new_id)
        self.reader = Actor(account=reader.account, scopes=reader.scopes, token_id=token.id)

    def publish(self, files: dict[str, bytes]) -> Version:
        items: list[Item] = []
        for path, content in files.items():
            self.originals.put(io.BytesIO(content), len(content))
            items.append(builders.item(path, content))
        return builders.published(self.store, self.operator, *items)

    def withhold(self, path: str) -> None:
        subject = SubjectRef(ns="demo", name="street-faces", version=self.version.id, path=path)
        command = stops.StopCommand(act=Stop.WITHHOLD, subject=subject, reason=StopReason.RIGHTS_COMPLAINT)
        with self.store.begin() as tx:
            stops.stop(tx, self.operator, command, now=NOW, new_id=new_id)

    def revoke_token(self) -> None:
        account, token_id = self.reader.account, self.reader.token_id
        assert account is not None
        assert token_id is not None
        with self.store.begin() as tx:
            credentials.revoke_token(tx, account, token_id, now=NOW)

    async def ask(self, path: str | None, meanwhile: Callable[[], object]) -> bytes:
        """What the reader gets of a file, or of the archive, when `meanwhile` happens while the request waits."""
        catalogue = Catalogue(self.store, lambda: NOW, new_id)
        queue, writer = Queue(), DeliveryWriter(self.store)
        watcher = cast(Watcher, Serving())
        downloads = Downloads(catalogue, self.originals, Registry(), queue, watcher, writer)
        where = {"ns": "demo", "name": "street-faces", "version": "main", **({} if path is None else {"path": path})}
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "headers": [],
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "path_params": where,
        }
        sent = bytearray()

        async def send(message: Message) -> None:
            sent.extend(message.get("body", b""))

        async def receive() -> Message:
            raise AssertionError("a download reads no body")

        answer = downloads.archive if path is None else downloads.file
        account = self.reader.account
        assert account is not None
        writing = asyncio.create_task(writer.run())  # noqa: TID251  awaited below
        try:
            async with queue.admit(account=account.id, address="127.0.0.1"):
                asking = asyncio.create_task(answer(scope, receive, send, self.reader))  # noqa: TID251  awaited below
                await queue.somebody_waits.wait()
                meanwhile()
                catalogue.moved(0)
            await asking
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
        return bytes(sent)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.originals.close()
    house.store.close()


def test_an_archive_that_waited_leaves_out_what_was_withheld_meanwhile(house: House) -> None:
    archive = asyncio.run(house.ask(None, lambda: house.withhold("a.jpg")))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["b.jpg", ".hubgate-withheld.json"]
    assert FILES["a.jpg"] not in archive


def test_a_file_that_waited_is_refused_when_it_was_withheld_meanwhile(house: House) -> None:
    with pytest.raises(Denied) as refused:
        asyncio.run(house.ask("a.jpg", lambda: house.withhold("a.jpg")))
    assert refused.value.decision.reason is Reason.ITEM_WITHHELD


@pytest.mark.parametrize("path", ["a.jpg", None])
def test_a_token_that_was_revoked_while_its_request_waited_gets_nothing(house: House, path: str | None) -> None:
    with pytest.raises(Denied) as refused:
        asyncio.run(house.ask(path, house.revoke_token))
    assert refused.value.decision.reason is Reason.UNAUTHENTICATED


def test_bytes_and_their_delivery_are_of_one_version_when_main_moves_meanwhile(house: House) -> None:
    got = asyncio.run(house.ask("a.jpg", lambda: house.publish({"a.jpg": b"newer"})))
    assert got == FILES["a.jpg"]
    assert house.reader.account is not None
    with house.store.read() as tx:
        (delivery,) = tx.deliveries.of_account(house.reader.account.id, 9)
    assert delivery.version_id == house.version.id
