"""Parts written at their places, in any order and as often as they come; what nobody goes on with is forgotten."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.blobs.base import BlobMismatch, BlobsFull
from gateway.uploads.staging import KEPT_S, Staging

NAME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path / "uploads", free=0)


@settings(max_examples=30)
@given(data=st.binary(min_size=1, max_size=200), part=st.integers(1, 64), order=st.randoms(use_true_random=False))
def test_parts_come_in_any_order_and_again(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, part: int, order: object
) -> None:
    staging = Staging(tmp_path_factory.mktemp("uploads"), free=0)
    starts = list(range(0, len(data), part)) * 2
    order.shuffle(starts)  # type: ignore[attr-defined]
    for start in starts:
        piece = data[start : start + part]
        staging.write(NAME, start, len(piece), io.BytesIO(piece))
    with staging.open(NAME) as whole:
        assert whole.read() == data


@pytest.mark.parametrize("sent", [b"", b"thre", b"three!"])
def test_a_part_of_another_length_is_refused(staging: Staging, sent: bytes) -> None:
    with pytest.raises(BlobMismatch):
        staging.write(NAME, 0, 5, io.BytesIO(sent))


def test_without_a_part_there_is_nothing(staging: Staging) -> None:
    with pytest.raises(BlobMismatch):
        staging.open(NAME)
    staging.drop(NAME)


def test_a_disk_keeps_its_reserve(tmp_path: Path) -> None:
    Staging(tmp_path, free=0).need_room(1)
    with pytest.raises(BlobsFull):
        Staging(tmp_path, free=2**60).need_room(1)
    with pytest.raises(BlobsFull):
        Staging(tmp_path, free=0).need_room(2**60)


def test_what_nobody_goes_on_with_is_forgotten(staging: Staging, tmp_path: Path) -> None:
    for name in (NAME, OTHER):
        staging.write(name, 0, 1, io.BytesIO(b"x"))
    old = time.time() - KEPT_S - 60
    os.utime(tmp_path / "uploads" / NAME, (old, old))
    staging.sweep()
    assert [file.name for file in (tmp_path / "uploads").iterdir()] == [OTHER]


def test_a_link_in_the_place_of_a_part_is_not_followed(staging: Staging, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "uploads" / NAME).symlink_to(outside)
    with pytest.raises(OSError, match="symbolic links"):
        staging.write(NAME, 0, 1, io.BytesIO(b"x"))
    assert outside.read_bytes() == b"mine"
