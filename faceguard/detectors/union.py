"""Several looks at one picture made into one answer: two weak votes for the same face make a strong one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceguard.pixels import Boxes, likeness

_SAME = 0.3  # boxes of two looks that overlap more than this speak of one face

HEIGHTS = (8, 16, 32, 64, 128)
"""Face heights in the preview, in pixels, at which the threshold changes."""


def fused(looks: Sequence[Boxes]) -> Boxes:
    """Each face once, best first: the boxes of all looks that overlap the best one left, made into one.

    Its score is 1 - prod(1 - the best score of each look) (noisy or). Its edges are the mean of theirs, weighted by
    score, moved outwards by how far they disagree: where looks are unsure of an edge more is covered, only there.
    """
    everything = np.concatenate(list(looks))
    source = np.repeat(np.arange(len(looks)), [len(look) for look in looks])
    left = np.argsort(-everything[:, 4], kind="stable")
    faces = []
    while len(left):
        same = likeness(everything[left[:1]], everything[left])[0] > _SAME
        same[0] = True
        faces.append(_one(everything[left[same]], source[left[same]]))
        left = left[~same]
    return np.stack(faces) if faces else everything


def _one(boxes: Boxes, source: NDArray[np.int_]) -> NDArray[np.float32]:
    """One box for those of one face, which come best first. source: the look of each."""
    if len(boxes) == 1:
        only: NDArray[np.float32] = boxes[0]
        return only
    edges, weight = boxes[:, :4], boxes[:, 4:] / boxes[:, 4].sum()
    mean = (edges * weight).sum(axis=0)
    spread = np.sqrt((np.square(edges - mean) * weight).sum(axis=0))
    _, best = np.unique(source, return_index=True)
    score = 1 - np.prod(1 - boxes[best, 4])
    return np.array([*(mean[:2] - spread[:2]), *(mean[2:] + spread[2:]), score], np.float32)


def convincing(boxes: Boxes, thresholds: Sequence[float], preview_scale: float) -> Boxes:
    """The boxes that reach the threshold of their height in the preview.

    thresholds: one for each span that HEIGHTS cuts (one more than HEIGHTS). preview_scale: preview pixels per pixel.
    """
    span = np.searchsorted(HEIGHTS, (boxes[:, 3] - boxes[:, 1]) * preview_scale, side="right")
    kept: Boxes = boxes[boxes[:, 4] >= np.asarray(thresholds)[span]]
    return kept
