"""This machine, as fetches and recalls see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock

from gateway.sdk.holdings import Holdings
from gateway.sdk.store import Store


@dataclass(frozen=True, slots=True)
class Machine:
    """Where fetches leave what they bring, and where they write down that they do."""

    store: Store
    holdings: Holdings

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process follows recalls here meanwhile: it is waited for."""
        with FileLock(self.store.home / "recalls.lock"):
            yield

    def drop_parts(self, url: str, asset: str) -> None:
        """Delete what is unfinished of an asset that was stopped, also what earlier runs left."""
        for kept in self.holdings.contents(url):
            if kept.asset == asset:
                self.store.drop_part(kept.sha256)
