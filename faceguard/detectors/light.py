"""The light of a picture: what the detectors are shown of a dark one, and whether there is colour in it."""

import numpy as np

from faceguard.pixels import Rgb

_DIM = 200  # a picture whose bright end lies below this is shown brighter,
_BRIGHT = 235  # with that end brought here,
_DARKEST = 20  # but never more than a dozen times
_SAMPLE = 4  # every so many pixels are enough to judge by
_PALE = 3  # a picture whose channels lie no further than this from their mean, on average, has no colour


def brightened(rgb: Rgb) -> Rgb:
    """The picture with its bright end brought up when it is dark; detectors were made for daylight.

    For their eyes only: the preview itself is made from the picture as it is.
    """
    bright_end = float(np.percentile(rgb[::_SAMPLE, ::_SAMPLE], 99))
    if bright_end >= _DIM:
        return rgb
    gain = _BRIGHT / max(bright_end, _DARKEST)
    return np.asarray(np.minimum(rgb * np.float32(gain), 255), np.uint8)


def colourless(rgb: Rgb) -> bool:
    """Whether the picture is grey all over, give or take what a JPEG adds."""
    sample = rgb[::_SAMPLE, ::_SAMPLE].astype(np.int16)
    return bool(np.abs(sample - sample.mean(axis=2, keepdims=True)).mean() < _PALE)
