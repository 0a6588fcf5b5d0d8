"""The best plan that the weights at hand allow."""

from pathlib import Path

from faceguard.detectors import centerface, weights, yunet
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
