"""What a file is, told from its first bytes alone: its name may say anything.

Only one decoder is then asked, so a file cannot choose among them; and what may never be shown is refused by its kind.
"""

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from faceguard.errors import Unsafe
from faceguard.result import Why

_HEAD = 4096  # bytes in which every mark below must stand


class _Mark(NamedTuple):
    at: int
    magic: bytes
    kind: str | Why


# Pillow's name of the decoder, or the reason why none is asked. The first mark that fits decides.
_MARKS = (
    _Mark(128, b"DICM", Why.MEDICAL_SCAN),  # first of all: such a file may pretend to be a TIFF
    _Mark(344, b"n+1\0", Why.MEDICAL_SCAN),
    _Mark(344, b"ni1\0", Why.MEDICAL_SCAN),
    _Mark(4, b"n+2\0", Why.MEDICAL_SCAN),
    _Mark(4, b"ni2\0", Why.MEDICAL_SCAN),
    _Mark(0, b"\xff\xd8\xff", "JPEG"),
    _Mark(0, b"\x89PNG\r\n\x1a\n", "PNG"),
    _Mark(0, b"GIF87a", "GIF"),
    _Mark(0, b"GIF89a", "GIF"),
    _Mark(8, b"WEBP", "WEBP"),
    _Mark(8, b"CR", Why.CAMERA_RAW),  # Canon's TIFF
    _Mark(0, b"II*\0", "TIFF"),
    _Mark(0, b"MM\0*", "TIFF"),
    _Mark(0, b"II+\0", "TIFF"),
    _Mark(0, b"MM\0+", "TIFF"),
    _Mark(4, b"ftypcrx ", Why.CAMERA_RAW),
    _Mark(0, b"FUJIFILMCCD-RAW", Why.CAMERA_RAW),
    _Mark(0, b"IIRO", Why.CAMERA_RAW),
    _Mark(0, b"IIRS", Why.CAMERA_RAW),
    _Mark(0, b"MMOR", Why.CAMERA_RAW),
    _Mark(0, b"IIU\0", Why.CAMERA_RAW),
    _Mark(0, b"FOVb", Why.CAMERA_RAW),
    _Mark(0, b"\0MRM", Why.CAMERA_RAW),
    _Mark(0, b"8BPS", Why.DOCUMENT),
    _Mark(0, b"BM", "BMP"),
)

_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}

_OTHER_BRANDS = {b"crx ", b"mif1", b"msf1", b"jxl ", b"jp2 ", b"M4A ", b"M4B ", b"M4P "}  # no films

# TIFF tags that a camera's raw file has and a finished picture has not.
_DNG_VERSION, _COLOUR_FILTERS, _SUBFILE, _CHILDREN, _PHOTOMETRIC = 0xC612, 0x828D, 0xFE, 0x14A, 0x106
_MOSAIC = {32803, 34892}  # colour filter array, linear raw


def decoder_for(data: bytes) -> str:
    """Pillow's name of the one decoder that may look at the file. Raises Unsafe for every kind that has none."""
    head = data[:_HEAD]
    for at, magic, kind in _MARKS:
        if head[at : at + len(magic)] == magic:
            if isinstance(kind, Why):
                raise Unsafe(kind)
            return kind
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[:2] == b"\x1f\x8b":
        head = _unpacked(head)
        if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
            raise Unsafe(Why.MEDICAL_SCAN)
    if b"%PDF-" in head[:1024] or (head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<svg" in head.lower()):
        raise Unsafe(Why.DOCUMENT)
    raise Unsafe(Why.UNSUPPORTED_FORMAT)


def is_film(head: bytes) -> bool:
    """Whether a file that begins so is a film that is read: MP4 and QuickTime, Matroska and WebM, AVI, MPEG."""
    if head[4:8] == b"ftyp":
        try:
            _of_brands(head)
        except Unsafe:
            return head[8:12] not in _OTHER_BRANDS
        return False
    old_quicktime = head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") and head[:1] == b"\0"
    avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return old_quicktime or avi or head[:4] in (b"\x1a\x45\xdf\xa3", b"\0\0\x01\xba")


def is_raw(tags: Mapping[int, Any]) -> bool:
    """Whether the first directory of a TIFF says that it is a camera's raw file, whose first picture is a thumbnail."""
    thumbnail = bool(int(tags.get(_SUBFILE, 0)) & 1) and _CHILDREN in tags
    mosaic = _COLOUR_FILTERS in tags or tags.get(_PHOTOMETRIC) in _MOSAIC
    return _DNG_VERSION in tags or thumbnail or mosaic


def _of_brands(head: bytes) -> str:
    """The decoder for an ISO media file, by its major brand and then by the brands it is compatible with."""
    length = min(int.from_bytes(head[:4]), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    for brand in brands:
        if brand in _AVIF:
            return "AVIF"
        if brand in _HEIF:
            return "HEIF"
    raise Unsafe(Why.UNSUPPORTED_FORMAT)


def _unpacked(head: bytes) -> bytes:
    """The beginning of what a gzip file holds, as far as it can be read."""
    try:
        return zlib.decompressobj(31).decompress(head, _HEAD)
    except zlib.error:
        return b""
