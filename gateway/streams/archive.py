"""``archive.tar``: many items in one stream of known length, the same bytes for the same items at any time."""

import asyncio
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from starlette.types import Scope, Send

from gateway.blobs.base import Blob
from gateway.streams.body import BodySender, Outcome
from gateway.streams.ranges import Header
from gateway.streams.registry import Stream

BLOCK = 512
END = bytes(2 * BLOCK)
# Members up to this size are read into memory and leave together; larger ones leave without copying.
SMALL = 256 * 1024
BATCH = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive: its path in it, its size in bytes, and how to open its content."""

    path: str
    size: int
    open: Callable[[], Blob]


async def send_archive(
    scope: Scope,
    send: Send,
    *,
    members: Sequence[Member],
    last: tuple[str, bytes] | None,
    mtime: int,
    headers: Iterable[Header],
    stream: Stream,
    may_send: Callable[[], bool],
) -> Outcome:
    """Answer 200 with a tar of the members in their order; `last` is a final member given by its path and content.

    Owner, mode and time are the same for all: root, 0644, `mtime` in seconds since 1970. Names beyond ustar get a pax
    header in UTF-8. Raises NotServing before the first byte; BlobError when a content is missing or breaks off.
    """
    sender = BodySender(scope, send, stream, may_send)
    await sender.start(200, headers, archive_size(members, last, mtime))
    if scope["method"] != "HEAD":
        for batch in _batches(members):
            if sender.over:
                break
            if len(batch) == 1 and batch[0].size > SMALL:
                await _send_large(sender, batch[0], mtime)
            else:
                await sender.data(await asyncio.to_thread(_read_batch, batch, mtime))
        if last is not None:
            path, content = last
            await sender.data(header(path, len(content), mtime) + content + padding(len(content)))
        await sender.data(END)
    return await sender.finish()


def archive_size(members: Sequence[Member], last: tuple[str, bytes] | None, mtime: int) -> int:
    """Bytes of the whole archive."""
    files = [(member.path, member.size) for member in members]
    if last is not None:
        files.append((last[0], len(last[1])))
    return len(END) + sum(_header_size(path, size, mtime) + size + -size % BLOCK for path, size in files)


def header(path: str, size: int, mtime: int) -> bytes:
    """The block or blocks before a member's content."""
    if _is_plain(path, size):
        return _plain_header(path.encode("ascii"), size, mtime)
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.mode = size, mtime, 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """The zeros that fill a content's last block."""
    return bytes(-size % BLOCK)


def _is_plain(path: str, size: int) -> bool:
    return len(path) <= 100 and path.isascii() and size < 8**11


def _header_size(path: str, size: int, mtime: int) -> int:
    return BLOCK if _is_plain(path, size) else len(header(path, size, mtime))


def _plain_header(path: bytes, size: int, mtime: int) -> bytes:
    # POSIX.1-1988 ustar, field by field. An archive has thousands of these, and the general way takes ten times longer.
    before = path.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0%011o\0" % (size, mtime)
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def _batches(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Small members in groups of about 1 MiB, large ones alone, all in order."""
    batch: list[Member] = []
    filled = 0
    for member in members:
        if batch and (member.size > SMALL or filled + member.size > BATCH):
            yield batch
            batch, filled = [], 0
        batch.append(member)
        filled += member.size
        if member.size > SMALL:
            yield batch
            batch, filled = [], 0
    if batch:
        yield batch


def _read_batch(batch: Sequence[Member], mtime: int) -> bytes:
    pieces: list[bytes] = []
    for member in batch:
        blob = member.open()
        try:
            content = blob.read(0, member.size)
        finally:
            blob.close()
        pieces += (header(member.path, member.size, mtime), content, padding(member.size))
    return b"".join(pieces)


async def _send_large(sender: BodySender, member: Member, mtime: int) -> None:
    await sender.data(header(member.path, member.size, mtime))
    blob = await asyncio.to_thread(member.open)
    try:
        await sender.blob(blob, 0, member.size)
    finally:
        blob.close()
    await sender.data(padding(member.size))
