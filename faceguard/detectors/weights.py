"""The weights that faceguard knows, by digest. Loads no detector, so commands may ask it cheaply."""

import hashlib
import os
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

PACKAGED = Path(__file__).parent.parent / "weights"
"""The folder that a build fills (hatch_build.py)."""


class Weights(NamedTuple):
    """name: what its authors call the file; a copy may be called anything. size: in bytes."""

    name: str
    size: int
    sha256: str


CENTERFACE = Weights("centerface.onnx", 7_304_518, "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc")
YUNET = Weights(
    "face_detection_yunet_2023mar.onnx", 232_589, "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
)
YUNET_N = Weights("yunet_n_dynamic.onnx", 322_906, "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12")
BLAZEFACE = Weights(
    "face_detection_full_range.tflite", 1_083_984, "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"
)
"""For the second look alone (faceguard.second); no plan needs it."""

KNOWN = (CENTERFACE, YUNET, YUNET_N, BLAZEFACE)

PLANS = {"full": (CENTERFACE, YUNET, YUNET_N), "standard": (CENTERFACE,)}
"""What each plan needs, best plan first."""


class UnknownWeights(Exception):
    """A file is none of KNOWN; ``sha256`` is its digest."""

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256)
        self.sha256 = sha256


def found(folders: Sequence[Path]) -> dict[Weights, bytes]:
    """The known weights in these folders. A file counts by its SHA-256; one that is altered, unknown or cannot be read
    is as if absent.
    """
    sizes = {weights.size for weights in KNOWN}
    at_hand = {}
    for folder in folders:
        for path in sorted(folder.glob("*")):
            try:
                if not path.is_file() or path.stat().st_size not in sizes:
                    continue
                data = path.read_bytes()
            except OSError:
                continue
            weights = _known(data)
            if weights is not None:
                at_hand[weights] = data
    return at_hand


def plan_of(at_hand: Collection[Weights]) -> str | None:
    """The best plan that these weights allow; None when they allow none, and then every picture is refused."""
    return next((name for name, needed in PLANS.items() if set(needed) <= set(at_hand)), None)


def add(file: Path, folder: Path) -> Weights:
    """Copy known weights into the folder, all at once or not at all, under the name that their authors gave.

    Raises UnknownWeights, and OSError when the file cannot be read or the folder not be written.
    """
    with file.open("rb") as source:
        data = source.read(max(known.size for known in KNOWN) + 1)
        weights = _known(data)
        if weights is None:
            source.seek(0)
            raise UnknownWeights(hashlib.file_digest(source, "sha256").hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{weights.name}.{secrets.token_hex(4)}"
    try:
        with fresh.open("xb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        fresh.replace(folder / weights.name)
    finally:
        fresh.unlink(missing_ok=True)
    return weights


def _known(data: bytes) -> Weights | None:
    digest = hashlib.sha256(data).hexdigest()
    return next((weights for weights in KNOWN if weights.sha256 == digest), None)
