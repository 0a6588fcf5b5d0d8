"""The verdict on one file, from all that is in it."""

from __future__ import annotations

import io
from typing import BinaryIO

from catalog.vocabulary import ScanRefusal, ScanVerdict
from gateway.pickles.judge import is_data, is_harmful
from gateway.pickles.messages import MAX_NAMES, Scanned, refused
from gateway.pickles.twin import NotPlain, Tensor, plan
from gateway.pickles.walk import Found, Unscannable, look


def scan(file: BinaryIO) -> Scanned:
    """What loading the file would run. Raises what reading the file raises."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    found = Found()
    try:
        look(file, size, found)
        why = ScanRefusal.BROKEN if found.broken else None
    except Unscannable as error:
        why = error.why
    except MemoryError:
        why = ScanRefusal.TOO_LARGE
    harmful = sorted(str(name) for name in found.names if is_harmful(name))
    if harmful:  # that is known, however the rest reads
        return Scanned(verdict=ScanVerdict.REFUSED, why=ScanRefusal.HARMFUL, names=tuple(harmful[:MAX_NAMES]))
    if why is not None:
        return refused(why)
    code = sorted(str(name) for name in found.names if not is_data(name))
    if code:
        return Scanned(verdict=ScanVerdict.CODE, names=tuple(code[:MAX_NAMES]))
    if found.other or not found.data:
        return Scanned(verdict=ScanVerdict.NO_PICKLE)
    return Scanned(verdict=ScanVerdict.DATA, tensors=tuple(_tensors(file, size)))


def _tensors(file: BinaryIO, size: int) -> list[Tensor]:
    try:
        return plan(file, size)
    except NotPlain:
        return []
