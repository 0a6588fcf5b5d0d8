"""The plans among which the ones in faceguard.detectors.registry were chosen."""

from faceguard.detectors import registry
from faceguard.detectors.base import Detector
from faceguard.detectors.plan import Look, Plan

_FEW_SIZES = (0.3, 0.12, 0.10, 0.10, 0.15, 0.3)  # thresholds that suit one or two looks
_MORE_SIZES = (0.3, 0.12, 0.08, 0.12, 0.25, 0.45)  # and three: with more votes, what is large must be surer


def candidates(center: Detector, small: Detector | None, large: Detector | None) -> dict[str, Plan]:
    """Plans by name, those that are in use among them. small, large: YuNet and YuNet-n, both or neither."""
    sizes = {
        "CenterFace 512": (512,),
        "CenterFace 512 960": (512, 960),
        "CenterFace 384 960": (384, 960),
        "CenterFace 320 720": (320, 720),
        "CenterFace 320 512 720": (320, 512, 720),
    }
    plans = {name: _of(name, center, *given) for name, given in sizes.items()}
    plans["standard"] = registry.standard(center)
    if small and large:
        plans["full"] = registry.full(center, small, large)
    return plans


def _of(name: str, center: Detector, *sizes: int) -> Plan:
    thresholds = _MORE_SIZES if len(sizes) > 2 else _FEW_SIZES
    like = registry.standard(center)
    return Plan(name, tuple(Look(center, size) for size in sizes), like.quick, thresholds, like.padding)
