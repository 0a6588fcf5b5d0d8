"""Pictures inside a tar (WebDataset shards are such): from header to header, without reading what lies between.

Source: POSIX.1-2017 pax, "pax Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

from collections.abc import Iterator
from typing import NamedTuple

from faceguard.containers.base import MOST_ENTRIES, Evenly, Found, Part, fault, is_candidate
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Source

_BLOCK = 512
_AHEAD = 8 * _BLOCK  # headers of small files stand close together
_MOST_NOTE = 2**20  # bytes of a header that only extends the next one

_DIGITS = 20  # of a size in an extended header

_FILES = b"0\0007"
_EMPTY = b"123456"  # links, devices, folders: no bytes follow, whatever size they tell
_LONG_NAME, _PAX, _PAX_OLD = b"L", b"x", b"X"


class _Entry(NamedTuple):
    name: str
    start: int
    size: int


def pictures(source: Source, limit: int, most: int) -> Iterator[Found]:
    """At most ``limit`` pictures, evenly over the archive. most: bytes of one. Raises Unsafe(DAMAGED_ARCHIVE)."""
    candidates: Evenly[_Entry] = Evenly(limit)
    for entry in _entries(source):
        if is_candidate(entry.name):
            candidates.offer(entry)
    for entry in candidates.chosen():
        yield fault(entry.name, entry.size, most) or Part(entry.start, entry.start + entry.size)


def is_tar(head: bytes) -> bool:
    """Whether a file begins with a header that adds up, or is a tar with nothing in it."""
    try:
        _check(head[:_BLOCK])
    except Unsafe:
        return len(head) >= _BLOCK and not any(head[:_BLOCK])
    return True


def _entries(source: Source) -> Iterator[_Entry]:
    """Every plain file, in order. Raises Unsafe when a header does not add up or what it announces is not there."""
    window = _Window(source)
    at = headers = 0
    longer: dict[str, str] = {}  # what the headers before say about the next entry
    while at + _BLOCK <= source.size and headers < MOST_ENTRIES:
        header = window.read(at, _BLOCK)
        if not any(header):
            return
        _check(header)
        headers += 1
        kind = header[156:157]
        size = int(longer["size"]) if "size" in longer else _number(header[124:136])
        start = at + _BLOCK
        at = start if kind in _EMPTY else start + -(-size // _BLOCK) * _BLOCK
        if kind not in _EMPTY and start + size > source.size:
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        if kind == _LONG_NAME:
            longer["path"] = _text(_note(source, start, size))
        elif kind in (_PAX, _PAX_OLD):
            longer |= _records(_note(source, start, size))
        elif kind in _FILES and not any(key.startswith("GNU.sparse") for key in longer):
            yield _Entry(longer.get("path") or _name(header), start, size)
        if kind not in (_LONG_NAME, _PAX, _PAX_OLD, b"K", b"g"):
            longer = {}
    if headers < MOST_ENTRIES and at != source.size:  # cut short; an archive that lacks but its last zeros is taken
        raise Unsafe(Why.DAMAGED_ARCHIVE)


class _Window:
    """The bytes around the header that was read last, so that neighbours need no request of their own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = 0
        self._bytes = b""

    def read(self, start: int, count: int) -> bytes:
        if not self._start <= start <= self._start + len(self._bytes) - count:
            self._bytes = self._source.read(start, min(start + _AHEAD, self._source.size))
            self._start = start
        return self._bytes[start - self._start :][:count]


def _check(header: bytes) -> None:
    """The header's sum, with the field that holds it counted as blanks."""
    if len(header) < _BLOCK or _number(header[148:156]) != sum(header[:148]) + sum(header[156:]) + 8 * 0x20:
        raise Unsafe(Why.DAMAGED_ARCHIVE)


def _number(field: bytes) -> int:
    """Octal digits, or GNU's binary for what is too large for them."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    digits = field.split(b"\0")[0].strip()
    if not set(digits) <= set(b"01234567"):
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{_text(header[:100])}" if prefix else _text(header[:100])


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def _note(source: Source, start: int, size: int) -> bytes:
    if size > _MOST_NOTE:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    return source.read(start, start + size)


def _records(note: bytes) -> dict[str, str]:
    """The records ``length key=value`` of an extended header; of interest are the path and the size."""
    found: dict[str, str] = {}
    while note.strip(b"\0"):
        digits, _, _ = note.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = note[len(digits) + 1 : length - 1].partition(b"=")
        if not digits or length > len(note) or not equals or note[length - 1 : length] != b"\n":
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        note = note[length:]
    size = found.get("size", "0")
    if not size.isdecimal() or len(size) > _DIGITS:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    return found


def rehearse() -> None:
    """Everything that is used is loaded already."""
