"""Pictures inside a zip: its directory by one range, then each chosen entry by its own.

Whatever the directory and the entries do not say alike is refused: two readers that see two archives are how things are
smuggled. Source: PKWARE APPNOTE.TXT 6.3.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from faceguard.containers.base import MOST_ENTRIES, MOST_LOOSE, Evenly, Found, Part, fault, is_candidate
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Source

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

_WINDOW = 2**20
_LONGEST = _CENTRAL.size + 3 * 0xFFFF  # header of an entry
_ABSENT_16, _ABSENT_32 = 0xFFFF, 0xFFFFFFFF  # "see the 64-bit field"
_ENCRYPTED, _UTF8 = 0x2041, 0x800
_STORED, _DEFLATED, _AES = 0, 8, 99
_UNIX = 3


class _Directory(NamedTuple):
    start: int
    stop: int
    entries: int


class _Entry(NamedTuple):
    name: bytes
    text: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int
    link: bool


def pictures(source: Source, limit: int, most: int) -> Iterator[Found]:
    """At most ``limit`` pictures, evenly over the directory. most: bytes of one. Raises Unsafe(DAMAGED_ARCHIVE)."""
    directory = _directory(source)
    candidates: Evenly[_Entry] = Evenly(limit)
    taken = 0
    for entry in _entries(source, directory):
        taken += _LOCAL.size + entry.packed
        if taken > directory.start:  # entries that share bytes: how a small file holds petabytes
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        if is_candidate(entry.text) and not entry.link:
            candidates.offer(entry)
    for entry in candidates.chosen():
        yield _fault(entry, most) or _picture(source, entry, directory.start)


def _fault(entry: _Entry, most: int) -> Why | None:
    if entry.flags & _ENCRYPTED or entry.method == _AES:
        return Why.ENCRYPTED
    if entry.method not in (_STORED, _DEFLATED):
        return Why.UNSUPPORTED_PACKING
    return fault(entry.text, max(entry.size, entry.packed), most if entry.method == _STORED else min(most, MOST_LOOSE))


def _picture(source: Source, entry: _Entry, end: int) -> Found:
    if entry.header + _LOCAL.size > end:
        return Why.DAMAGED_ARCHIVE
    header = source.read(entry.header, entry.header + _LOCAL.size)
    magic, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack(header)
    start = entry.header + _LOCAL.size + name_size + extra_size
    stop = start + entry.packed
    alike = magic == b"PK\3\4" and method == entry.method and not flags & _ENCRYPTED and name_size == len(entry.name)
    if not alike or stop > end or source.read(start - name_size - extra_size, start - extra_size) != entry.name:
        return Why.DAMAGED_ARCHIVE
    if entry.method == _STORED:
        return Part(start, stop) if entry.packed == entry.size else Why.DAMAGED_ARCHIVE
    return _inflated(source.read(start, stop), entry)


def _inflated(packed: bytes, entry: _Entry) -> Found:
    """The bytes, if there are exactly as many as were told, and these very ones; never more are made."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(packed, entry.size + 1)
    except zlib.error:
        return Why.DAMAGED_ARCHIVE
    whole = unpacker.eof and not unpacker.unused_data
    return data if whole and len(data) == entry.size and zlib.crc32(data) == entry.crc else Why.DAMAGED_ARCHIVE


def _directory(source: Source) -> _Directory:
    """Where the central directory stands: right before the end record, which is the last thing in the file."""
    tail_start = max(0, source.size - _END.size - 0xFFFF)
    tail = source.read(tail_start, source.size)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    _, disk, first_disk, here, entries, size, start, comment = _END.unpack_from(tail, at)
    end = tail_start + at
    if end + _END.size + comment != source.size:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    told = _Directory(start, start + size, entries)
    wide = _directory_64(source, end)
    if wide is not None:
        narrow = (entries in (wide.entries, _ABSENT_16), start in (wide.start, _ABSENT_32))
        told, end = (wide if all(narrow) else told), wide.stop
    elif disk or first_disk or here != entries:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    if told.stop != end:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    return told


def _directory_64(source: Source, end: int) -> _Directory | None:
    """What the 64-bit end record tells, if there is one; its directory ends where it stands itself."""
    if end < _LOCATOR.size + _END_64.size:
        return None
    magic, locator_disk, at, disks = _LOCATOR.unpack(source.read(end - _LOCATOR.size, end))
    if magic != b"PK\6\7":
        return None
    if locator_disk or disks > 1 or at + _END_64.size > end - _LOCATOR.size:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    record = source.read(at, at + _END_64.size)
    magic, length, _, _, disk, first_disk, here, entries, size, start = _END_64.unpack(record)
    whole = magic == b"PK\6\6" and at + 12 + length == end - _LOCATOR.size and start + size == at
    if not whole or disk or first_disk or here != entries:
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    return _Directory(start, at, entries)


def _entries(source: Source, directory: _Directory) -> Iterator[_Entry]:
    """Every file of the directory, in its order. Raises Unsafe when it is not as long as it says."""
    window, at, read = b"", 0, directory.start
    for _ in range(min(directory.entries, MOST_ENTRIES)):
        if len(window) - at < _LONGEST and read < directory.stop:
            window, at = window[at:] + source.read(read, min(read + _WINDOW, directory.stop)), 0
            read = min(read + _WINDOW, directory.stop)
        if len(window) - at < _CENTRAL.size:
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        entry, length = _entry(window, at)
        at += length
        if at > len(window):
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        yield entry
    if directory.entries <= MOST_ENTRIES and (at < len(window) or read < directory.stop):
        raise Unsafe(Why.DAMAGED_ARCHIVE)


def _entry(window: bytes, at: int) -> tuple[_Entry, int]:
    """The entry whose header stands at a place of the directory, and the header's length."""
    fields = _CENTRAL.unpack_from(window, at)
    magic, made_by, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size = fields[:13]
    disk, _, outside, header = fields[13:]
    if magic != b"PK\1\2" or disk not in (0, _ABSENT_16):
        raise Unsafe(Why.DAMAGED_ARCHIVE)
    after = at + _CENTRAL.size + name_size
    name = window[after - name_size : after]
    size, packed, header = _wide(window[after : after + extra_size], size, packed, header)
    text = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    link = made_by >> 8 == _UNIX and stat.S_ISLNK(outside >> 16)
    entry = _Entry(name, text, flags, method, crc, packed, size, header, link)
    return entry, _CENTRAL.size + name_size + extra_size + comment_size


def _wide(extra: bytes, *fields: int) -> tuple[int, ...]:
    """The 64-bit values of those fields that say so, from the extra field 1 (APPNOTE 4.5.3)."""
    values: list[int] = []
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            body = extra[4 : 4 + length]
            values = [value for (value,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        extra = extra[4 + length :]
    out = []
    for field in fields:
        if field == _ABSENT_32:
            if not values:
                raise Unsafe(Why.DAMAGED_ARCHIVE)
            field = values.pop(0)
        out.append(field)
    return tuple(out)


def rehearse() -> None:
    """Load what is loaded when first used."""
    b"\x80".decode("cp437")
