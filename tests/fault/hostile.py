"""Pictures made to harm whoever opens them: bombs, lies about sizes, loops, half files, flipped bits.

All are made here, none is larger than a few megabytes, and each says what may come of it.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from faceguard.result import NOT_THE_PICTURE, Why

SHOWN = None
"""Among what may come of a picture: a preview of it."""

DAMAGED = {Why.UNREADABLE, Why.TRUNCATED}
UNKNOWN = {Why.UNSUPPORTED_FORMAT, *DAMAGED}
HUGE = {Why.TOO_MANY_PIXELS}
COSTLY = set(NOT_THE_PICTURE - {Why.NOT_INSTALLED, Why.NO_DETECTOR, Why.UNCONFINED})
ANYTHING = {SHOWN, *Why} - {Why.NO_DETECTOR, Why.UNCONFINED, Why.CLASS_MINOR, Why.CRASHED}

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


class Hostile(NamedTuple):
    """A picture, and what may come of it: reasons of refusal, and SHOWN where it is harmless after all."""

    name: str
    data: bytes
    allowed: set[Why | None]


def bombs() -> Iterator[Hostile]:
    """One of each trick."""
    yield from tricks()
    yield from _large()


def tricks() -> Iterator[Hostile]:
    """Those that are made in no time."""
    for made in (_pngs, _gifs, _tiffs, _bmps, _webps, _avifs, _jpegs, _strangers):
        yield from made()


def cut(steps: int = 25) -> Iterator[Hostile]:
    """A small picture of each format, ending after every n-th part of it."""
    for kind in FORMATS:
        whole = small(kind)
        for step in range(steps):
            at = len(whole) * step // steps
            yield Hostile(f"{kind.lower()}-cut-{at}", whole[:at], {SHOWN, *UNKNOWN})


def flipped(each: int = 25, seed: int = 1) -> Iterator[Hostile]:
    """A small picture of each format with a few bits turned over."""
    chance = random.Random(seed)
    for kind in FORMATS:
        for number in range(each):
            data = bytearray(small(kind))
            for _ in range(chance.choice((1, 1, 2, 5, 20))):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield Hostile(f"{kind.lower()}-flipped-{number}", bytes(data), ANYTHING)


def wrong_heads() -> Iterator[Hostile]:
    """The first bytes of one format before the body of another."""
    for kind in FORMATS:
        for other in FORMATS:
            if kind != other:
                data = small(kind)[:16] + small(other)[16:]
                yield Hostile(f"{kind.lower()}-head-{other.lower()}-body", data, {SHOWN, *UNKNOWN, *HUGE})


@cache
def small(kind: str) -> bytes:
    """A picture of 48 x 40 pixels with all that the format can carry; so small that it is covered whole, in no time."""
    rng = np.random.default_rng(7)
    image = Image.fromarray(rng.integers(0, 255, (40, 48, 3), np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    carried = {"icc_profile": profile, "exif": exif} if kind not in {"GIF", "BMP"} else {}
    return saved(image, kind, **carried)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _packed(body: bytes | Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9)
    pieces = [body] if isinstance(body, bytes) else body
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def _zeros(count: int) -> bytes:
    """That many zeros, packed."""
    return _packed(bytes(min(2**20, count - at)) for at in range(0, count, 2**20))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def _png(width: int, height: int, *chunks: bytes, colour: int = 2, depth: int = 8, laced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, laced)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def _pngs() -> Iterator[Hostile]:
    row = _chunk(b"IDAT", _zeros(40 * (48 * 3 + 1)))
    yield Hostile("png-largest", _png(2**31 - 1, 2**31 - 1, row), HUGE | DAMAGED)
    yield Hostile("png-no-size", _png(0, 0, row), DAMAGED)
    long = b"\x7f\xff\xff\xffIDAT"
    yield Hostile("png-endless-chunk", _png(48, 40)[:33] + long, DAMAGED)
    frames = _chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield Hostile("png-endless-frames", _png(48, 40, frames, row), {SHOWN, *DAMAGED})
    yield Hostile("png-palette-missing", _png(48, 40, row, colour=3), {SHOWN, *DAMAGED})


def _gif(width: int, height: int, *blocks: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"".join(blocks) + b";"


def _gif_frame(left: int, top: int, width: int, height: int, data: bytes = b"\x02\x02\x44\x01\x00") -> bytes:
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + data


def _gifs() -> Iterator[Hostile]:
    one = _gif_frame(0, 0, 1, 1)
    yield Hostile("gif-canvas", _gif(65_535, 65_535, one), HUGE)
    yield Hostile("gif-100000-frames", _gif(1, 1, one * 100_000), {SHOWN, *DAMAGED})
    yield Hostile("gif-64-megapixels", _gif(8000, 8000, _gif_frame(0, 0, 8000, 8000)), {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile("gif-frame-outside", _gif(48, 40, _gif_frame(60_000, 60_000, 9, 9)), {SHOWN, *DAMAGED, *HUGE})
    yield Hostile("gif-frame-larger", _gif(48, 40, _gif_frame(0, 0, 65_535, 65_535)), {SHOWN, *DAMAGED, *HUGE, *COSTLY})
    comment = b"!\xfe" + (b"\xff" + bytes(255)) * 10_000 + b"\0"
    yield Hostile("gif-long-comment", _gif(48, 40, comment, _gif_frame(0, 0, 48, 40)), {SHOWN, *DAMAGED})
    yield Hostile("gif-no-frames", _gif(48, 40), DAMAGED)


def _directory(tags: list[tuple[int, int, int, int]], following: int) -> bytes:
    """A directory of a TIFF: (tag, type, count, value) each, and the place of the next one."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


