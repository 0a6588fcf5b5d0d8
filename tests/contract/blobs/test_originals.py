"""What every store of originals MUST do."""

import asyncio
import contextlib
import errno
import hashlib
import io
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog.vocabulary import Shard
from faceguard.opener import pictures_in
from faceguard.result import Limits, Refused
from gateway.blobs.base import Blob, BlobMismatch, BlobMissing, BlobsFull, Originals, Stored
from gateway.shards import make_shard
from tests import builders

MIB = 1024 * 1024


def put(originals: Originals, content: bytes) -> Stored:
    return originals.put(io.BytesIO(content), len(content))


def collect(blob: Blob, start: int, stop: int) -> list[bytes]:
    async def main() -> list[bytes]:
        return [piece async for piece in blob.chunks(start, stop)]

    return asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, 65536, 3 * MIB + 17])
def test_what_was_put_is_found_under_its_digest(originals: Originals, size: int) -> None:
    content = os.urandom(size)
    stored = put(originals, content)
    git = hashlib.sha1(b"blob %d\0" % size + content).hexdigest()
    assert stored == Stored(sha256=hashlib.sha256(content).hexdigest(), git_sha1=git, size=size)
    blob = originals.open(stored.sha256)
    assert blob.size == size
    assert b"".join(collect(blob, 0, size)) == content
    assert blob.read(0, size) == content
    blob.close()


