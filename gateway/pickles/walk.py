"""Where in a file there are pickles: at its begin, one after another, in arrays, in archives and compressed, nested.

What a file is called tells nothing here: whatever a loader could take for a pickle is read as one.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import IO, Any, BinaryIO, cast

from catalog.vocabulary import ScanRefusal
from gateway.pickles.inert import LENGTH, Name, read_pickle
from gateway.pickles.ranged import RangedFile

MAX_DEPTH = 4
MAX_MEMBERS = 100_000
MAX_PICKLES = 10_000  # one after another
MAX_INFLATED = 512 * 2**20  # of a zlib stream, which is held in memory
MAX_HEADER = 100 * 2**20  # of a safetensors file
HEAD = 512
ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
# Other archives and compressions that loaders know. What is in them stays unseen, so they are refused.
UNREAD = (b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")
NUMPY = b"\x93NUMPY"
TAR_AT, TAR = 257, b"ustar"
STORAGES = "/data.pkl"  # torch.save: the pickle beside which the tensors' bytes lie, as members of their own
LEGACY_MAGIC, LEGACY_PROTOCOL, LEGACY_PICKLES = 0x1950A86A20F9469CFC6C, 1001, 5
LOCAL = struct.Struct("<26xHH")  # of a zip's local header: the lengths of the name and of what follows it


class Unscannable(Exception):
    """The file cannot be looked through; `why` is from the closed list."""

    def __init__(self, why: ScanRefusal) -> None:
        self.why = why
        super().__init__(why.value)


@dataclass(slots=True)
class Found:
    """What was met so far. `broken`: some pickle imports something and then fails."""

    names: set[Name] = field(default_factory=set)
    data: int = 0  # parts that are pickles, arrays or tensors
    other: int = 0  # parts that nothing here can read
    broken: bool = False
    members: int = 0


def look(file: BinaryIO, size: int | None, found: Found, depth: int = 0) -> None:
    """Add to `found` all that this file holds. Raises Unscannable, MemoryError, and what reading the file raises.

    size: bytes in it, None where one would have to unpack all of it to know.
    """
    head = file.read(HEAD)
    before = found.data + found.other
    pickles(file, 0, size, found)
    if head.startswith(UNREAD):
        raise Unscannable(ScanRefusal.UNKNOWN_ARCHIVE)
    if head.startswith(NUMPY):
        _array(file, head, size, found)
    elif _is_safetensors(file, head):
        found.data += 1
    elif head[TAR_AT:].startswith(TAR):
        _tar(file, found, depth)
    else:
        _compressed(file, head, found, depth)
    _zip(file, head, found, depth)  # its directory stands at the end, so it may be something else as well
    if found.data + found.other == before and head:
        found.other += 1


def pickles(file: BinaryIO, start: int, size: int | None, found: Found) -> list[Any]:
    """The values of the pickles that stand here one after another; the file is left behind the last."""
    values: list[Any] = []
    file.seek(start)
    while True:
        if len(values) >= MAX_PICKLES:
            raise Unscannable(ScanRefusal.TOO_LARGE)
        at = file.tell()
        read = read_pickle(file, None if size is None else size - at)
        found.names |= read.names
        if not read.whole:
            found.broken |= bool(read.names)
            file.seek(at)
            break
        found.data += 1
        values.append(read.value)
        if is_legacy(values):
            break  # the tensors' bytes follow
    return values


def is_legacy(values: list[Any]) -> bool:
    """These are the pickles of a file of torch before 1.6, all of them."""
    return len(values) == LEGACY_PICKLES and values[:2] == [LEGACY_MAGIC, LEGACY_PROTOCOL]


def torch_pickle(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """The pickle of a file that torch.save has made."""
    return next((info for info in archive.infolist() if info.filename.endswith(STORAGES)), None)


@contextmanager
def opened(file: BinaryIO, depth: int) -> Iterator[zipfile.ZipFile]:
    """The archive that this file is. Raises Unscannable for all that Python and others might read differently."""
    if depth >= MAX_DEPTH:
        raise Unscannable(ScanRefusal.TOO_DEEP)
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError, OSError) as error:
        raise Unscannable(ScanRefusal.BROKEN) from error
    except NotImplementedError as error:
        raise Unscannable(ScanRefusal.UNKNOWN_ARCHIVE) from error
    except RuntimeError as error:  # it asks for a password
        raise Unscannable(ScanRefusal.ENCRYPTED) from error


def _zip(file: BinaryIO, head: bytes, found: Found, depth: int) -> None:
    file.seek(0)
    if not head.startswith(ZIPS) and not zipfile.is_zipfile(file):
        return
    with opened(file, depth) as archive:
        pickle, other = torch_pickle(archive), found.other
        for info in archive.infolist():
            _count(found)
            with archive.open(info) as member:  # it looks whether the two headers agree
                inner = as_file(member) if info.compress_type else window(file, stored_at(file, info), info.file_size)
                look(inner, info.file_size, found, depth + 1)
        if pickle is not None:
            found.other = other  # the bytes of tensors, which torch never takes for anything else
            with archive.open(pickle) as member:
                if not read_pickle(as_file(member), pickle.file_size).whole:
                    raise Unscannable(ScanRefusal.BROKEN)


def stored_at(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where in the archive the bytes of a member begin."""
    file.seek(info.header_offset)
    name, extra = LOCAL.unpack(file.read(LOCAL.size))
    return int(info.header_offset + LOCAL.size + name + extra)


