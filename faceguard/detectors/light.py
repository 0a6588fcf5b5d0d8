"""The light of a picture: what detectors are shown of a dark or noisy one, and whether there is colour in it."""

import cv2
import numpy as np

from faceguard.pixels import Rgb

_DIM = 200  # a picture whose bright end lies below this is shown brighter,
_BRIGHT = 235  # with that end brought here,
_DARKEST = 20  # but never more than a dozen times
_SAMPLE = 4  # every so many pixels are enough to judge by
_PALE = 3  # a picture whose channels lie no further than this from their mean, on average, has no colour

_NOISY = 8.0  # standard deviation of the noise from which a picture is shown calmer; sharp ones measure 2 at most
_SECOND_DIFFERENCES = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
_TIMES = 6 * 0.6745  # how much these make of noise, and the median of its absolute value in standard deviations
_PATCH, _AROUND = 5, 11


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


def calmed(rgb: Rgb) -> Rgb:
    """The picture with most of its noise averaged away where it is strong, for the detectors' eyes only.

    Non-local means (Buades, Coll, Morel 2005) at the strength of the noise; costs about a second for each megapixel, of
    noisy pictures alone.
    """
    noise = _noise(rgb)
    if noise < _NOISY:
        return rgb
    return np.asarray(cv2.fastNlMeansDenoisingColored(rgb, None, noise, noise, _PATCH, _AROUND), np.uint8)


def _noise(rgb: Rgb) -> float:
    """Standard deviation of the noise, from second differences, in which edges count little (Immerkær 1996)."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, _SECOND_DIFFERENCES)))) / _TIMES
