"""Commits as the Hub's clients send them: one JSON object a line, with whole files in some of the lines.

A line may hold a file of a hundred megabytes as one string of base64, and its path may stand behind it. So the line is
read in pieces: the string goes decoded to a file of its own, and what is left of the line, which is short, to the JSON
parser. Memory is bounded whatever is sent; what does not look like a commit is refused by the number of its line.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from catalog.errors import Flaw, Invalid, Wrong
from gateway.blobs.base import CHUNK, Source

MAX_LINE = 64 * 1024  # bytes of a line without the content of its file
MAX_OPERATIONS = 100_000
MAX_DEPTH = 4
STRUCTURE = re.compile(rb'["{}\[\]\n]')
STRING_END = re.compile(rb'["\\]')
CONTENT_KEY = re.compile(rb'"content"\s*:\s*\Z')
NEAR = 64  # bytes before a string in which its key is looked for
NAMES_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    summary: str
    parent: str | None  # the commit that this one was made on


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that came with its content; `content` stands at its beginning, and whoever takes it closes it."""

    path: str
    content: BinaryIO
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A file whose content was sent before."""

    path: str
    sha256: str
    size: int | None  # bytes; None where a client copies what is there: it does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    path: str
    folder: bool


Operation = Header | File | Reference | Deletion


class Commit:
    """Reads operations one by one. `spool` makes an empty file for a content; `most` is the largest that is taken."""

    def __init__(self, source: Source, spool: Callable[[], BinaryIO], most: int) -> None:
        self._source = source
        self._spool = spool
        self._most = most
        self._buffer = b""
        self._at = 0
        self._line = 0

    def operations(self) -> Iterator[Operation]:
        """In their order, the header first. Raises Invalid, naming the line."""
        count = 0
        while True:
            self._line += 1
            skeleton, content, size, more = self._read_line()
            try:
                operation = self._operation(skeleton, content, size)
                if operation is not None:
                    if isinstance(operation, Header) is not (count == 0):
                        raise self._wrong(Wrong.COMMIT_LINE)
                    count += 1
                    if count > MAX_OPERATIONS:
                        raise Invalid({"operations": Flaw(Wrong.AT_MOST, most=MAX_OPERATIONS)})
                    content = None if isinstance(operation, File) else content
                    yield operation
            finally:
                if content is not None:
                    content.close()
            if not more:
                break
        if count == 0:
            raise Invalid({"header": Flaw(Wrong.MISSING)})

    def _wrong(self, why: Wrong, **params: object) -> Invalid:
        return Invalid({f"line {self._line}": Flaw(why, **params)})

    def _fill(self) -> bool:
        """Drop what was read and get more; False at the end."""
        piece = self._source.read(CHUNK)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)

    def _take(self, pattern: re.Pattern[bytes], to: Callable[[bytes], None]) -> int:
        """Hand out everything before the pattern's byte, then step over that byte and give it; -1 at the end."""
        while True:
            found = pattern.search(self._buffer, self._at)
            stop = len(self._buffer) if found is None else found.start()
            if stop > self._at:
                to(self._buffer[self._at : stop])
            self._at = stop
            if found is not None:
                self._at += 1
                return self._buffer[stop]
            if not self._fill():
                return -1

    def _read_line(self) -> tuple[bytes, BinaryIO | None, int, bool]:
        """The line without its content, the content and its size, and whether there is more after the line."""
        skeleton = bytearray()
        content: BinaryIO | None = None
        size = depth = 0

        def keep(piece: bytes) -> None:
            skeleton.extend(piece)
            if len(skeleton) > MAX_LINE:
                raise self._wrong(Wrong.LINE_LONG, most=MAX_LINE)

        try:
            while True:
                byte = self._take(STRUCTURE, keep)
                if byte in {-1, 0x0A}:
                    return bytes(skeleton), content, size, byte == 0x0A
                if byte == 0x22 and depth == 2 and CONTENT_KEY.search(skeleton[-NEAR:]):
                    if content is not None:
                        raise self._wrong(Wrong.TWICE)
                    content = self._spool()
                    size = self._decode(content)
                    keep(b"0")  # its place is taken; the parser finds no text there
                    continue
                keep(bytes([byte]))
                if byte == 0x22:
                    self._string(keep)
                elif byte in b"{[":
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise self._wrong(Wrong.COMMIT_LINE)
                else:
                    depth -= 1
        except BaseException:
            if content is not None:
                content.close()
            raise

    def _string(self, keep: Callable[[bytes], None]) -> None:
        """The rest of a string, as it stands."""
        while True:
            byte = self._take(STRING_END, keep)
            if byte < 0:
                raise self._wrong(Wrong.COMMIT_LINE)
            keep(bytes([byte]))
            if byte == 0x22:
                return
            if self._at == len(self._buffer) and not self._fill():
                raise self._wrong(Wrong.COMMIT_LINE)
            keep(self._buffer[self._at : self._at + 1])
            self._at += 1

    def _decode(self, content: BinaryIO) -> int:
        """The rest of a string of base64 into the file; gives the number of bytes, and the file at its beginning."""
        rest = b""
        size = 0
        padded = False

        def decode(piece: bytes) -> None:
            nonlocal rest, size, padded
            text = rest + piece
            whole = len(text) - len(text) % 4
            rest = text[whole:]
            if whole == 0:
                return
            if padded:
                raise self._wrong(Wrong.BASE64)
            try:
                data = binascii.a2b_base64(text[:whole], strict_mode=True)
            except binascii.Error as error:
                raise self._wrong(Wrong.BASE64) from error
            padded = text[whole - 1] == 0x3D
            size += len(data)
            if size > self._most:
                raise self._wrong(Wrong.AT_MOST, most=self._most)
            content.write(data)

        if self._take(STRING_END, decode) != 0x22 or rest:
            raise self._wrong(Wrong.BASE64)
        content.seek(0)
        return size

    def _operation(self, skeleton: bytes, content: BinaryIO | None, size: int) -> Operation | None:
        """None for an empty line. Raises Invalid."""
        if not skeleton.strip():
            return None
        try:
            line = json.loads(skeleton.decode(), object_pairs_hook=self._once)
        except (ValueError, RecursionError) as error:
            raise self._wrong(Wrong.COMMIT_LINE) from error
        value = line.get("value") if isinstance(line, dict) else None
        if not isinstance(value, dict):
            raise self._wrong(Wrong.COMMIT_LINE)
        match line.get("key"):
            case "header":
                parent = value.get("parentCommit")
                return Header(
                    summary=self._text(value, "summary"),
                    parent=None if parent is None else self._text(value, "parentCommit"),
                )
            case "file":
                # A 0 that was sent is no content: then no string was read.
                if content is None or value.get("content") != 0 or value.get("encoding", "base64") != "base64":
                    raise self._wrong(Wrong.BASE64)
                return File(path=self._text(value, "path"), content=content, size=size)
            case "lfsFile":
                sha256, said = self._text(value, "oid"), value.get("size")
                if value.get("algo", "sha256") != "sha256" or not NAMES_SHA256.fullmatch(sha256):
                    raise self._wrong(Wrong.COMMIT_LINE)
                if said is not None and (not isinstance(said, int) or isinstance(said, bool) or said < 0):
                    raise self._wrong(Wrong.COMMIT_LINE)
                return Reference(path=self._text(value, "path"), sha256=sha256, size=said)
            case "deletedFile":
                return Deletion(path=self._text(value, "path"), folder=False)
            case "deletedFolder":
                return Deletion(path=self._text(value, "path").removesuffix("/"), folder=True)
            case _:
                raise self._wrong(Wrong.COMMIT_LINE)

    def _text(self, value: dict[str, Any], key: str) -> str:
        text = value.get(key)
        if not isinstance(text, str):
            raise self._wrong(Wrong.COMMIT_LINE)
        return text

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Two readers of one line must not see two operations."""
        made = dict(pairs)
        if len(made) != len(pairs):
            raise self._wrong(Wrong.TWICE)
        return made
