"""A safetensors file made of ranges of another file, read as it is needed: nothing of it is held in memory.

The format: eight bytes with the header's length, little endian; the header, JSON, padded with blanks to eight bytes;
then the tensors' bytes without gaps. The widest numbers come first, so that each lies where a machine can read it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from faceguard.source import Source
from gateway.pickles.inert import LENGTH
from gateway.pickles.twin import SIZES, Tensor

METADATA = {"format": "pt"}  # whose names and shapes these are; loaders ask


class Safetensors(io.RawIOBase):
    """The twin of `source`, as a file that can be read once from its begin to its end."""

    def __init__(self, source: Source, tensors: Sequence[Tensor]) -> None:
        ordered = sorted(tensors, key=lambda tensor: (-SIZES[tensor.dtype], tensor.name))
        head = header(ordered)
        self.size = len(head) + sum(tensor.stop - tensor.start for tensor in tensors)
        self._source = source
        self._head = head
        self._ranges = [(tensor.start, tensor.stop) for tensor in reversed(ordered) if tensor.stop > tensor.start]

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; none at the end. Raises what the source raises."""
        if size < 0:
            size = self.size
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        if not self._ranges:
            return b""
        start, stop = self._ranges.pop()
        middle = min(stop, start + size)
        if middle < stop:
            self._ranges.append((middle, stop))
        return self._source.read(start, middle)


def header(tensors: Sequence[Tensor]) -> bytes:
    """What stands before the tensors' bytes: the same for the same tensors."""
    entries: dict[str, object] = {"__metadata__": METADATA}
    at = 0
    for tensor in tensors:
        size = tensor.stop - tensor.start
        entries[tensor.name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return LENGTH.pack(len(text)) + text
