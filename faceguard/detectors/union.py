"""Several looks at one picture made into one answer: two weak votes for the same face make a strong one."""

from collections.abc import Sequence

import numpy as np

from faceguard.pixels import Boxes, likeness, spans

_SAME = 0.3  # boxes of two looks that overlap more than this speak of one face

HEIGHTS = (8, 16, 32, 64, 128)
"""Face heights in the preview, in pixels, at which the threshold changes."""


def fused(looks: Sequence[Boxes]) -> Boxes:
    """Every box of every look, its score now 1 - prod(1 - the best agreeing score of each look) (noisy or).

    Boxes of one face are kept side by side on purpose: what is covered later is their union.
    """
    everything = np.concatenate(list(looks))
    doubt = np.ones(len(everything), np.float32)
    for look in looks:
        for rows in spans(len(everything) if len(look) else 0):
            agreeing = np.where(likeness(everything[rows], look) > _SAME, look[None, :, 4], 0)
            doubt[rows] *= 1 - agreeing.max(axis=1)
    everything[:, 4] = 1 - doubt
    return everything


def convincing(boxes: Boxes, thresholds: Sequence[float], preview_scale: float) -> Boxes:
    """The boxes that reach the threshold of their height in the preview.

    thresholds: one for each span that HEIGHTS cuts (one more than HEIGHTS). preview_scale: preview pixels per pixel.
    """
    span = np.searchsorted(HEIGHTS, (boxes[:, 3] - boxes[:, 1]) * preview_scale, side="right")
    kept: Boxes = boxes[boxes[:, 4] >= np.asarray(thresholds)[span]]
    return kept
