"""How pictures are changed at random: the same edits for the suite's fuzz test and for the long run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from PIL import Image

from tests.fault import hostile
from tests.fault.hostile import saved, small

STRIKING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Edit(NamedTuple):
    """kind: an index into KINDS, in any range. at, to: places in 2**16ths of the picture. value: as the kind needs."""

    kind: int
    at: int
    to: int
    value: int


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The picture after all edits, in order."""
    for edit in edits:
        if not data:
            break
        start = edit.at * len(data) >> 16
        data = KINDS[edit.kind % len(KINDS)](data, start, edit.to * len(data) >> 16, edit.value)
    return data[:MOST]


def _flip(data: bytes, at: int, to: int, value: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << value % 8]) + data[at + 1 :]


def _set(data: bytes, at: int, to: int, value: int) -> bytes:
    return data[:at] + bytes([value % 256]) + data[at + 1 :]


def _number(data: bytes, at: int, to: int, value: int) -> bytes:
    width = (1, 2, 4)[value % 3]
    striking = STRIKING[value // 3 % len(STRIKING)] % 256**width
    order = "big" if value % 2 else "little"
    return data[:at] + striking.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def _cut(data: bytes, at: int, to: int, value: int) -> bytes:
    return data[: max(1, at)]


def _remove(data: bytes, at: int, to: int, value: int) -> bytes:
    return data[: min(at, to)] + data[max(at, to) :]


def _repeat(data: bytes, at: int, to: int, value: int) -> bytes:
    low, high = min(at, to), max(at, to)
    return data[:high] + data[low:high] * (1 + value % 50) + data[high:]


def _move(data: bytes, at: int, to: int, value: int) -> bytes:
    part = data[at : at + 1 + value % 64]
    return data[:to] + part + data[to:]


def _graft(data: bytes, at: int, to: int, value: int) -> bytes:
    other = originals()[value % len(originals())]
    return data[:at] + other[to % len(other) :]


KINDS: tuple[Callable[[bytes, int, int, int], bytes], ...] = (
    _flip, _set, _number, _cut, _remove, _repeat, _move, _graft,
)  # fmt: skip
MOST = 2**20


@cache
def originals() -> tuple[bytes, ...]:
    """Small pictures of every format and several kinds of pixels, and those of the tricks that are short."""
    image = Image.effect_mandelbrot((48, 40), (-2, -1, 1, 1), 20)
    colour = Image.merge("RGB", (image, image.rotate(90), image.rotate(180)))
    made = [small(kind) for kind in hostile.FORMATS]
    made += [
        saved(colour, "JPEG", progressive=True, comment=b"a comment"),
        saved(colour.convert("CMYK"), "JPEG"),
        saved(colour, "MPO", save_all=True, append_images=[image]),
        saved(colour.quantize(8), "PNG", transparency=1),
        saved(image.convert("I;16"), "PNG"),
        saved(colour.convert("RGBA"), "PNG", save_all=True, append_images=[colour.rotate(9).convert("RGBA")]),
        saved(colour.quantize(8), "GIF", save_all=True, append_images=[image.rotate(9)], loop=0),
        saved(colour, "TIFF", compression="tiff_lzw"),
        saved(image.convert("1"), "TIFF", compression="group4"),
        saved(colour.convert("LAB"), "TIFF"),
        saved(colour, "TIFF", save_all=True, append_images=[colour.rotate(9)]),
        saved(colour.convert("RGBA"), "WEBP", lossless=True),
        saved(colour, "WEBP", save_all=True, append_images=[colour.rotate(9)]),
        saved(image.convert("L"), "BMP"),
        saved(colour.convert("RGBA"), "AVIF", save_all=True, append_images=[colour.convert("RGBA")]),
    ]
    return (*made, *(trick.data for trick in hostile.tricks() if 0 < len(trick.data) < 3000))
