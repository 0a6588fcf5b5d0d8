"""The words between a guard and its workers: length-prefixed frames, JSON for facts, raw bytes for pictures."""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from faceguard.bare import is_bare
from faceguard.result import Blurred, Limits, Refused, Why

LENGTH = struct.Struct(">I")
MOST_BYTES = 2**31
"""A frame that claims to be longer is an error on either side."""


class BadFrame(Exception):
    """The other side does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A worker's first frame, sent when its detectors stand.

    plan: its name, or None when no weights are at hand and every picture will be refused.
    mediapipe: it takes part in the second look. trouble: why it does not although it is installed, else empty.
    """

    plan: str | None
    mediapipe: bool
    trouble: str


def standing(told: Standing) -> bytes:
    """The first frame of a worker."""
    return frame(json.dumps(asdict(told)).encode())


def standing_from(payload: bytes) -> Standing:
    """What a worker's first frame says; raises BadFrame for anything else."""
    match _told(payload):
        case {"plan": str() | None as plan, "mediapipe": bool(mediapipe), "trouble": str(trouble), **rest} if not rest:
            return Standing(plan, mediapipe, trouble)
        case _:
            raise BadFrame("not the first word of a worker")


def frame(payload: bytes) -> bytes:
    """The payload behind its length in four bytes."""
    return LENGTH.pack(len(payload)) + payload


def read_frame(read: Callable[[int], bytes], most: int = MOST_BYTES) -> bytes:
    """The next frame; ``read(n)`` gives exactly n bytes or raises EOFError. Raises BadFrame for a longer one."""
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > most:
        raise BadFrame(f"a frame of {length} bytes; {most} is the most")
    return read(length)


def request(limits: Limits, size: int) -> bytes:
    """What goes before a picture of ``size`` bytes: its limits, and the head of the frame that the picture makes."""
    return frame(json.dumps(asdict(limits)).encode()) + LENGTH.pack(size)


def sheet_request(limits: Limits, cells: Sequence[bytes | None]) -> bytes:
    """Previews to lay side by side: the limits with their number, then each as a frame, an empty one for none."""
    facts = {**asdict(limits), "cells": len(cells)}
    return frame(json.dumps(facts).encode()) + b"".join(frame(cell or b"") for cell in cells)


def limits_from(payload: bytes) -> tuple[Limits, int]:
    """The limits of a request, and how many previews it holds; 0 when it holds a picture."""
    told = json.loads(payload)
    cells = int(told.pop("cells", 0))
    return Limits(**told), cells


def reply(result: Blurred | Refused) -> bytes:
    """A result as two frames: its facts, then the JPEG or nothing."""
    match result:
        case Blurred():
            facts = {
                "width": result.width,
                "height": result.height,
                "faces": result.faces,
                "covered": result.covered,
                "alarms": result.alarms,
            }
            return frame(json.dumps(facts).encode()) + frame(result.jpeg)
        case Refused(why):
            return frame(json.dumps({"why": why}).encode()) + frame(b"")


def result_from(facts: bytes, jpeg: bytes) -> Blurred | Refused:
    """The result of a reply; raises BadFrame for anything that a sound worker would not say.

    A worker has handled hostile bytes, so its word is checked: known keys, plain types, and a bare JPEG.
    """
    match _told(facts):
        case {"why": str(why), **rest} if not rest and not jpeg and why in set(Why):
            return Refused(Why(why))
        case {
            "width": int(width),
            "height": int(height),
            "faces": int(faces),
            "covered": int() | float() as covered,
            "alarms": int(alarms),
            **rest,
        } if not rest and is_bare(jpeg):
            return Blurred(jpeg=jpeg, width=width, height=height, faces=faces, covered=float(covered), alarms=alarms)
        case _:
            raise BadFrame("a reply of an unknown shape")


def _told(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError as error:
        raise BadFrame("not JSON") from error