def window(file: BinaryIO, start: int, size: int) -> BinaryIO:
    """A part of a file as a file: one may go to its end without reading what lies before."""
    return as_file(io.BufferedReader(_Window(file, start, size)))


class _Window(RangedFile):
    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__(size)
        self._file = file
        self._start = start

    def bytes_at(self, start: int, stop: int) -> bytes:
        self._file.seek(self._start + start)
        return self._file.read(stop - start)


def as_file(member: IO[bytes] | BufferedIOBase) -> BinaryIO:
    """A binary file, whatever the library calls it."""
    return cast("BinaryIO", member)


def _tar(file: BinaryIO, found: Found, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise Unscannable(ScanRefusal.TOO_DEEP)
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for info in archive:
                _count(found)
                member = archive.extractfile(info) if info.isreg() else None
                if member is not None:
                    with member:
                        look(as_file(member), info.size, found, depth + 1)
    except tarfile.TarError as error:
        raise Unscannable(ScanRefusal.BROKEN) from error


def _compressed(file: BinaryIO, head: bytes, found: Found, depth: int) -> None:
    inner: BinaryIO | None = None
    file.seek(0)
    if head.startswith(b"\x1f\x8b\x08"):
        inner = as_file(gzip.GzipFile(fileobj=file))
    elif head.startswith(b"BZh"):
        inner = as_file(bz2.BZ2File(file))
    elif head.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        inner = as_file(lzma.LZMAFile(file))  # noqa: SIM115  closed below, whichever it is
    elif len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0:
        inner = _inflated(file)
    if inner is None:
        return
    if depth >= MAX_DEPTH:
        raise Unscannable(ScanRefusal.TOO_DEEP)
    with inner:
        try:
            look(inner, None, found, depth + 1)
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            if head.startswith(b"\x5d\x00\x00"):
                return  # three bytes that many another file begins with
            raise Unscannable(ScanRefusal.BROKEN) from error


def _inflated(file: BinaryIO) -> BinaryIO:
    """What a zlib stream unpacks to, as far as it can be unpacked: two bytes of its head are soon met by chance, and a
    loader that unpacks as it goes has run what comes before the error."""
    unpacker, unpacked = zlib.decompressobj(), io.BytesIO()
    while not unpacker.eof and (packed := unpacker.unconsumed_tail or file.read(2**16)):
        before = unpacker.copy()
        try:
            unpacked.write(unpacker.decompress(packed, 2**20))
        except zlib.error:
            with suppress(zlib.error):
                for byte in packed:
                    unpacked.write(before.decompress(bytes((byte,))))
            break
        if unpacked.tell() > MAX_INFLATED:
            raise Unscannable(ScanRefusal.TOO_LARGE)
    unpacked.seek(0)
    return unpacked


def _array(file: BinaryIO, head: bytes, whole: int | None, found: Found) -> None:
    """numpy.save: a header, and behind it the array's bytes, or a pickle where it is one of objects."""
    long = head[6] > 1
    size = struct.unpack_from("<I" if long else "<H", head, 8)[0] if len(head) > 12 else 0
    pickles(file, (12 if long else 10) + size, whole, found)
    found.data += 1


def _is_safetensors(file: BinaryIO, head: bytes) -> bool:
    if len(head) <= LENGTH.size or head[LENGTH.size : LENGTH.size + 1] != b"{":
        return False
    (size,) = LENGTH.unpack_from(head)
    if size > MAX_HEADER:
        return False
    file.seek(LENGTH.size)
    try:
        header = json.loads(file.read(size))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and all(isinstance(entry, dict) for entry in header.values())


def _count(found: Found) -> None:
    found.members += 1
    if found.members > MAX_MEMBERS:
        raise Unscannable(ScanRefusal.TOO_LARGE)
