"""The fetches that go on: which of them a delivery belongs to is known before it is written down.

Kept in memory, so that a request costs nothing more. What is not known here (after a start of the server, or when
another server sent the first part) is looked up in the ledger, but only for a request that begins in mid-file.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from catalog.policy import fetches
from catalog.policy.fetches import Fetch
from catalog.vocabulary import Delivery
from gateway.web.context import Catalogue

KEPT = 100_000
Key = tuple[str, str, str]


class Fetches:
    """All methods belong to the event loop's thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._going: OrderedDict[Key, Fetch] = OrderedDict()

    async def begin(self, delivery: Delivery, path: str, size: int) -> Delivery:
        """The delivery, told which fetch it continues. `path`, `size` (bytes): of the item."""
        key = (delivery.account_id, delivery.version_id, path)
        now, start = delivery.started_at, delivery.start
        going = self._find(key, delivery)
        if going is None and start > 0:
            since = now - fetches.WINDOW
            first = await self._catalogue.read(lambda tx: tx.deliveries.began(*key, since))
            going = self._find(key, delivery)  # one that came at the same time may have begun it
            if going is None and first is not None:
                going = Fetch(first=first, size=size, touched=now)
        continues = None if going is None else going.first
        going = going or Fetch(first=delivery.id, size=size, touched=now)
        self._keep(key, fetches.begun(going, now))
        return replace(delivery, continues=continues)

    def end(self, delivery: Delivery, path: str, acknowledged: int, *, cut: bool) -> None:
        """Once for each that began, whatever became of it."""
        key = (delivery.account_id, delivery.version_id, path)
        going = self._going.get(key)
        if going is not None and going.first in {delivery.id, delivery.continues}:
            now = self._catalogue.now()
            self._keep(key, fetches.ended(going, delivery.start, acknowledged, now, cut=cut))

    def forget(self, delivery: Delivery, path: str) -> None:
        """The delivery could not be written down: nothing continues it."""
        key = (delivery.account_id, delivery.version_id, path)
        going = self._going.get(key)
        if going is not None and going.first == delivery.id:
            del self._going[key]
        else:
            self.end(delivery, path, 0, cut=False)

    def _find(self, key: Key, delivery: Delivery) -> Fetch | None:
        going = self._going.get(key)
        return going if going is not None and fetches.takes_in(going, delivery.start, delivery.started_at) else None

    def _keep(self, key: Key, fetch: Fetch) -> None:
        self._going[key] = fetch
        self._going.move_to_end(key)
        if len(self._going) > KEPT:
            self._going.popitem(last=False)
