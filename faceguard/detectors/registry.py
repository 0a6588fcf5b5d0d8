"""The best plan that the weights at hand allow."""

from pathlib import Path

from faceguard.detectors import centerface, weights, yunet
from faceguard.detectors.base import Detector
from faceguard.detectors.plan import Look, Looker, Plan
from faceguard.errors import Unsafe
from faceguard.result import Why


def looker(models: Path | None = None, *, packaged: Path = weights.PACKAGED) -> Looker:
    """A Looker with the best plan there is; raises Unsafe(NO_DETECTOR) when no known weights are at hand.

    models: a folder of the operator's own weights beside the packaged ones.
    """
    at_hand = weights.found([packaged, models] if models else [packaged])
    match weights.plan_of(at_hand):
        case "full":
            small, large = (yunet.YuNet(at_hand[one]) for one in (weights.YUNET, weights.YUNET_N))
            return Looker(full(centerface.CenterFace(at_hand[weights.CENTERFACE]), small, large))
        case "standard":
            return Looker(standard(centerface.CenterFace(at_hand[weights.CENTERFACE])))
        case _:
            raise Unsafe(Why.NO_DETECTOR)


def standard(center: Detector) -> Plan:
    """The plan of the packaged weights alone: three sizes, of which the smallest costs little and finds the large."""
    return Plan(
        name="standard",
        looks=(Look(center, 320), Look(center, 512), Look(center, 960)),
        quick=(Look(center, 512),),
        thresholds=(0.3, 0.12, 0.08, 0.12, 0.25, 0.45),
        padding=1.27,
    )


def full(center: Detector, small: Detector, large: Detector) -> Plan:
    """The plan with the operator's YuNet files: finds more, in less time."""
    return Plan(
        name="full",
        looks=(Look(small, 320), Look(small, 640), Look(large, 640), Look(center, 512)),
        quick=(Look(small, 320), Look(small, 640)),
        thresholds=(0.45, 0.25, 0.17, 0.2, 0.35, 0.5),
        padding=1.3,
    )
