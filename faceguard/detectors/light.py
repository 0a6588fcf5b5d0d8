"""What the detectors are shown of a dark picture; the preview itself is made from the picture as is."""

import numpy as np

from faceguard.pixels import Rgb

_DIM = 200  # a picture whose bright end lies below this is shown brighter,
_BRIGHT = 235  # with that end brought here,
_DARKEST = 20  # but never more than a dozen times
_SAMPLE = 4  # every so many pixels are enough to judge by


def brightened(rgb: Rgb) -> Rgb:
    """The picture with its bright end brought up when it is dark; detectors were made for daylight."""
    bright_end = float(np.percentile(rgb[::_SAMPLE, ::_SAMPLE], 99))
    if bright_end >= _DIM:
        return rgb
    gain = _BRIGHT / max(bright_end, _DARKEST)
    return np.asarray(np.minimum(rgb * np.float32(gain), 255), np.uint8)
