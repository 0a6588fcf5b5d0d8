"""Which second look there is: the plan's own quick look always, and mediapipe's BlazeFace where that is installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np

from faceguard.detectors import weights
from faceguard.detectors.plan import Looker
from faceguard.errors import Unsafe
from faceguard.offline import is_offline
from faceguard.verify import THRESHOLD, Every, SameEyes, SecondLook

# mediapipe imports these to draw and to record; they take ten times as long to load as all that is used of it.
_UNUSED = ("matplotlib", "matplotlib.pyplot", "sounddevice")


class Found(NamedTuple):
    """look: what to use. mediapipe: it is part of it. trouble: why it is not although installed, else empty."""

    look: SecondLook
    mediapipe: bool
    trouble: str


def second_look(looker: Looker, models: Path | None = None) -> Found:
    """The best second look for a worker that is offline and not yet confined: mediapipe still opens files here.

    A mediapipe that is installed and does not load is no reason to show nothing: the plan's own look stands, and the
    trouble is for the operator. Once it has loaded, a picture on which it fails is refused.
    """
    own = SameEyes(looker)
    if util.find_spec("mediapipe") is None:
        return Found(own, mediapipe=False, trouble="")
    if not is_offline():
        return Found(own, mediapipe=False, trouble="this system cannot keep it off the network")
    tflite = weights.found([weights.PACKAGED, models] if models else [weights.PACKAGED]).get(weights.BLAZEFACE)
    if tflite is None:
        return Found(own, mediapipe=False, trouble=f"no {weights.BLAZEFACE.name}")
    try:
        with _empty(_UNUSED):
            blazeface = import_module("faceguard.detectors.blazeface")
        other: SecondLook = blazeface.BlazeFace(tflite, THRESHOLD)
        other.strong(np.zeros((64, 64, 3), np.uint8))
    except (ImportError, AttributeError, OSError, RuntimeError, ValueError, TypeError, Unsafe) as error:
        return Found(own, mediapipe=False, trouble=f"{type(error).__name__}: {error}"[:500])
    return Found(Every(own, other), mediapipe=True, trouble="")


@contextmanager
def _empty(names: tuple[str, ...]) -> Iterator[None]:
    """Modules of these names are empty for a while, unless they are loaded already."""
    placed = [name for name in names if name not in sys.modules]
    sys.modules.update((name, ModuleType(name)) for name in placed)
    try:
        yield
    finally:
        for name in placed:
            sys.modules.pop(name, None)
