"""Brings many small contents by archive streams: one request for hundreds of files or for all of them."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gateway.sdk.archive import BadArchive, members
from gateway.sdk.errors import Unreachable
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.progress import Bar
from gateway.sdk.records import Item
from gateway.sdk.store import Store
from gateway.sdk.transport import Transport

SMALL = 1 << 20
"""Files up to so many bytes travel in archives."""

BATCH = 16 << 20
BATCH_FILES = 512


class Small:
    """Small contents on their way into the store. `placed` is told of each batch that is in the store and on disk."""

    def __init__(
        self, transport: Transport, store: Store, what: str, bar: Bar, ending: threading.Event,
        placed: Callable[[Sequence[str]], None],
    ) -> None:  # fmt: skip
        self._transport = transport
        self._store = store
        self._what = what
        self._bar = bar
        self._ending = ending
        self._placed = placed

    def bring(self, address: str, queries: Iterator[tuple[str, Sequence[Item]]]) -> set[str]:
        """Ask for each query in turn; the digests that came whole and right. Others are for another way.

        When a connection breaks, what is there stays, and the rest is left to the caller to ask for again.
        """
        done: set[str] = set()
        for query, wanted in queries:
            missing = {item.path: item for item in wanted if item.sha256 not in done}
            asked = f"{address}?{query}" if query else address
            with self._transport.stream(asked, what=self._what, headers={}) as reply:
                self._receive(reply.chunks(), missing, done)
        return done

    def _receive(self, chunks: Iterator[bytes], missing: dict[str, Item], done: set[str]) -> None:
        batch: dict[str, bytes] = {}
        filled = 0
        with ThreadPoolExecutor(1) as beside:  # one batch is written while the next one arrives
            writing: Future[None] | None = None
            try:
                for path, content in members(chunks, SMALL):
                    if self._ending.is_set():
                        return
                    item = missing.pop(path, None)
                    if item is None or len(content) != item.size:
                        continue
                    if hashlib.sha256(content).hexdigest() != item.sha256:
                        continue
                    batch[item.sha256] = content
                    filled += len(content)
                    self._bar.advance(len(content))
                    if filled >= BATCH or len(batch) >= BATCH_FILES:
                        if writing is not None:
                            writing.result()
                        writing = beside.submit(self._keep, batch, done)
                        batch, filled = {}, 0
            except BadArchive as error:
                raise Unreachable("cut", url=self._transport.origin) from error
            finally:
                # Also when the stream broke off: what came whole need not come again.
                if writing is not None:
                    writing.result()
                self._keep(batch, done)

    def _keep(self, batch: Mapping[str, bytes], done: set[str]) -> None:
        if batch:
            self._store.keep_all(batch)
            self._placed(list(batch))
            done.update(batch)


def bring_small(
    small: Small,
    address: str,
    wanted: Sequence[Item],
    queries: Callable[[Sequence[Item]], Iterator[tuple[str, Sequence[Item]]]],
    is_there: Callable[[str], bool],
    wait: Callable[[float], object],
) -> None:
    """Ask until everything wanted came, or an answer brings no more of it."""
    attempts = Attempts(FETCHING, wait)
    missing = list(wanted)
    while missing:
        before = len(missing)
        try:
            small.bring(address, queries(missing))
        except Passing as error:
            missing = [item for item in missing if not is_there(item.sha256)]
            if len(missing) < before:
                attempts.progressed()
            attempts.failed(error)
            continue
        return
