"""What a plan hides against what it covers and costs: the curve on which plans and thresholds were chosen.

    python -m benchmarks.curve FOLDER... [--models DIR] [--step N] [--plans NAME,NAME] [--out artefacts/curve]

Each FOLDER holds annotated pictures (faceguard.evaluate.annotations). Every candidate plan is tried with its thresholds
times several numbers, and judged by pixels as ``faceguard eval`` does, but without second look and encoding.
Milliseconds are CPU time of the detectors, of one thread: fair on a machine that others use too.
"""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.candidates import candidates
from benchmarks.plot import plot
from faceguard.cover import cover, noise_source
from faceguard.decode import decode, resized
from faceguard.detectors import weights
from faceguard.detectors.base import Detector
from faceguard.detectors.centerface import CenterFace
from faceguard.detectors.plan import PANORAMA, Looker, Plan
from faceguard.detectors.yunet import YuNet
from faceguard.evaluate.annotations import Box, read
from faceguard.evaluate.judge import changed_area, hidden
from faceguard.evaluate.score import SEEN
from faceguard.pipeline import MOST
from faceguard.pixels import Boxes, Rgb
from faceguard.result import Limits

PREVIEW = 512
MULTIPLIERS = (0.5, 0.7, 1.0, 1.4, 2.0)


class Known(NamedTuple):
    """A picture: its bytes, its width, and its faces in its own pixels."""

    data: bytes
    width: int
    faces: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Point:
    """hidden, small: shares of faces of 16 px and more, and of 8 to 16. open, withheld: pictures. area: mean share."""

    plan: str
    multiplier: float
    hidden: float
    small: float
    open: int
    withheld: int
    area: float
    ms: float


class Remembering:
    """A detector that answers each picture once; ``spent`` adds up what its answers cost when they were first given."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._answers: dict[bytes, tuple[Boxes, float]] = {}
        self.spent = 0.0

    def find(self, rgb: Rgb) -> Boxes:
        """See Detector.find."""
        key = hashlib.sha256(np.ascontiguousarray(rgb).data).digest() + bytes(str(rgb.shape), "ascii")
        if key not in self._answers:
            start = time.thread_time()
            boxes = self._detector.find(rgb)
            self._answers[key] = boxes, time.thread_time() - start
        boxes, cost = self._answers[key]
        self.spent += cost
        return boxes.copy()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; write it as JSON and its curve as SVG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--models", type=Path, help="folder of the operator's weights")
    parser.add_argument("--step", type=int, default=1, help="take every so many pictures")
    parser.add_argument("--plans", default="", help="names of candidates, by commas; default all")
    parser.add_argument("--out", type=Path, default=Path("artefacts/curve"), help="without its ending")
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    at_hand = weights.found([weights.PACKAGED, *([given.models] if given.models else [])])
    readers = {weights.CENTERFACE: CenterFace, weights.YUNET: YuNet, weights.YUNET_N: YuNet}
    remembering = {known: Remembering(reader(at_hand[known])) for known, reader in readers.items() if known in at_hand}
    plans = candidates(
        remembering[weights.CENTERFACE], remembering.get(weights.YUNET), remembering.get(weights.YUNET_N)
    )
    wanted = given.plans.split(",") if given.plans else list(plans)
    pictures = [
        Known((folder / picture.name).read_bytes(), picture.size[0], picture.faces)
        for folder in given.folders
        for picture in read(folder)[:: given.step]
    ]
    points = curve({name: plans[name] for name in wanted}, pictures, list(remembering.values()))
    print(f"{len(pictures)} pictures")
    print(table(points))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    told = {"folders": [folder.name for folder in given.folders], "pictures": len(pictures)}
    given.out.with_suffix(".json").write_text(json.dumps({**told, "points": [asdict(point) for point in points]}))
    lines = {
        f"{name}, {statistics.mean(p.ms for p in points if p.plan == name):.0f} ms": [
            (point.area, point.hidden) for point in points if point.plan == name
        ]
        for name in wanted
    }
    plot(given.out.with_suffix(".svg"), lines, "share of the preview changed", "faces of 16 px and more hidden")


def curve(plans: Mapping[str, Plan], pictures: Sequence[Known], detectors: Sequence[Remembering]) -> list[Point]:
    """A point for each plan and multiplier. ``detectors`` are those inside the plans."""
    rows: dict[tuple[str, float], list[_Seen]] = {}
    for picture in pictures:
        for name, plan in plans.items():
            for multiplier in MULTIPLIERS:
                row = rows.setdefault((name, multiplier), [])
                row.append(_seen(Looker(scaled(plan, multiplier)), picture, detectors))
    return [_point(name, multiplier, seen) for (name, multiplier), seen in rows.items()]


def scaled(plan: Plan, multiplier: float) -> Plan:
    """The plan with every threshold times a number."""
    return plan._replace(thresholds=tuple(t * multiplier for t in plan.thresholds))


def table(points: Sequence[Point]) -> str:
    """The points as lines of columns."""
    lines = [f"{'plan':<24} {'times':>5} {'hidden':>7} {'8-16':>6} {'open':>5} {'withheld':>8} {'area':>6} {'ms':>5}"]
    lines += [
        f"{p.plan:<24} {p.multiplier:>5.2g} {p.hidden:>7.4f} {p.small:>6.3f} {p.open:>5} "
        f"{p.withheld:>8} {p.area:>6.3f} {p.ms:>5.0f}"
        for p in points
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Seen:
    """large, small: whether each face of that height is hidden. covered: share under plates. area: share changed."""

    large: tuple[bool, ...]
    small: tuple[bool, ...]
    covered: float
    area: float
    ms: float


def _seen(looker: Looker, picture: Known, detectors: Sequence[Remembering]) -> _Seen:
    side = looker.plan.long_side
    decoded = decode(picture.data, Limits(), long_side=side, short_side=round(side / PANORAMA))
    scale = min(1.0, PREVIEW / max(decoded.width, decoded.height))
    before = resized(decoded.rgb, max(1, round(decoded.width * scale)), max(1, round(decoded.height * scale)))
    spent = sum(detector.spent for detector in detectors)
    boxes = looker.find(decoded.rgb, max(before.shape[:2]))
    spent = sum(detector.spent for detector in detectors) - spent
    boxes[:, :4] *= max(before.shape[:2]) / max(decoded.rgb.shape[:2])
    covered = cover(before, boxes, noise_source(b"", picture.data), looker.plan.padding)
    scale = before.shape[1] / picture.width
    faces: list[Box] = [(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in picture.faces]

    def told(least: float, below: float) -> tuple[bool, ...]:
        return tuple(hidden(before, covered.rgb, face) for face in faces if least <= face[3] < below and face[2] >= 2)

    return _Seen(
        told(SEEN, np.inf), told(SEEN / 2, SEEN), covered.share, changed_area(before, covered.rgb), spent * 1e3
    )


def _point(name: str, multiplier: float, seen: Sequence[_Seen]) -> Point:
    shown = [one for one in seen if one.covered <= MOST]  # what is withheld hides all that it holds
    return Point(
        plan=name,
        multiplier=multiplier,
        hidden=1 - sum(one.large.count(False) for one in shown) / max(1, sum(len(one.large) for one in seen)),
        small=1 - sum(one.small.count(False) for one in shown) / max(1, sum(len(one.small) for one in seen)),
        open=sum(not all(one.large) for one in shown),
        withheld=len(seen) - len(shown),
        area=statistics.mean(one.area for one in shown) if shown else 1.0,
        ms=statistics.median(one.ms for one in seen),
    )


if __name__ == "__main__":
    main()
