"""Brings one content as a stream that resumes; in several streams at once only where one of them is slow."""

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from gateway.sdk import wire
from gateway.sdk.errors import Unreachable
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.progress import Bar
from gateway.sdk.records import Item
from gateway.sdk.store import BINARY, Store, digest_of
from gateway.sdk.transport import Reply, Transport

MIB = 1 << 20
SPANS = 4
"""Streams for one content, where one alone is slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """When several streams are worth it: below `rate` bytes a second over `after_s`, and `least` bytes to come."""

    rate: int = 24 * MIB
    after_s: float = 1.5
    least: int = 48 * MIB


class Abandoned(Exception):
    """Another file's failure ends this one; what is there of it stays for the next run."""


class Large:
    """One content on its way into the store. `ending` is set when the fetch as a whole is over."""

    def __init__(
        self, transport: Transport, store: Store, item: Item, address: str, what: str, bar: Bar,
        ending: threading.Event, slow: Slow,
    ) -> None:  # fmt: skip
        self._transport = transport
        self._store = store
        self._item = item
        self._address = address
        self._what = what
        self._bar = bar
        self._ending = ending
        self._slow = slow

    def bring(self) -> bool:
        """Fill the partial file and put it on disk; False when its bytes are wrong, then it is gone."""
        with self._store.open_part(self._item.sha256) as file:
            spans = Spans.read(self._store, self._item)
            if spans is None:
                spans = self._one_stream(file)
            else:
                self._bar.advance(spans.before + spans.have)
            if spans is not None:
                self._several(file, spans)
                digest = digest_of(file, self._check).hexdigest()
            else:
                digest = self._digest
            if digest == self._item.sha256:
                os.fsync(file.fileno())
                return True
            self._bar.advance(-min(os.fstat(file.fileno()).st_size, self._item.size))
        self._store.drop_part(self._item.sha256)
        return False

    def _check(self) -> None:
        if self._ending.is_set():
            raise Abandoned

    def _one_stream(self, file: BinaryIO) -> "Spans | None":
        """Append what is missing; the rest in spans when that turns out to be slow, None when all is there."""
        with ThreadPoolExecutor(1) as beside:
            return self._append_all(_Part(file, self._item.size, self._bar, self._check, beside))

    def _append_all(self, part: "_Part") -> "Spans | None":
        attempts = Attempts(FETCHING, self._ending.wait)
        watch = _Watch(self._slow)
        while not part.complete:
            before = part.have
            try:
                if self._append(part, watch):
                    return Spans.split(self._store, self._item, part.have)
                if not part.complete:  # an answer that ended early, and in good order
                    raise Unreachable("cut", url=self._transport.origin)
            except Passing as error:
                if part.have > before:
                    attempts.progressed()
                attempts.failed(error)
                watch = _Watch(self._slow)
        self._digest = part.hexdigest()
        return None

    def _append(self, part: "_Part", watch: "_Watch") -> bool:
        """One request for what is missing; what arrives is in the partial file, also when it breaks off. True: slow."""
        self._check()
        headers = {"range": f"bytes={part.have}-", "if-range": wire.etag(self._item.sha256)} if part.have else {}
        with self._transport.stream(self._address, what=self._what, headers=headers) as reply:
            if part.have and not _continues(reply, part.have):
                part.restart()
                if reply.status != 200:
                    return False
            try:
                for chunk in reply.chunks():
                    self._check()
                    if not part.add(chunk):
                        return False
                    if watch.slow(len(chunk), self._item.size - part.have):
                        return True
            finally:
                part.write()
        return False

    def _several(self, file: BinaryIO, spans: "Spans") -> None:
        """Bring all spans at once."""
        failed = threading.Event()

        def fill(number: int) -> None:
            try:
                self._fill(file, spans, number, failed)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(len(spans.ends)) as pool:
            futures = [pool.submit(fill, number) for number in range(len(spans.ends))]
            wait(futures)
            errors = [error for future in futures if (error := future.exception()) is not None]
            if errors:  # what ended the others is told before that they were ended
                raise min(errors, key=lambda error: isinstance(error, Abandoned))

    def _fill(self, file: BinaryIO, spans: "Spans", number: int, failed: threading.Event) -> None:
        attempts = Attempts(FETCHING, self._ending.wait)
        while (at := spans.at[number]) < (end := spans.ends[number]):
            headers = {"range": f"bytes={at}-{end - 1}", "if-range": wire.etag(self._item.sha256)}
            try:
                with self._transport.stream(self._address, what=self._what, headers=headers) as reply:
                    if not _continues(reply, at):
                        raise Unreachable("cut", url=self._transport.origin)
                    for chunk in reply.chunks():
                        self._check()
                        if failed.is_set():
                            raise Abandoned
                        some = chunk[: end - at]
                        _write_at(file, some, at)
                        at += len(some)
                        spans.reached(number, at)
                        self._bar.advance(len(some))
                        attempts.progressed()
                if at < end:
                    raise Unreachable("cut", url=self._transport.origin)
            except Passing as error:
                attempts.failed(error)