def _tiff(width: int = 48, height: int = 40, *more: tuple[int, int, int, int], following: int = 0) -> bytes:
    """Grey, one strip right behind the directory."""
    tags = {
        0x100: (4, 1, width), 0x101: (4, 1, height), 0x102: (3, 1, 8), 0x103: (3, 1, 1), 0x106: (3, 1, 1),
        0x111: (4, 1, 4096), 0x115: (3, 1, 1), 0x116: (4, 1, height), 0x117: (4, 1, 48 * 40),
    }  # fmt: skip
    tags.update({tag: (kind, count, value) for tag, kind, count, value in more})
    head = b"II*\0" + struct.pack("<I", 8)
    directory = _directory([(tag, *rest) for tag, rest in tags.items()], following)
    return (head + directory).ljust(4096, b"\0") + bytes(48 * 40)


def _tiffs() -> Iterator[Hostile]:
    yield Hostile("tiff-bomb", _tiff(60_000, 60_000), HUGE)
    yield Hostile("tiff-loop", _tiff(following=8), {SHOWN, *DAMAGED})
    at, chain = 8, b""
    for _ in range(20_000):
        at += 18
        chain += _directory([(0x100, 4, 1, 48)], at)
    yield Hostile("tiff-deep-chain", b"II*\0" + struct.pack("<I", 8) + chain, DAMAGED)
    yield Hostile("tiff-count", _tiff(48, 40, (0x111, 4, 2**32 - 1, 8)), {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile("tiff-text", _tiff(48, 40, (0x10E, 2, 2**31, 8)), {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile("tiff-strip-beyond", _tiff(48, 40, (0x111, 4, 1, 2**31)), DAMAGED | {SHOWN})
    yield Hostile("tiff-tile", _tiff(48, 40, (0x142, 4, 1, 2**31), (0x143, 4, 1, 2**31)), {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile("tiff-child-loop", _tiff(48, 40, (0x14A, 4, 1, 8), (0x8769, 4, 1, 8)), {SHOWN, *DAMAGED})
    yield Hostile("tiff-samples", _tiff(48, 40, (0x115, 3, 1, 65_535)), DAMAGED)
    yield Hostile(
        "tiff-big-loop", b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 0) + struct.pack("<Q", 16), DAMAGED | UNKNOWN
    )


def _bmp(width: int, height: int, depth: int = 24, packing: int = 0, body: bytes = b"") -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, packing, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + head + body


def _bmps() -> Iterator[Hostile]:
    yield Hostile("bmp-bomb", _bmp(60_000, 60_000), HUGE)
    yield Hostile("bmp-negative", _bmp(-48, -(2**31)), DAMAGED | HUGE)
    yield Hostile("bmp-short", _bmp(7800, 7700, body=bytes(100)), DAMAGED | COSTLY)
    yield Hostile("bmp-runs", _bmp(7800, 7700, 8, 1, bytes(1024) + b"\xff\x01" * 300_000), {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile(
        "bmp-jumps", _bmp(48, 40, 8, 1, bytes(1024) + b"\0\x02\xff\xff" * 200_000), {SHOWN, *DAMAGED, *COSTLY}
    )


def _webps() -> Iterator[Hostile]:
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff" * 6
    body = canvas + small("WEBP")[12:]
    yield Hostile("webp-canvas", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body, HUGE | DAMAGED)
    frames = [Image.new("RGB", (16, 16), (n, n, n)) for n in range(200)]
    moving = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, method=0)
    at = moving.index(b"ANMF")
    yield Hostile("webp-many-frames", moving[:at] + moving[at:] * 20, {SHOWN, *DAMAGED})
    yield Hostile("webp-size", small("WEBP")[:4] + b"\xff\xff\xff\xff" + small("WEBP")[8:], {SHOWN, *DAMAGED})


def _avifs() -> Iterator[Hostile]:
    whole = small("AVIF")
    at = whole.index(b"ispe") + 8
    for name, size in (("largest", 2**32 - 1), ("bomb", 60_000), ("lie", 400)):
        lie = whole[:at] + struct.pack(">II", size, size) + whole[at + 8 :]
        yield Hostile(f"avif-{name}", lie, {SHOWN, *HUGE, *DAMAGED, *COSTLY})
    yield Hostile("avif-junk", whole[:32] + random.Random(3).randbytes(20_000), DAMAGED)
    deep = b"".join(struct.pack(">I", 8 * (2000 - n)) + b"meta" for n in range(2000))
    yield Hostile("avif-deep-boxes", whole[:32] + deep, DAMAGED)


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2) + body


def _resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its frame header."""
    at = next(jpeg.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in jpeg) + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _jpegs() -> Iterator[Hostile]:
    whole = small("JPEG")
    yield Hostile("jpeg-bomb", _resized(whole, 65_500, 65_500), HUGE)
    yield Hostile("jpeg-lie", _resized(whole, 8000, 7900), {SHOWN, *DAMAGED, *COSTLY})
    profile = b"".join(_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 255]) + bytes(65_000)) for n in range(1, 256))
    yield Hostile("jpeg-profile-bomb", whole[:2] + profile + whole[2:], {SHOWN, *DAMAGED, *COSTLY})
    yield Hostile("jpeg-profile-lie", _with_profile(_lying_profile()), {SHOWN, *DAMAGED, *COSTLY})
    tags = [(0x100 + n, 4, 2**30, 8) for n in range(4000)]
    exif = b"Exif\0\0II*\0\x08\0\0\0" + _directory(tags, 8)
    yield Hostile("jpeg-exif-loop", whole[:2] + _segment(0xE1, exif) + whole[2:], {SHOWN, *DAMAGED})
    pictures = b"MPF\0II*\0\x08\0\0\0" + _directory([(0xB000, 7, 4, 0x30303130), (0xB001, 4, 1, 2**32 - 1)], 0)
    yield Hostile("jpeg-many-pictures", whole[:2] + _segment(0xE2, pictures) + whole[2:], {SHOWN, *DAMAGED})
    fill = whole[:2] + _segment(0xEF, bytes(65_000)) * 200 + b"\xff" * 1_000_000 + whole[2:]
    yield Hostile("jpeg-filled", fill, {SHOWN, *DAMAGED})


def _with_profile(profile: bytes) -> bytes:
    return saved(Image.new("RGB", (48, 40)), "JPEG", icc_profile=profile)


def _lying_profile() -> bytes:
    """A profile whose tags all claim to be four gigabytes, at places outside."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    for tag in range(count):
        at = 132 + 12 * tag
        profile[at + 4 : at + 12] = struct.pack(">II", 2**31 + tag, 2**32 - 1)
    return bytes(profile)


def _strangers() -> Iterator[Hostile]:
    jpeg = small("JPEG")
    yield Hostile("empty", b"", {Why.UNSUPPORTED_FORMAT})
    yield Hostile("one-byte", b"\xff", {Why.UNSUPPORTED_FORMAT})
    yield Hostile("noise", random.Random(5).randbytes(500_000), {Why.UNSUPPORTED_FORMAT})
    yield Hostile("page", b"<html><script>while(1);</script>" * 100, {Why.UNSUPPORTED_FORMAT})
    yield Hostile("drawing", b"<svg><image href='http://127.0.0.1/'/></svg>", {Why.DOCUMENT})
    yield Hostile("picture-and-archive", jpeg + b"PK\x03\x04" + bytes(1000), {SHOWN})
    yield Hostile("picture-and-script", b"GIF89a=1;/*" + jpeg, DAMAGED | HUGE)


def _large() -> Iterator[Hostile]:
    """Those that take seconds to make: short files, much behind them."""
    row = _chunk(b"IDAT", _zeros(40 * (48 * 3 + 1)))
    yield Hostile("png-bomb", _png(50_000, 50_000, _chunk(b"IDAT", _zeros(2**26))), HUGE)
    flat = _chunk(b"IDAT", _zeros(7700 * (7800 * 3 + 1)))
    yield Hostile("png-60-megapixels", _png(7800, 7700, flat), {SHOWN, *COSTLY})
    deep = _chunk(b"IDAT", _zeros(7700 * (7800 * 8 + 1)))
    yield Hostile("png-60-megapixels-of-8-bytes", _png(7800, 7700, deep, colour=6, depth=16), {SHOWN, *COSTLY})
    yield Hostile("png-laced", _png(7800, 7700, flat, laced=1), {SHOWN, *DAMAGED, *COSTLY})
    text = _chunk(b"zTXt", b"Comment\0\0" + _zeros(2**28))
    yield Hostile("png-text-bomb", _png(48, 40, text, row), {SHOWN, *DAMAGED})
    many = b"".join(_chunk(b"zTXt", b"Comment%d\0\0" % n + _zeros(2**20 - 1)) for n in range(200))
    yield Hostile("png-many-texts", _png(48, 40, many, row), {SHOWN, *DAMAGED})
    profile = _chunk(b"iCCP", b"icc\0\0" + _zeros(2**28))
    yield Hostile("png-profile-bomb", _png(48, 40, profile, row), {SHOWN, *DAMAGED})
    yield Hostile("png-million-chunks", _png(48, 40, _chunk(b"puLl", b"") * 300_000, row), {SHOWN, *DAMAGED})
    flat = saved(Image.new("RGB", (7800, 7700)), "TIFF", compression="tiff_adobe_deflate")
    yield Hostile("tiff-60-megapixels", flat, {SHOWN, *COSTLY})
    flat = saved(Image.new("RGB", (16_000, 3_900)), "WEBP", lossless=True, method=0)
    yield Hostile("webp-62-megapixels", flat, {SHOWN, *COSTLY})
    flat = saved(Image.new("RGB", (8000, 7900)), "AVIF", speed=10)
    yield Hostile("avif-63-megapixels", flat, {SHOWN, *COSTLY})
    grey = Image.new("L", (3000, 3000), 90)
    slow = saved(grey, "JPEG", progressive=True)
    last = slow.rindex(b"\xff\xda")
    scan = slow[last:-2]
    yield Hostile("jpeg-scans", slow[:last] + scan * 20_000 + slow[-2:], {SHOWN, *DAMAGED, *COSTLY})
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(gzip.compress(bytes(2**20)) for _ in range(1000)) + gzip.flush()
    yield Hostile("gzip-bomb", bomb, {Why.UNSUPPORTED_FORMAT})
