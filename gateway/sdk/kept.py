"""What a fetch finds on this machine already: the gateway has not sent it as this version, and is told who holds it.

Recalls go to those who were sent something. A corrected version mostly consists of contents that lie here from the
former one, and another account of this machine finds everything here: so what is kept is asked for, and not read.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.sdk import wire
from gateway.sdk.choice import Globs, queries
from gateway.sdk.holdings import Holdings
from gateway.sdk.patience import FETCHING, Attempts, Passing
from gateway.sdk.records import Item, Manifest
from gateway.sdk.transport import Transport

Asked = tuple[str, dict[str, str]]
"""An address and the headers to ask with."""


class Kept:
    """Some items of a version that one account fetches."""

    def __init__(self, transport: Transport, holdings: Holdings, listed: Manifest, items: Sequence[Item]) -> None:
        self._transport = transport
        self._holdings = holdings
        self._listed = listed
        paths = "\0".join(sorted(item.path for item in items))
        self._which = hashlib.sha256(paths.encode()).hexdigest()

    def tell(self, asks: Iterable[Asked], wait: Callable[[float], object]) -> None:
        """Ask for them, unless that was done. Raises what the gateway refuses, and what may pass when it did not."""
        if self._holdings.is_told(*self._names()):
            return
        for address, headers in asks:
            attempts = Attempts(FETCHING, wait)
            while True:
                try:
                    with self._transport.stream(address, what=self._listed.asset, headers=headers):
                        break  # it is in the ledger before the first byte
                except Passing as error:
                    attempts.failed(error)
        self.are_known()

    def are_known(self) -> None:
        """The gateway knows who holds them."""
        self._holdings.tell(*self._names())

    def _names(self) -> tuple[str, str, str, str, str]:
        listed = self._listed
        return self._transport.origin, listed.asset, listed.version, self._transport.credential, self._which


def by_archive(listed: Manifest, globs: Globs) -> Iterator[Asked]:
    """All that is listed, in as few streams as can be."""
    ns, _, name = listed.asset.partition("/")
    address = wire.archive_path(ns, name, listed.version)
    for query, _ in queries(listed.items, None if globs.exclude else globs):
        yield (f"{address}?{query}" if query else address), {}


def by_file(listed: Manifest, item: Item) -> Iterator[Asked]:
    """One item; an empty one is nobody's."""
    ns, _, name = listed.asset.partition("/")
    if item.size:
        yield wire.file_path(ns, name, listed.version, item.path), {"range": "bytes=0-0"}
