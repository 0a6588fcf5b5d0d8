"""Streams that are open while others publish, stop, release and suspend: after a stop is effective, no chunk leaves.

Time passes between every two steps: facts are read, a stop is committed, a replica looks at the ledger and a stream
starts, each as a step of its own and in any order. The model beside it knows only which stops touch which stream.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from catalog.actions import accounts, deliver, stops
from catalog.errors import Conflict
from catalog.policy import names
from catalog.store import open_store
from catalog.vocabulary import Actor, Door, ReleaseReason, Role, Stop, StopReason, SubjectRef
from gateway.streams.body import BodySender, Ended, NotServing
from gateway.streams.registry import Registry, Stopped
from tests import builders
from tests.builders import NOW, new_id

NAME = "street-faces"
PATHS = ("a.jpg", "b.jpg")


@dataclass(eq=False)
class Asked:
    """A reader's request that was granted on the facts of its moment."""

    reader: Actor
    version: str
    path: str | None  # None: an archive of the version
    access: deliver.Access


@dataclass(eq=False)
class Running:
    """A response, and how many messages of it have left the gateway."""

    asked: Asked
    sender: BodySender
    left: list[int]
    refused: bool = False


@dataclass
class StopMade:
    """What the model remembers of a stop: its place in the ledger, and what it is about. None stands for any."""

    position: int
    version: str | None = None
    path: str | None = None
    reader: str | None = None

    def touches(self, asked: Asked) -> bool:
        assert asked.reader.account is not None
        if self.reader is not None:
            return self.reader == asked.reader.account.id
        if self.path is not None:
            # By digest, and each path has the same content in every version here; an archive holds every path.
            return asked.path in {None, self.path}
        return self.version in {None, asked.version}


