"""Sources that remember what was read of them, and pictures small enough to tell apart by their bytes."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from faceguard.containers.base import Found, Part
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Held


class Watched(Held):
    """A source that counts the bytes and the ranges that were read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data
        self.ranges = 0
        self.bytes = 0

    def read(self, start: int, stop: int) -> bytes:
        self.ranges += 1
        self.bytes += stop - start
        return super().read(start, stop)


def numbered(number: int, kind: str = "PNG") -> bytes:
    """A picture that no other number gives."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256, 77)).save(buffer, kind)
    return buffer.getvalue()


def taken(reader: Callable[..., object], data: bytes, limit: int = 8, most: int = 2**20) -> list[bytes | Why]:
    """What a reader gives, with parts as the bytes that stand there; a refusal of the whole comes last."""
    found: list[bytes | Why] = []
    try:
        for one in reader(Held(data), limit, most):  # type: ignore[attr-defined]
            found.append(_bytes(one, data))
    except Unsafe as refusal:
        found.append(refusal.why)
    return found


def _bytes(one: Found, data: bytes) -> bytes | Why:
    return data[one.start : one.stop] if isinstance(one, Part) else one


@pytest.fixture
def watched() -> type[Watched]:
    return Watched


@pytest.fixture
def picture() -> Callable[..., bytes]:
    return numbered


@pytest.fixture
def take() -> Callable[..., list[bytes | Why]]:
    return taken
