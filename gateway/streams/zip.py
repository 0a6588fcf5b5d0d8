"""A zip of many items in one stream of known length, as clients of code hubs want it: all below one folder.

Nothing is compressed, so the length is known before the first byte; nothing is held, so the checksum of a large member
follows it (APPNOTE 4.3.9) and stands in the directory at the end, by which every reader of zip goes.
"""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from starlette.types import Scope, Send

from gateway.blobs.base import CHUNK
from gateway.streams.archive import SMALL, Member
from gateway.streams.body import BodySender, Outcome
from gateway.streams.ranges import Header
from gateway.streams.registry import Stream

LOCAL = struct.Struct("<4s5H3L2H")
FOLLOWING = struct.Struct("<4sLQQ")  # the checksum and sizes behind a member, in their long form
ENTRY = struct.Struct("<4s6H3L5H2L")
LONG = struct.Struct("<HHQQQ")  # the sizes and place of an entry, where four bytes may not do
LONG_SIZES = struct.Struct("<HHQQ")
LONG_END = struct.Struct("<4sQ2H2L4Q")
LONG_POINTER = struct.Struct("<4sLQL")
END = struct.Struct("<4s4H2LH")
VERSION = 45  # of the format: 4.5 knows the long forms, which are used throughout
UTF8, LATER = 0x800, 0x8
UNIX = 3 << 8
FOLDER_MODE, FILE_MODE = 0o040755 << 16 | 0x10, 0o100644 << 16
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF  # "see the long form"
LONG_KIND = 1
EARLIEST = 315_532_800  # the year 1980, where the format's time begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the archive holds. `folder`: the one at the top, without a slash; `comment`: at the end of the archive."""

    members: Sequence[Member]
    last: tuple[str, bytes] | None  # a final member given by its path and content
    folder: str
    mtime: int  # seconds since 1970, of everything in it
    comment: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        names = [(f"{self.folder}/", 0, False)]
        names += [(f"{self.folder}/{member.path}", member.size, member.size > SMALL) for member in self.members]
        if self.last is not None:
            names.append((f"{self.folder}/{self.last[0]}", len(self.last[1]), False))
        total = LONG_END.size + LONG_POINTER.size + END.size + len(self.comment)
        for name, size, later in names:
            bytes_of_name = len(name.encode())
            total += LOCAL.size + LONG_SIZES.size + bytes_of_name + size + (FOLLOWING.size if later else 0)
            total += ENTRY.size + LONG.size + bytes_of_name
        return total


async def send_zip(
    scope: Scope,
    send: Send,
    *,
    layout: Layout,
    headers: Iterable[Header],
    stream: Stream,
    may_send: Callable[[], bool],
) -> Outcome:
    """Answer 200 with the archive. The folder is its first entry, and everything else is below it.

    Raises NotServing before the first byte; BlobError when a content is missing or breaks off.
    """
    sender = BodySender(scope, send, stream, may_send)
    await sender.start(200, headers, layout.size)
    if scope["method"] != "HEAD":
        writer = _Writer(sender, layout.mtime)
        await writer.whole(f"{layout.folder}/", b"", FOLDER_MODE)
        for member in layout.members:
            if sender.over:
                break
            path = f"{layout.folder}/{member.path}"
            if member.size > SMALL:
                await writer.large(path, member)
            else:
                await writer.whole(path, await asyncio.to_thread(_content, member))
        if layout.last is not None:
            path, content = layout.last
            await writer.whole(f"{layout.folder}/{path}", content)
        await writer.end(layout.comment)
    return await sender.finish()


class _Writer:
    def __init__(self, sender: BodySender, mtime: int) -> None:
        self._sender = sender
        self._when = _dos_time(mtime)
        self._at = 0
        self._entries: list[bytes] = []

    async def whole(self, path: str, content: bytes, mode: int = FILE_MODE) -> None:
        """A member whose content is at hand."""
        name, checksum = path.encode(), zlib.crc32(content)
        self._note(name, UTF8, checksum, len(content), mode)
        await self._write(self._local(name, UTF8, checksum, len(content)) + content)

    async def large(self, path: str, member: Member) -> None:
        """A member that is read piece by piece."""
        name, start, checksum = path.encode(), self._at, 0
        await self._write(self._local(name, UTF8 | LATER, 0, 0))
        blob = await asyncio.to_thread(member.open)
        try:
            async for piece in blob.chunks(0, member.size):
                if self._sender.over:
                    return
                checksum = await asyncio.to_thread(zlib.crc32, piece, checksum)
                await self._write(piece)
        finally:
            blob.close()
        await self._write(FOLLOWING.pack(b"PK\x07\x08", checksum, member.size, member.size))
        self._note(name, UTF8 | LATER, checksum, member.size, FILE_MODE, start)

    async def end(self, comment: bytes) -> None:
        """The directory, and where it is."""
        start, directory, count = self._at, b"".join(self._entries), len(self._entries)
        await self._write(directory)
        pointer = self._at
        await self._write(
            LONG_END.pack(
                b"PK\x06\x06", LONG_END.size - 12, UNIX | VERSION, VERSION, 0, 0, count, count, len(directory), start
            )
            + LONG_POINTER.pack(b"PK\x06\x07", 0, pointer, 1)
            + END.pack(b"PK\x05\x06", 0, 0, FULL16, FULL16, FULL32, FULL32, len(comment))
            + comment
        )

    async def _write(self, data: bytes) -> None:
        self._at += len(data)
        for start in range(0, len(data), CHUNK):
            await self._sender.data(data[start : start + CHUNK])

    def _local(self, name: bytes, flags: int, checksum: int, size: int) -> bytes:
        head = LOCAL.pack(
            b"PK\x03\x04", VERSION, flags, 0, *self._when, checksum, FULL32, FULL32, len(name), LONG_SIZES.size
        )
        return head + name + LONG_SIZES.pack(LONG_KIND, LONG_SIZES.size - 4, size, size)

    def _note(self, name: bytes, flags: int, checksum: int, size: int, mode: int, start: int | None = None) -> None:
        place = self._at if start is None else start
        head = ENTRY.pack(
            b"PK\x01\x02", UNIX | VERSION, VERSION, flags, 0, *self._when, checksum, FULL32, FULL32, len(name),
            LONG.size, 0, 0, 0, mode, FULL32,
        )  # fmt: skip
        self._entries.append(head + name + LONG.pack(LONG_KIND, LONG.size - 4, size, size, place))


def _content(member: Member) -> bytes:
    blob = member.open()
    try:
        return blob.read(0, member.size)
    finally:
        blob.close()


def _dos_time(mtime: int) -> tuple[int, int]:
    """Time and date as the format has them, in UTC."""
    at = time.gmtime(max(mtime, EARLIEST))
    return at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2, (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