class OpenStreams(RuleBasedStateMachine):
    """One asset with two files in each version, two readers, one serving replica."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = open_store(f"sqlite:///{self.folder / 'catalogue.db'}")
        self.first, self.second = (builders.actor(self.store, Role.OPERATOR) for _ in range(2))
        self.readers = [builders.actor(self.store) for _ in range(2)]
        builders.published_terms(self.store)
        self.versions: list[str] = []
        self.publish()
        for reader in self.readers:
            builders.accepted(self.store, reader, f"demo/{NAME}")
        self.feed = self.store.feed()
        self.registry = Registry()
        self.applied = self.feed.position()
        self.made: list[StopMade] = []
        self.serving = True
        self.asked: list[Asked] = []
        self.running: list[Running] = []

    @initialize()
    def two_responses_run(self) -> None:
        for reader, path in ((0, "a.jpg"), (1, None)):
            self.ask(reader, 0, path)
            self.start()

    def teardown(self) -> None:
        self.feed.close()
        self.store.close()
        shutil.rmtree(self.folder)

    def ref(self, which: int | None, path: str | None) -> SubjectRef:
        version = None if which is None else self.versions[-1 - which % len(self.versions)]
        return SubjectRef(ns="demo", name=NAME, version=version, path=None if version is None else path)

    def stopped(self, asked: Asked) -> bool:
        """A stop that the replica has seen came after the facts on which the request was granted."""
        since = asked.access.decision.as_of
        return any(since < stop.position <= self.applied and stop.touches(asked) for stop in self.made)

    # what publishers and operators do

    @rule()
    def publish(self) -> None:
        mark = builders.item("mark.txt", b"%d" % len(self.versions))  # so that no two manifests are equal
        items = [mark, *(builders.item(path, path.encode()) for path in PATHS)]
        with suppress(Conflict):  # the asset is on hold
            self.versions.append(builders.published(self.store, self.first, *items, full_name=f"demo/{NAME}").id)

    @rule(
        act=st.sampled_from([Stop.HOLD] * 4 + [Stop.REVOKE]), which=st.sampled_from([None, 0, 0, 1]), seen=st.booleans()
    )
    def stop_versions(self, act: Stop, which: int | None, seen: bool) -> None:
        self.commit_stop(act, self.ref(which, None), seen)

    @rule(
        act=st.sampled_from([Stop.HOLD] * 4 + [Stop.WITHHOLD]),
        which=st.integers(0, 1),
        path=st.sampled_from(PATHS),
        seen=st.booleans(),
    )
    def stop_item(self, act: Stop, which: int, path: str, seen: bool) -> None:
        self.commit_stop(act, self.ref(which, path), seen)

    def commit_stop(self, act: Stop, ref: SubjectRef, seen: bool) -> None:
        command = stops.StopCommand(act=act, subject=ref, reason=StopReason.QUALITY)
        with suppress(Conflict), self.store.begin() as tx:  # stopped already
            notice = stops.stop(tx, self.first, command, now=NOW, new_id=new_id)
            self.made.append(StopMade(position=notice.position, version=ref.version, path=ref.path))
        if seen:
            self.look()

    @precondition(lambda self: self.made)
    @rule()
    def release_and_confirm_all_holds(self) -> None:
        with self.store.read() as tx:
            held = [names.subject(notice.subject) for notice in tx.stops.open_notices()]
        for ref in held:
            with self.store.begin() as tx:
                proposal, lifted = stops.release(tx, self.first, ref, ReleaseReason.ERROR, now=NOW, new_id=new_id)
            assert not lifted, "faces need a second person"
            with self.store.begin() as tx:
                stops.confirm(tx, self.second, proposal.id, now=NOW)

    @rule(which=st.integers(0, 1), suspended=st.booleans(), seen=st.booleans())
    def suspend_or_restore(self, which: int, suspended: bool, seen: bool) -> None:
        account = self.readers[which].account
        assert account is not None
        with suppress(Conflict), self.store.begin() as tx:  # it is so already
            if suspended:
                _, position = accounts.suspend(tx, self.first, account.name, StopReason.MISUSE, now=NOW)
                self.made.append(StopMade(position=position, reader=account.id))
            else:
                accounts.restore(tx, self.first, account.name, "resolved", now=NOW)
        if seen:
            self.look()

    # what the serving replica does

    @rule()
    def look(self) -> None:
        """Apply what the ledger says; every stop so far is effective from here on."""
        for cut in self.feed.cuts_since(self.applied):
            self.registry.cut(cut.subjects, cut.position)
        self.applied = self.feed.position()

    @rule(serving=st.sampled_from([True, True, True, False]))
    def hold_or_lose_the_lease(self, serving: bool) -> None:
        self.serving = serving

    @rule(reader=st.integers(0, 1), which=st.sampled_from([0, 0, 0, 1, 2]), path=st.sampled_from([None, *PATHS]))
    def ask(self, reader: int, which: int, path: str | None) -> None:
        """Facts are read and decided on; the response may start much later."""
        actor, ref = self.readers[reader], self.ref(which, path)
        assert ref.version is not None
        with self.store.read() as tx:
            ground = deliver.ground(tx, actor, ns="demo", name=NAME, ref=ref.version)
            item = None if path is None else tx.assets.item(ref.version, path)
        access = deliver.judge(ground, actor, Door.BYTES, item=item, one=path is not None)
        if access.decision.allowed:
            self.asked.append(Asked(reader=actor, version=ref.version, path=path, access=access))

    @precondition(lambda self: self.asked)
    @rule()
    def start(self) -> None:
        asked = self.asked.pop(0)
        subjects, as_of = asked.access.subjects(asked.reader), asked.access.decision.as_of
        try:
            stream = self.registry.register(subjects, as_of, lambda: None)
        except Stopped:
            assert self.stopped(asked), "only a stop after the facts were read refuses a start"
            return
        assert not self.stopped(asked)
        left = [0]

        async def send(message: object) -> None:
            left[0] += 1

        sender = BodySender({"method": "GET"}, send, stream, lambda: self.serving)
        try:
            asyncio.run(sender.start(200, [], 1_000_000))
        except NotServing:
            assert not self.serving
            assert left == [0]
            stream.close()
            return
        assert self.serving
        self.running.append(Running(asked=asked, sender=sender, left=left))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 9))
    def finish(self, which: int) -> None:
        """A response that was cut is never ended as if it were whole."""
        running = self.running.pop(which % len(self.running))
        before = running.left[0]
        outcome = asyncio.run(running.sender.finish())
        if self.stopped(running.asked) or running.refused or not self.serving:
            assert outcome.ended is Ended.CUT
            assert running.left[0] == before

    @invariant()
    def the_next_chunk_of_each_leaves_only_where_no_effective_stop_touches_it(self) -> None:
        for running in self.running:
            before = running.left[0]
            asyncio.run(running.sender.data(b"chunk"))
            # Once it was found without a lease, a response does not go on, even when the lease comes back.
            running.refused |= not self.serving
            assert (running.left[0] > before) is not (self.stopped(running.asked) or running.refused)


TestOpenStreams = OpenStreams.TestCase
TestOpenStreams.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