class Spans:
    """Which bytes of a partial file are there, noted beside it so that a killed fetch loses a chunk at most."""

    def __init__(self, store: Store, sha256: str, at: list[int], ends: list[int], starts: list[int]) -> None:
        self._place = store.spans_of(sha256)
        self._starts = starts
        self.at = at
        self.ends = ends
        self._lock = threading.Lock()

    @classmethod
    def read(cls, store: Store, item: Item) -> "Spans | None":
        """What an earlier run noted; None when it used one stream or the note cannot be understood."""
        try:
            noted = json.loads(store.spans_of(item.sha256).read_bytes())
            at, ends, starts = noted["at"], noted["ends"], noted["starts"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        fits = (
            all(isinstance(numbers, list) and len(numbers) == SPANS for numbers in (at, ends, starts))
            and all(isinstance(number, int) for number in (*at, *ends, *starts))
            and starts[1:] == ends[:-1]
            and ends[-1] == item.size
            and all(start <= reached <= end for start, reached, end in zip(starts, at, ends, strict=True))
        )
        return cls(store, item.sha256, at, ends, starts) if fits else None

    @classmethod
    def split(cls, store: Store, item: Item, have: int) -> "Spans":
        """The bytes from `have` on, in equal spans."""
        borders = [have + (item.size - have) * number // SPANS for number in range(SPANS + 1)]
        spans = cls(store, item.sha256, borders[:-1], borders[1:], borders[:-1])
        spans.reached(0, have)
        return spans

    @property
    def have(self) -> int:
        """Bytes of the spans that are there."""
        return sum(self.at) - sum(self._starts)

    @property
    def before(self) -> int:
        """Bytes that came before there were spans."""
        return self._starts[0]

    def reached(self, number: int, at: int) -> None:
        """The span is there up to `at`: those bytes were written before this is noted."""
        with self._lock:
            self.at[number] = at
            noted = json.dumps({"starts": self._starts, "at": self.at, "ends": self.ends}).encode()
            note = os.open(self._place, os.O_WRONLY | os.O_CREAT | BINARY, 0o600)
            try:  # one write over the former, of ever the same length, so that no note is half
                os.write(note, noted.ljust(LONGEST_NOTE))
            finally:
                os.close(note)


LONGEST_NOTE = 512


class _Watch:
    """Whether a stream has been slow since it began to flow, decided once."""

    def __init__(self, slow: Slow) -> None:
        self._slow = slow
        self._began: float | None = None
        self._count = 0
        self._decided = False

    def slow(self, count: int, left: int) -> bool:
        now = time.monotonic()
        if self._began is None:
            self._began = now
            return False
        self._count += count
        if self._decided or now - self._began < self._slow.after_s:
            return False
        self._decided = True
        return left >= self._slow.least and self._count < self._slow.rate * (now - self._began)


class _Part:
    """A partial file at its end, with the digest of what it holds, which is taken in a thread of its own."""

    def __init__(
        self, file: BinaryIO, size: int, shown: Bar, check: Callable[[], None], beside: ThreadPoolExecutor
    ) -> None:
        self._file = file
        self._size = size
        self._bar = shown
        self._overran = False
        self._beside = beside
        self._buffers = bytearray(MIB), bytearray(MIB)  # used over and over: new ones each time cost page faults
        self._unwritten = 0
        self._digested: Future[None] | None = None
        self._digest = digest_of(file, check)
        self.have = file.tell()
        shown.advance(self.have)
        if self.have > size:
            self.restart()

    @property
    def complete(self) -> bool:
        """Whether all bytes are there; right or wrong. An empty content is: nobody needs to be asked for it."""
        return self.have == self._size or self._overran

    def add(self, chunk: bytes) -> bool:
        """Append, at the latest with `write`; False when that is more than the content has, which makes it wrong."""
        left = memoryview(chunk)
        while left:
            count = min(len(left), MIB - self._unwritten)
            self._buffers[0][self._unwritten : self._unwritten + count] = left[:count]
            self._unwritten += count
            left = left[count:]
            if self._unwritten == MIB:
                self.write()
        self.have += len(chunk)
        self._bar.advance(len(chunk))
        self._overran = self.have > self._size
        return not self._overran

    def write(self) -> None:
        """Put what was appended into the file."""
        view = piece = memoryview(self._buffers[0])[: self._unwritten]
        while view:
            view = view[self._file.write(view) or 0 :]
        self._wait()
        self._digested = self._beside.submit(self._digest.update, piece)
        self._buffers = self._buffers[1], self._buffers[0]
        self._unwritten = 0

    def hexdigest(self) -> str:
        """Of all that was written."""
        self._wait()
        return self._digest.hexdigest()

    def restart(self) -> None:
        """Forget what is there."""
        self._wait()
        self._file.seek(0)
        self._file.truncate()
        self._digest = digest_of(self._file)
        self._bar.advance(-self.have)
        self.have = 0

    def _wait(self) -> None:
        if self._digested is not None:
            self._digested.result()


def _continues(reply: Reply, have: int) -> bool:
    """Whether the answer is the rest that was asked for. RFC 9110 §14.4."""
    return reply.status == 206 and reply.headers.get("content-range", "").startswith(f"bytes {have}-")


_POSITION = threading.Lock()


def _write_at(file: BinaryIO, data: bytes, at: int) -> None:
    view = memoryview(data)
    if hasattr(os, "pwrite"):
        while view:
            written = os.pwrite(file.fileno(), view, at)
            view, at = view[written:], at + written
        return
    with _POSITION, suppress(BlockingIOError):  # Windows has no pwrite
        file.seek(at)
        while view:
            view = view[file.write(view) or 0 :]
