"""Archives for code hubs: what zip reads back, exact length, one folder, and the same bytes each time."""

import asyncio
import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.blobs.base import Blob, BlobMissing
from gateway.blobs.filesystem import FileOriginals
from gateway.streams.archive import SMALL, Member
from gateway.streams.body import Ended, Outcome
from gateway.streams.registry import Registry
from gateway.streams.zip import Layout, send_zip
from tests.unit.streams.servers import connect, get, read_response, running

MTIME = 1_795_000_000
FOLDER = "net-0123"
CONTENTS = {
    "README.md": b"hello",
    "a/empty": b"",
    "hubconf.py": b"def net(): ...\n",
    "a/" + "long" * 60: os.urandom(1000),
    "人脸/街头 1.jpg": os.urandom(70_000),
    "big.bin": os.urandom(3_000_001),
    "just-small": os.urandom(SMALL),
    "just-large": os.urandom(SMALL + 1),
}
LAST = ("withheld.json", b"[]")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileOriginals]:
    store = FileOriginals(tmp_path / "originals")
    yield store
    store.close()


def layout(
    store: FileOriginals, last: tuple[str, bytes] | None = LAST, mtime: int = MTIME, comment: bytes = b"0123"
) -> Layout:
    def member(path: str, content: bytes) -> Member:
        sha256 = store.put(io.BytesIO(content), len(content)).sha256
        return Member(path=path, size=len(content), open=lambda: store.open(sha256))

    members = [member(path, content) for path, content in CONTENTS.items()]
    return Layout(members=members, last=last, folder=FOLDER, mtime=mtime, comment=comment)


class Shelf:
    """Serves an archive of this layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.outcomes: list[Outcome] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = Registry().register(frozenset({"version:v"}), 1, lambda: None)
        outcome = await send_zip(
            scope, send, layout=self.layout, headers=[], stream=stream, may_send=lambda: True
        )  # fmt: skip
        self.outcomes.append(outcome)


def fetched(shelf: Shelf, method: str = "GET") -> tuple[bytes, bytes]:
    with running(shelf) as address, connect(address) as sock:
        sock.sendall(get(method=method))
        return read_response(sock, method=method)


def test_an_archive_holds_every_member_below_one_folder_which_comes_first(store: FileOriginals) -> None:
    shelf = Shelf(layout(store))
    (_, first), (_, second) = fetched(shelf), fetched(shelf)
    assert first == second
    assert len(first) == shelf.layout.size
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [f"{FOLDER}/", *(f"{FOLDER}/{path}" for path in (*CONTENTS, LAST[0]))]
        assert {name: archive.read(name) for name in names[1:-1]} == {
            f"{FOLDER}/{path}": content for path, content in CONTENTS.items()
        }
        assert archive.read(names[-1]) == LAST[1]
        assert archive.comment == b"0123"
        assert archive.getinfo(f"{FOLDER}/").is_dir()
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 18, 11, 6, 40)}
    assert shelf.outcomes == [Outcome(sent=len(first), acknowledged=len(first), ended=Ended.COMPLETE)] * 2


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_tests_and_unpacks_it(store: FileOriginals, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(fetched(Shelf(layout(store, last=None)))[1])
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["unzip", "-q", "-t", tmp_path / "a.zip"], check=True, env=environment)
    subprocess.run(["unzip", "-q", tmp_path / "a.zip", "-d", tmp_path / "out"], check=True, env=environment)
    for path, content in CONTENTS.items():
        assert (tmp_path / "out" / FOLDER / path).read_bytes() == content


def test_a_time_before_the_formats_own_is_its_first_day(store: FileOriginals) -> None:
    with zipfile.ZipFile(io.BytesIO(fetched(Shelf(layout(store, mtime=0)))[1])) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_head_tells_the_length_and_opens_nothing() -> None:
    def missing() -> Blob:
        raise BlobMissing("nobody should ask")

    large = Layout(
        members=[Member(path="a", size=5 * 2**30, open=missing)], last=None, folder=FOLDER, mtime=MTIME, comment=b""
    )
    head, _ = fetched(Shelf(large), "HEAD")
    assert b"content-length: %d" % large.size in head
    assert large.size > 5 * 2**30


def test_a_cut_ends_an_archive_in_the_midst_of_a_large_member(store: FileOriginals) -> None:
    registry = Registry()
    stream = registry.register(frozenset({"version:v"}), 1, lambda: None)
    content = os.urandom(8_000_000)
    sha256 = store.put(io.BytesIO(content), len(content)).sha256
    one = Layout(
        members=[Member(path="big", size=len(content), open=lambda: store.open(sha256))],
        last=LAST, folder=FOLDER, mtime=MTIME, comment=b"",
    )  # fmt: skip
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)
        if len(messages) == 5:
            registry.cut({"version:v"}, 2)

    scope = {"type": "http", "method": "GET"}
    outcome = asyncio.run(send_zip(scope, send, layout=one, headers=[], stream=stream, may_send=lambda: True))
    assert outcome.ended is Ended.CUT
    assert len(messages) == 5
    assert outcome.sent < len(content)
