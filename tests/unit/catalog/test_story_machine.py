"""Whatever order the acts come in: events and tables agree, what is final stays final, and a stop is obeyed.

Streams are registered in the real registry on real decisions and cut by what the real ledger says.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from catalog.actions import accounts, complaints, deliver, stops
from catalog.errors import Conflict, Denied, Invalid
from catalog.ledger.fold import differences, fold
from catalog.store import open_store
from catalog.vocabulary import (
    AccountState,
    ComplaintItem,
    Door,
    ItemState,
    ReleaseReason,
    Role,
    Stop,
    StopReason,
    SubjectRef,
    VersionState,
)
from gateway.streams.body import BodySender
from gateway.streams.registry import Registry, Stopped, Stream
from tests import builders
from tests.builders import NOW, new_id

NAME = "street-faces"
PATHS = ("a.jpg", "b.jpg")


class Story(RuleBasedStateMachine):
    """One asset, its versions and its readers, with streams that are open while others act."""

    streams = Bundle("streams")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = open_store(f"sqlite:///{self.folder / 'catalogue.db'}")
        self.first, self.second = builders.actor(self.store, Role.OPERATOR), builders.actor(self.store, Role.OPERATOR)
        self.reader = builders.actor(self.store)
        builders.published_terms(self.store)
        self.feed = self.store.feed()
        self.registry = Registry()
        self.applied = 0
        self.released: list[str] = []
        self.final: set[str] = set()
        self.open: dict[Stream, tuple[str, str]] = {}
        self.senders: dict[Stream, BodySender] = {}
        self.once_stopped: set[Stream] = set()
        self.left = 0
        self.publish(b"first")

    def teardown(self) -> None:
        self.feed.close()
        self.store.close()
        shutil.rmtree(self.folder)

    def look(self) -> None:
        """What the watcher does at each look."""
        for cut in self.feed.cuts_since(self.applied):
            self.registry.cut(cut.subjects, cut.position)
        self.applied = self.feed.position()

    @rule(data=st.binary(min_size=1, max_size=4))
    def publish(self, data: bytes) -> None:
        items = [builders.item(path, path.encode() + data) for path in PATHS]
        try:
            version = builders.published(self.store, self.first, *items)
        except Conflict:  # the asset is on hold
            return
        if version.id not in self.released:
            self.released.append(version.id)

    @rule()
    def accept(self) -> None:
        with suppress(Denied):  # a suspended reader
            builders.accepted(self.store, self.reader, f"demo/{NAME}")

    @rule(target=streams, which=st.integers(0, 9), path=st.sampled_from(PATHS))
    def open_stream(self, which: int, path: str) -> object:
        version_id = self.released[which % len(self.released)]
        with self.store.read() as tx:
            ground = deliver.ground(tx, self.reader, ns="demo", name=NAME, ref=version_id)
            item = tx.assets.item(version_id, path)
        access = deliver.judge(ground, self.reader, Door.BYTES, item=item, one=True)
        if not access.decision.allowed:
            return multiple()
        try:
            stream = self.registry.register(access.subjects(self.reader), access.decision.as_of, lambda: None)
        except Stopped:
            return multiple()
        self.open[stream] = (version_id, path)
        self.senders[stream] = sender = BodySender({"method": "GET"}, self.send, stream, lambda: True)
        asyncio.run(sender.start(200, [], 1_000_000))
        return stream

    async def send(self, message: object) -> None:
        """The server's side of a connection: whatever arrives here has left the gateway."""
        self.left += 1

    @rule(stream=streams)
    def step(self, stream: Stream) -> None:
        """The next chunk of a stream: it leaves only where nothing that the stream is about was stopped."""
        before = self.left
        asyncio.run(self.senders[stream].data(b"chunk"))
        assert (self.left > before) == (stream in self.open and self.may_flow(stream))

    def may_flow(self, stream: Stream) -> bool:
        """What the catalogue says of the stream now, apart from what it said when the stream was opened.

        A stop that was lifted meanwhile has ended the stream all the same.
        """
        assert self.reader.account is not None
        version_id, path = self.open[stream]
        with self.store.read() as tx:
            version, item = tx.assets.version(version_id), tx.assets.item(version_id, path)
            account = tx.accounts.get(self.reader.account.id)
            assert version is not None
            assert item is not None
            assert account is not None
            served = version.state is VersionState.PUBLISHED and item.sha256 not in tx.stops.stopped(version.asset_id)
        return served and account.state is AccountState.ACTIVE and stream not in self.once_stopped

    @rule(stream=consumes(streams))
    def finish_stream(self, stream: Stream) -> None:
        stream.close()
        self.open.pop(stream, None)

    @rule(
        act=st.sampled_from(Stop),
        which=st.none() | st.integers(0, 9),
        path=st.none() | st.sampled_from(PATHS),
    )
    def stop(self, act: Stop, which: int | None, path: str | None) -> None:
        version = None if which is None else self.released[which % len(self.released)]
        ref = SubjectRef(ns="demo", name=NAME, version=version, path=None if version is None else path)
        command = stops.StopCommand(act=act, subject=ref, reason=StopReason.QUALITY)
        with suppress(Conflict, Invalid), self.store.begin() as tx:  # the act may not fit the subject or its state
            stops.stop(tx, self.first, command, now=NOW, new_id=new_id)
        self.look()

    @rule(which=st.none() | st.integers(0, 9), path=st.none() | st.sampled_from(PATHS))
    def release(self, which: int | None, path: str | None) -> None:
        version = None if which is None else self.released[which % len(self.released)]
        ref = SubjectRef(ns="demo", name=NAME, version=version, path=None if version is None else path)
        try:
            with self.store.begin() as tx:
                proposal, lifted = stops.release(tx, self.first, ref, ReleaseReason.RESOLVED, now=NOW, new_id=new_id)
            assert not lifted, "class face needs two persons"
            with self.store.begin() as tx:
                stops.confirm(tx, self.second, proposal.id, now=NOW)
        except Conflict:
            pass
        self.look()

    @rule(path=st.sampled_from(PATHS))
    def complain_for_a_child(self, path: str) -> None:
        command = complaints.FileComplaint(
            kind="child",
            name="n",
            contact="c",
            request="r",
            links=[],
            asset=f"demo/{NAME}",
            items=[ComplaintItem(path=path, version=None, preview=None)],
            source="one address",
        )
        with self.store.begin() as tx:
            complaints.file_complaint(tx, command, now=NOW, new_id=new_id)
        self.look()

    @precondition(lambda self: self.reader.account is not None)
    @rule(suspended=st.booleans())
    def suspend_or_restore(self, suspended: bool) -> None:
        assert self.reader.account is not None
        try:
            with self.store.begin() as tx:
                if suspended:
                    accounts.suspend(tx, self.first, self.reader.account.name, StopReason.MISUSE, now=NOW)
                else:
                    accounts.restore(tx, self.first, self.reader.account.name, "resolved", now=NOW)
        except Conflict:
            pass
        self.look()

    @invariant()
    def events_and_tables_agree(self) -> None:
        with self.store.read() as tx:
            assert differences(fold(tx.ledger.events(0, 100_000)), tx.projection.snapshot()) == []

    @invariant()
    def no_stream_of_what_is_stopped_may_go_on(self) -> None:
        for stream in self.open:
            if not self.may_flow(stream):
                self.once_stopped.add(stream)
            assert (stream.ending is None) == (stream not in self.once_stopped)

    @invariant()
    def what_is_final_stays_final_and_main_never_falls_back(self) -> None:
        with self.store.read() as tx:
            asset = tx.assets.named("demo", NAME)
            assert asset is not None
            now_final = {v.id for v in tx.assets.versions(asset.id) if v.state is VersionState.REVOKED}
            now_final |= {s.sha256 for s in tx.stops.stopped(asset.id).values() if s.state is ItemState.WITHHELD}
            main = tx.assets.resolve(asset.id, "main")
        assert self.final <= now_final
        self.final = now_final
        assert main is not None
        assert main.id == self.released[-1]


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
