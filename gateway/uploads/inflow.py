"""A request's body as a file that a thread reads, while the event loop receives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import anyio.from_thread

GATHER = 1024 * 1024  # bytes handed over at a time: the way between loop and thread costs the same for few and many


class Cut(Exception):
    """The sender went away, or sent nothing for too long; what came so far is not kept."""


class Inflow:
    """Reads in the thread that `anyio.to_thread.run_sync` started; at most 1 MiB waits for it.

    `idle_s` is how long the sender may send nothing.
    """

    def __init__(self, body: AsyncIterator[bytes], idle_s: float) -> None:
        self._body = body
        self._idle_s = idle_s
        self._held = memoryview(b"")
        self._ended = False
        self.received = 0  # bytes

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end. Raises Cut."""
        if not self._held and not self._ended:
            self._held = memoryview(anyio.from_thread.run(self._gather))
        piece, self._held = self._held[:size], self._held[size:]
        return bytes(piece)

    async def _gather(self) -> bytes:
        gathered = bytearray()
        try:
            while len(gathered) < GATHER:
                async with asyncio.timeout(self._idle_s):
                    piece = await anext(self._body)
                gathered += piece
        except StopAsyncIteration:
            self._ended = True
        except TimeoutError as error:
            raise Cut("nothing came for too long") from error
        self.received += len(gathered)
        return bytes(gathered)