def test_any_span_can_be_read_and_pieces_stay_small(originals: Originals) -> None:
    content = os.urandom(5 * MIB // 2)
    blob = originals.open(put(originals, content).sha256)
    for start, stop in [(0, 1), (7, 7), (MIB - 1, MIB + 1), (100, len(content)), (len(content) - 1, len(content))]:
        pieces = collect(blob, start, stop)
        assert b"".join(pieces) == content[start:stop] == blob.read(start, stop)
        assert all(0 < len(piece) <= MIB for piece in pieces)
    blob.close()


def test_a_descriptor_where_there_is_one_holds_exactly_the_content(originals: Originals) -> None:
    content = os.urandom(1000)
    blob = originals.open(put(originals, content).sha256)
    fd = blob.fileno()
    assert fd is None or os.pread(fd, 2000, 0) == content
    blob.close()


def test_putting_again_changes_nothing(originals: Originals) -> None:
    first, second = put(originals, b"same"), put(originals, b"same")
    assert first == second
    assert list(originals.digests()) == [first.sha256]
    blob = originals.open(first.sha256)
    assert blob.read(0, 4) == b"same"
    blob.close()


def test_many_threads_may_put_the_same_and_other_contents(originals: Originals) -> None:
    contents = [b"%d" % (n % 7) for n in range(60)]
    with ThreadPoolExecutor(12) as threads:
        stored = list(threads.map(lambda content: put(originals, content), contents))
    assert [entry.sha256 for entry in stored] == [hashlib.sha256(content).hexdigest() for content in contents]
    assert sorted(originals.digests()) == sorted({entry.sha256 for entry in stored})


def test_progress_adds_up_to_the_size(originals: Originals) -> None:
    told: list[int] = []
    content = os.urandom(2 * MIB + 5)
    originals.put(io.BytesIO(content), len(content), told.append)
    assert sum(told) == len(content)


@pytest.mark.parametrize("announced", [3, 5])
def test_a_source_of_another_length_leaves_nothing(originals: Originals, announced: int) -> None:
    with pytest.raises(BlobMismatch):
        originals.put(io.BytesIO(b"four"), announced)
    assert list(originals.digests()) == []


def test_a_content_that_is_not_the_one_told_leaves_nothing(originals: Originals) -> None:
    kept = put(originals, b"kept")
    right = hashlib.sha256(b"told").hexdigest()
    with pytest.raises(BlobMismatch):
        originals.put(io.BytesIO(b"lies"), 4, sha256=right)
    assert list(originals.digests()) == [kept.sha256]
    with pytest.raises(BlobMismatch):
        originals.put(io.BytesIO(b"kept"), 4, sha256=right)
    assert originals.exists(kept.sha256), "what was there before under its own digest stays"
    assert originals.put(io.BytesIO(b"told"), 4, sha256=right).sha256 == right


def test_a_full_disk_is_called_so_and_leaves_nothing(originals: Originals) -> None:
    class NoRoom(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BlobsFull):
        originals.put(NoRoom(), 10)
    assert list(originals.digests()) == []


def test_a_source_that_fails_leaves_nothing(originals: Originals) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        originals.put(Broken(), 10)
    assert list(originals.digests()) == []


def test_what_is_deleted_is_gone_but_an_open_blob_is_not_torn(originals: Originals) -> None:
    kept, gone = put(originals, b"kept"), put(originals, b"gone")
    originals.delete(gone.sha256)
    originals.delete(gone.sha256)
    assert not originals.exists(gone.sha256)
    assert originals.exists(kept.sha256)
    assert list(originals.digests()) == [kept.sha256]
    with pytest.raises(BlobMissing):
        originals.open(gone.sha256)
    assert put(originals, b"gone") == gone
    assert originals.exists(gone.sha256)


@pytest.mark.parametrize(
    "name", ["", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0/" * 32, "\0" * 64, "..", "é" * 64, "0" * 64 + "\n"]
)
def test_a_name_that_is_no_digest_is_a_missing_blob(originals: Originals, name: str) -> None:
    put(originals, b"something")
    with pytest.raises(BlobMissing):
        originals.open(name)
    assert not originals.exists(name)
    originals.delete(name)
    assert len(list(originals.digests())) == 1


def test_an_unknown_digest_is_a_missing_blob(originals: Originals) -> None:
    assert not originals.exists("0" * 64)
    with pytest.raises(BlobMissing):
        originals.open("0" * 64)


@pytest.mark.parametrize("kind", ["tar", "zip", "stored zip"])
def test_pictures_inside_a_container_are_read_by_ranges_of_it(originals: Originals, kind: str) -> None:
    files = {f"{number:02}.jpg": os.urandom(20_000) for number in range(40)}
    content = io.BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=content, mode="w") as shard:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                shard.addfile(info, io.BytesIO(data))
    else:
        method = zipfile.ZIP_DEFLATED if kind == "zip" else zipfile.ZIP_STORED
        with zipfile.ZipFile(content, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    blob = originals.open(put(originals, content.getvalue()).sha256)
    found = []
    for picture in pictures_in(blob, 4, Limits(wall_s=60)):
        assert not isinstance(picture, Refused)
        found.append(picture if isinstance(picture, bytes) else picture.read(0, picture.size))
    blob.close()
    assert found == [files[f"{number:02}.jpg"] for number in (5, 15, 25, 35)]


def test_a_shard_of_stored_files_is_a_tar_that_any_program_reads(originals: Originals) -> None:
    # More than are read ahead at once, an empty one, and one that is read in pieces.
    contents = {f"{n:03}.bin": bytes([n % 251]) * (n * 37) for n in range(150)} | {"large.bin": os.urandom(3 << 20)}
    for content in contents.values():
        originals.put(io.BytesIO(content), len(content))
    members = [builders.item(path, content) for path, content in sorted(contents.items())]
    told: list[int] = []
    shard = make_shard(originals, "s.tar", Shard(slot=0, without=(), listed=True), members, told.append)
    assert sum(told) == shard.size
    with contextlib.closing(originals.open(shard.sha256)) as blob:
        data = blob.read(0, blob.size)
    assert hashlib.sha256(data).hexdigest() == shard.sha256
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: content.read() for member in tar if (content := tar.extractfile(member)) is not None}
    assert found == contents
    again = make_shard(originals, "s.tar", Shard(slot=0, without=(), listed=True), members, told.append)
    assert again == shard


def test_a_shard_that_lacks_a_file_leaves_nothing(originals: Originals) -> None:
    before = set(originals.digests())
    with pytest.raises(BlobMissing):
        make_shard(originals, "s.tar", Shard(slot=0, without=(), listed=True), [builders.item()], lambda _: None)
    assert set(originals.digests()) == before
