"""The words between an opener and the process that looks into a container for it.

Each message of the process is two frames: JSON facts, then bytes or nothing. Each answer is one frame of bytes.
"""

import json
from typing import Any, NamedTuple

from faceguard.containers.base import Found, Part
from faceguard.frames import BadFrame, frame
from faceguard.result import Why

READY = b"ready"
"""The first frame of the process, sent when it has locked itself in."""


class Wanted(NamedTuple):
    """Bytes that the process needs of the container, from ``start`` to ``stop``."""

    start: int
    stop: int


class Order(NamedTuple):
    """What an opener asks for: pictures of a container of ``size`` bytes, at most ``limit``, of ``most`` bytes each."""

    size: int
    limit: int
    most: int


Message = Wanted | Found | None
"""None is the last one."""


def order(asked: Order) -> bytes:
    """The first frame to the process."""
    return frame(json.dumps(asked._asdict()).encode())


def order_from(payload: bytes) -> Order:
    """What the first frame says."""
    return Order(**json.loads(payload))


def message(said: Message) -> bytes:
    """What the process says, as two frames."""
    match said:
        case Wanted(start, stop):
            return _facts(wanted=[start, stop]) + frame(b"")
        case Part(start, stop):
            return _facts(part=[start, stop]) + frame(b"")
        case bytes():
            return _facts(picture=True) + frame(said)
        case Why():
            return _facts(why=said.value) + frame(b"")
        case None:
            return _facts(end=True) + frame(b"")


def message_from(facts: bytes, payload: bytes, size: int) -> Message:
    """What the two frames say; raises BadFrame for anything that a sound process would not say.

    size: of the container; nothing outside of it may be asked for.
    """
    try:
        told: Any = json.loads(facts)
    except ValueError as error:
        raise BadFrame("the facts are not JSON") from error
    match told:
        case {"wanted": [int(start), int(stop)], **rest} if not rest and not payload and 0 <= start <= stop <= size:
            return Wanted(start, stop)
        case {"part": [int(start), int(stop)], **rest} if not rest and not payload and 0 <= start <= stop <= size:
            return Part(start, stop)
        case {"picture": True, **rest} if not rest:
            return payload
        case {"why": str(why), **rest} if not rest and not payload and why in set(Why):
            return Why(why)
        case {"end": True, **rest} if not rest and not payload:
            return None
        case _:
            raise BadFrame("a message of an unknown shape")


def _facts(**facts: object) -> bytes:
    return frame(json.dumps(facts).encode())
