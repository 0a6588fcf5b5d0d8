"""The words between a scanner and its process: frames of JSON (faceguard.frames), raw bytes for what was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from catalog.vocabulary import ScanRefusal, ScanVerdict
from faceguard.frames import BadFrame, frame
from gateway.pickles.twin import MAX_TENSORS, SIZES, Tensor

READY = b"ready"
MAX_NAMES = 100  # told one by one


class Range(NamedTuple):
    """Bytes of the file that the process wants to see, half-open."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What was found; `tensors` where a safetensors twin can be made."""

    verdict: ScanVerdict
    why: ScanRefusal | None = None
    names: tuple[str, ...] = ()
    tensors: tuple[Tensor, ...] = ()


def refused(why: ScanRefusal) -> Scanned:
    return Scanned(verdict=ScanVerdict.REFUSED, why=why)


def said(message: Range | Scanned) -> bytes:
    """What the process says, as a frame."""
    if isinstance(message, Range):
        return frame(json.dumps({"read": list(message)}).encode())
    tensors = [[t.name, t.dtype, list(t.shape), t.start, t.stop] for t in message.tensors]
    facts = {"verdict": message.verdict, "why": message.why, "names": message.names, "tensors": tensors}
    return frame(json.dumps(facts).encode())


def heard(payload: bytes, size: int) -> Range | Scanned:
    """What a process said about a file of `size` bytes.

    It has read hostile bytes, so its word is checked. Raises BadFrame for anything that a sound one would not say.
    """
    try:
        told = json.loads(payload)
        match told:
            case {"read": [int(start), int(stop)]} if 0 <= start < stop <= size:
                return Range(start, stop)
            case {"verdict": str(verdict), "why": str() | None as why, "names": list(names), "tensors": list(tensors)}:
                return _scanned(verdict, why, names, [_tensor(each, size) for each in tensors])
    except (TypeError, ValueError, KeyError) as error:
        raise BadFrame("not what a scanner says") from error
    raise BadFrame("not what a scanner says")


def _scanned(verdict: str, why: str | None, names: list[Any], tensors: list[Tensor]) -> Scanned:
    scanned = Scanned(
        verdict=ScanVerdict(verdict),
        why=None if why is None else ScanRefusal(why),
        names=tuple(str(name)[:500] for name in names),
        tensors=tuple(tensors),
    )
    if (scanned.verdict is ScanVerdict.REFUSED) == (scanned.why is None) or len(names) > MAX_NAMES:
        raise ValueError("a verdict that contradicts itself")
    if len(tensors) > MAX_TENSORS or len({tensor.name for tensor in tensors}) < len(tensors):
        raise ValueError("too many tensors, or two of one name")
    return scanned


def _tensor(told: Any, size: int) -> Tensor:
    name, dtype, shape, start, stop = told
    count = SIZES[dtype]
    for side in shape:
        if not isinstance(side, int) or side < 0:
            raise ValueError("a shape of something else than numbers")
        count *= side
    if not isinstance(name, str) or not 0 <= start <= stop <= size or stop - start != count:
        raise ValueError("a tensor that is not where it should be")
    return Tensor(name=name, dtype=dtype, shape=tuple(shape), start=start, stop=stop)
