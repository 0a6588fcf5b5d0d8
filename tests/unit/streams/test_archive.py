"""Archives: what tar reads back, exact length, and the same bytes each time."""

import asyncio
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from gateway.blobs.base import Blob, BlobMissing
from gateway.blobs.filesystem import FileOriginals
from gateway.streams.archive import Member, archive_size, header, send_archive
from gateway.streams.body import Ended, Outcome
from gateway.streams.registry import Registry
from tests.unit.streams.servers import connect, get, read_response, running

MTIME = 1_795_000_000
CONTENTS = {
    "README.md": b"hello",
    "a/empty": b"",
    "a/one-block": bytes(512),
    "a/" + "long" * 60: os.urandom(1000),
    "人脸/街头 1.jpg": os.urandom(70_000),
    "big.bin": os.urandom(3_000_001),
    "just-small": os.urandom(256 * 1024),
    "just-large": os.urandom(256 * 1024 + 1),
    "z": b"end",
}
LAST = ("withheld.json", b"[]")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileOriginals]:
    store = FileOriginals(tmp_path / "originals")
    yield store
    store.close()


def member(store: FileOriginals, path: str, content: bytes) -> Member:
    sha256 = store.put(io.BytesIO(content), len(content)).sha256

    def open_blob() -> Blob:
        return store.open(sha256)

    return Member(path=path, size=len(content), open=open_blob)


class Shelf:
    """Serves an archive of the members."""

    def __init__(self, members: list[Member], last: tuple[str, bytes] | None = LAST) -> None:
        self.members, self.last = members, last
        self.outcomes: list[Outcome] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = Registry().register(frozenset({"version:v"}), 1, lambda: None)
        outcome = await send_archive(
            scope,
            send,
            members=self.members,
            last=self.last,
            mtime=MTIME,
            headers=[(b"content-type", b"application/x-tar")],
            stream=stream,
            may_send=lambda: True,
        )
        self.outcomes.append(outcome)


def test_an_archive_holds_every_member_and_nothing_of_this_machine(store: FileOriginals) -> None:
    shelf = Shelf([member(store, path, content) for path, content in CONTENTS.items()])
    with running(shelf) as address, connect(address) as sock:
        sock.sendall(get())
        _, first = read_response(sock)
        sock.sendall(get())
        _, second = read_response(sock)
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first), mode="r:") as archive:
        found = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]
        for info in archive:
            assert (info.mtime, info.mode, info.uid, info.gid, info.uname, info.gname) == (MTIME, 0o644, 0, 0, "", "")
            assert info.isreg()
    assert found == {**CONTENTS, LAST[0]: LAST[1]}
    assert list(found) == [*CONTENTS, LAST[0]]
    assert shelf.outcomes == [Outcome(sent=len(first), acknowledged=len(first), ended=Ended.COMPLETE)] * 2


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs tar")
def test_tar_unpacks_it(store: FileOriginals, tmp_path: Path) -> None:
    shelf = Shelf([member(store, path, content) for path, content in CONTENTS.items()], last=None)
    with running(shelf) as address, connect(address) as sock:
        sock.sendall(get())
        (tmp_path / "a.tar").write_bytes(read_response(sock)[1])
    (tmp_path / "out").mkdir()
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["tar", "xf", tmp_path / "a.tar", "-C", tmp_path / "out"], check=True, env=environment)
    for path, content in CONTENTS.items():
        assert (tmp_path / "out" / path).read_bytes() == content


def test_head_tells_the_length_and_opens_nothing(store: FileOriginals) -> None:
    def missing() -> Blob:
        raise BlobMissing("nobody should ask")

    shelf = Shelf([Member(path="a", size=1000, open=missing)], last=None)
    with running(shelf) as address, connect(address) as sock:
        sock.sendall(get(method="HEAD"))
        head, _ = read_response(sock, method="HEAD")
    assert b"content-length: %d" % (512 + 1024 + 1024) in head


def test_a_missing_member_never_looks_complete(store: FileOriginals, caplog: pytest.LogCaptureFixture) -> None:
    gone = member(store, "gone", b"gone")
    store.delete(store.put(io.BytesIO(b"gone"), 4).sha256)
    shelf = Shelf([member(store, "first", os.urandom(2_000_000)), gone])
    with running(shelf) as address, connect(address) as sock:
        sock.sendall(get())
        with pytest.raises(ConnectionError):
            read_response(sock)
    assert "BlobMissing" in caplog.text


def test_a_cut_ends_an_archive_between_two_pieces(store: FileOriginals) -> None:
    registry = Registry()
    stream = registry.register(frozenset({"version:v"}), 1, lambda: None)
    members = [member(store, f"{n}", os.urandom(200_000)) for n in range(30)]
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)
        if len(messages) == 3:
            registry.cut({"version:v"}, 2)

    outcome = asyncio.run(
        send_archive(
            {"type": "http", "method": "GET"},
            send,
            members=members,
            last=None,
            mtime=MTIME,
            headers=[],
            stream=stream,
            may_send=lambda: True,
        )
    )
    assert outcome.ended is Ended.CUT
    assert len(messages) == 3
    assert outcome.sent < 30 * 200_000


PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)


@given(PATHS.filter(lambda path: path.strip("/") == path), st.integers(0, 2**40))
def test_every_header_reads_back_and_fills_whole_blocks(path: str, size: int) -> None:
    block = header(path, size, MTIME)
    assert len(block) % 512 == 0
    info = tarfile.TarFile.open(fileobj=io.BytesIO(block + bytes(1024)), mode="r:").next()
    assert info is not None
    assert (info.name, info.size, info.mtime, info.isreg()) == (path, size, MTIME, True)
    member = Member(path=path, size=size, open=lambda: pytest.fail("opened"))
    assert archive_size([member], None, MTIME) == len(block) + size + -size % 512 + 1024
