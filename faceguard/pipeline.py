"""From the bytes of a picture to a preview that may be shown: decode, detect, cover, look again, encode bare."""

import threading

import cv2
import numpy as np

from faceguard.cover import Covered, cover, noise_source
from faceguard.decode import Decoded, decode, resized
from faceguard.detectors.plan import PANORAMA, Looker
from faceguard.detectors.registry import looker as best_looker
from faceguard.encode import encode
from faceguard.errors import Unsafe
from faceguard.pixels import Boxes, Rgb
from faceguard.result import Blurred, Limits, Refused, Why
from faceguard.verify import SameEyes, SecondLook, still_open

MOST = 0.7
"""A preview of which more than this share would be covered is refused."""

_TINY = 64  # a picture with a shorter side below this is likely a face and no more: it is covered whole
_SMALL = 128  # so is one with no longer side than this: of face crops at 96 and 112 pixels one in nine was missed
_CROP = 256  # so is a picture of at most this long side that faces nearly fill
_THIN = 16  # and a strip whose preview would have a shorter side below this
_LOOKS = 4  # second looks at one picture: the first covers are right nearly always, and so is the second try
_FINER = 1.25  # detectors see at least this many pixels for each of the preview

DEFAULT_LIMITS = Limits()

_own = threading.local()  # detectors keep state, so each thread has its own


def safe_preview(
    data: bytes,
    limits: Limits = DEFAULT_LIMITS,
    *,
    key: bytes = b"",
    looker: Looker | None = None,
    second: SecondLook | None = None,
) -> Blurred | Refused:
    """A preview of the picture in which every face found is covered for good, or a refusal; never the picture itself.

    data: a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file; of several frames the first is shown.
    limits: see Limits; ``wall_s`` and ``memory_bytes`` are kept by faceguard.worker.Guard, not here.
    key: keeps the noise of the covers secret; the same key and picture give the same preview.
    looker: the detectors; by default the best of the packaged weights. second: the second look; by default theirs too,
    for mediapipe is used in workers alone (faceguard.second).
    """
    try:
        looker = looker or _looker()
        second = second or SameEyes(looker)
        return _preview(data, limits, noise_source(key, data), looker, second)
    except Unsafe as refusal:
        return Refused(refusal.why)
    except MemoryError:
        return Refused(Why.OUT_OF_MEMORY)
    except cv2.error as error:
        return Refused(Why.OUT_OF_MEMORY if error.code == cv2.Error.StsNoMem else Why.CRASHED)


def _looker() -> Looker:
    if not hasattr(_own, "looker"):
        _own.looker = best_looker()
    found: Looker = _own.looker
    return found


def _preview(
    data: bytes, limits: Limits, noise: np.random.Generator, looker: Looker, second: SecondLook
) -> Blurred | Refused:
    long_side = max(looker.plan.long_side, round(_FINER * limits.preview_px))
    picture = decode(data, limits, long_side=long_side, short_side=round(long_side / PANORAMA))
    rgb = _shown(picture, limits.preview_px)
    if _too_small(picture, rgb):
        return _finished(cover(rgb, _whole(rgb), noise))
    boxes = looker.find(picture.rgb, max(rgb.shape[:2]))
    boxes[:, :4] *= max(rgb.shape[:2]) / max(picture.rgb.shape[:2])
    state, alarms = noise.bit_generator.state, 0
    for _ in range(_LOOKS):
        # All plates are laid anew from the picture, with the same noise: a plate over a plate would tell more.
        noise.bit_generator.state = state
        covered = cover(rgb, boxes, noise, looker.plan.padding)
        missed = still_open(covered, second)
        if not len(missed):
            break
        alarms += len(missed)
        boxes = np.concatenate((boxes, missed))
    else:
        return Refused(Why.VERIFY_FAILED)
    if covered.share <= MOST:
        return _finished(covered, alarms)
    if max(picture.width, picture.height) <= _CROP:
        return _finished(cover(rgb, _whole(rgb), noise), alarms)
    return Refused(Why.MOSTLY_COVERED)


def _shown(picture: Decoded, preview_px: int) -> Rgb:
    """The picture at the size of the preview, nothing covered yet."""
    scale = min(1.0, preview_px / max(picture.width, picture.height))
    return resized(picture.rgb, max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def _too_small(picture: Decoded, rgb: Rgb) -> bool:
    sides = picture.width, picture.height
    return min(sides) < _TINY or max(sides) <= _SMALL or min(rgb.shape[:2]) < _THIN


def _whole(rgb: Rgb) -> Boxes:
    return np.array([[0, 0, rgb.shape[1], rgb.shape[0], 1]], np.float32)


def _finished(covered: Covered, alarms: int = 0) -> Blurred:
    height, width = covered.rgb.shape[:2]
    return Blurred(
        jpeg=encode(covered.rgb),
        width=width,
        height=height,
        faces=covered.shapes,
        covered=round(covered.share, 4),
        alarms=alarms,
    )
