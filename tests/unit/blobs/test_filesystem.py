"""What the folder driver promises beyond the contract: links, leftovers, durability, previews."""

import fcntl
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.blobs.base import BlobMissing, BlobsUnavailable
from gateway.blobs.filesystem import FileOriginals, FilePreviews

SHA_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def put(store: FileOriginals, content: bytes) -> str:
    return store.put(io.BytesIO(content), len(content)).sha256


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "originals"


def place(root: Path, sha256: str) -> Path:
    return root / sha256[:2] / sha256[2:4] / sha256[4:]


def test_a_file_in_the_place_of_a_blob_that_is_a_link_is_an_error(root: Path, tmp_path: Path) -> None:
    store = FileOriginals(root)
    sha256 = put(store, b"x")
    assert sha256 == SHA_OF_X
    secret = tmp_path / "secret"
    secret.write_text("secret")
    place(root, sha256).unlink()
    place(root, sha256).symlink_to(secret)
    with pytest.raises(BlobsUnavailable):
        store.open(sha256)
    store.close()


@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_that_was_swapped_for_a_link_is_an_error(root: Path, tmp_path: Path, depth: int) -> None:
    store = FileOriginals(root)
    sha256 = put(store, b"x")
    folder = place(root, sha256).parents[depth]
    moved = tmp_path / "moved"
    folder.rename(moved)
    folder.symlink_to(moved)
    with pytest.raises(BlobsUnavailable):
        store.open(sha256)
    with pytest.raises(OSError):
        put(store, b"x")
    store.close()


def test_leftovers_of_a_crash_are_swept_and_work_in_progress_is_not(root: Path) -> None:
    FileOriginals(root).close()
    left = root / "incoming" / "left"
    left.write_bytes(b"half")
    busy = root / "incoming" / "busy"
    with busy.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        FileOriginals(root).close()
        assert not left.exists()
        assert busy.exists()


def test_nothing_is_left_in_incoming(root: Path) -> None:
    store = FileOriginals(root)
    put(store, b"x")
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        store.put(closed, 5)
    assert os.listdir(root / "incoming") == []
    store.close()


def test_strange_files_in_the_folder_are_not_digests(root: Path) -> None:
    store = FileOriginals(root)
    sha256 = put(store, b"x")
    (root / "lost+found").mkdir()
    (root / "zz").mkdir()
    place(root, sha256).with_name("README").write_text("hello")
    assert list(store.digests()) == [sha256]
    store.close()


def test_an_open_blob_stays_readable_after_its_deletion(root: Path) -> None:
    store = FileOriginals(root)
    sha256 = put(store, b"still here")
    blob = store.open(sha256)
    store.delete(sha256)
    assert blob.read(0, 10) == b"still here"
    blob.close()
    blob.close()
    store.close()


def test_a_blob_that_was_cut_short_never_reads_as_whole(root: Path) -> None:
    store = FileOriginals(root)
    sha256 = put(store, b"0123456789")
    blob = store.open(sha256)
    place(root, sha256).chmod(0o600)
    os.truncate(place(root, sha256), 4)
    with pytest.raises(BlobsUnavailable):
        blob.read(0, 10)
    blob.close()
    store.close()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_content_and_folder_are_synced_before_put_returns(root: Path, tmp_path: Path) -> None:
    program = """
import io, os, sys
from pathlib import Path
from gateway.blobs.filesystem import FileOriginals
store = FileOriginals(Path(sys.argv[1]))
os.access("/begin", 0)
store.put(io.BytesIO(b"x"), 1)
os.access("/end", 0)
"""
    log = tmp_path / "log"
    command = ["strace", "-f", "-y", "-e", "trace=access,faccessat,faccessat2,fsync,rename,renameat,renameat2,write"]
    subprocess.run([*command, "-o", str(log), sys.executable, "-c", program, str(root)], check=True)
    lines = log.read_text().splitlines()
    begin, end = (next(n for n, line in enumerate(lines) if f'"/{mark}"' in line) for mark in ("begin", "end"))
    calls = [line for line in lines[begin:end] if str(root) in line]
    written = next(n for n, line in enumerate(calls) if "write(" in line)
    renamed = next(n for n, line in enumerate(calls) if "rename" in line)
    synced = [n for n, line in enumerate(calls) if "fsync(" in line]
    assert any(written < n < renamed and "/incoming/" in calls[n] for n in synced)
    folder = str(place(root, SHA_OF_X).parent)
    assert any(n > renamed and f"<{folder}>" in calls[n] for n in synced)


def test_previews_live_apart_and_are_found_by_their_digest(tmp_path: Path) -> None:
    previews = FilePreviews(tmp_path / "previews")
    sha256 = previews.put(b"a blurred picture")
    assert previews.put(b"a blurred picture") == sha256
    assert previews.get(sha256) == b"a blurred picture"
    previews.delete(sha256)
    previews.delete(sha256)
    for missing in (sha256, "../originals"):
        with pytest.raises(BlobMissing):
            previews.get(missing)
    previews.close()
    previews.close()
