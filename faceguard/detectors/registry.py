"""Weights by digest, and the best plan that the weights at hand allow."""

import hashlib
from pathlib import Path

from faceguard.detectors import centerface, yunet
from faceguard.detectors.plan import Look, Looker, Plan
from faceguard.errors import Unsafe
from faceguard.result import Why

PACKAGED = Path(__file__).parent.parent / "weights"

_SIZES = {
    centerface.SHA256: 7_304_518,
    yunet.SHA256: 232_589,
    yunet.SHA256_N: 322_906,
}


def looker(models: Path | None = None) -> Looker:
    """A Looker with the best plan there is; raises Unsafe(NO_DETECTOR) when no known weights are at hand.

    models: a folder of the operator's own weights beside the packaged ones. A file counts by its SHA-256, never by
    its name; an unknown or altered file is as if absent.
    """
    weights = _weights([PACKAGED, models] if models else [PACKAGED])
    face = weights.get(centerface.SHA256)
    if face is None:
        raise Unsafe(Why.NO_DETECTOR)
    center = centerface.CenterFace(face)
    small, large = weights.get(yunet.SHA256), weights.get(yunet.SHA256_N)
    if small is None or large is None:
        return Looker(standard(center))
    return Looker(full(center, yunet.YuNet(small), yunet.YuNet(large)))


def standard(center: centerface.CenterFace) -> Plan:
    """The plan of the packaged weights alone; a third size helps without colour and elsewhere only covers more."""
    two = Plan(
        name="standard",
        looks=(Look(center, 512), Look(center, 960)),
        quick=(Look(center, 512),),
        thresholds=(0.3, 0.12, 0.10, 0.10, 0.15, 0.3),
        padding=1.4,
    )
    three = two._replace(looks=(Look(center, 256), *two.looks), thresholds=(0.3, 0.12, 0.06, 0.06, 0.10, 0.2))
    return two._replace(grey=three)


def full(center: centerface.CenterFace, small: yunet.YuNet, large: yunet.YuNet) -> Plan:
    """The plan with the operator's YuNet files: finds more, in less time."""
    return Plan(
        name="full",
        looks=(Look(small, 320), Look(small, 640), Look(large, 640), Look(center, 512)),
        quick=(Look(small, 320), Look(small, 640)),
        thresholds=(0.5, 0.3, 0.2, 0.25, 0.4, 0.6),
        padding=1.35,
    )


def _weights(folders: list[Path]) -> dict[str, bytes]:
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*.onnx")):
            if path.stat().st_size in _SIZES.values():
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                if digest in _SIZES:
                    found[digest] = data
    return found
