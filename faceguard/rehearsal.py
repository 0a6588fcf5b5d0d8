"""A preview of each kind before the first one that counts: afterwards everything that a preview needs is loaded.

Libraries load parts of themselves when they are first used. A worker that has locked itself in can load nothing, so it
uses all of them once while the door is still open.
"""

import io
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter

import numpy as np
import numpy.ma  # numpy loads it when a rarely used function is first called
from PIL import Image, ImageCms, features

from faceguard.detectors.plan import Looker
from faceguard.pipeline import safe_preview
from faceguard.result import Refused
from faceguard.verify import SecondLook

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be")  # of texts inside pictures


def rehearse(looker: Looker, second: SecondLook) -> None:
    """Preview a small picture of every format, and one that is large enough to be looked at for faces."""
    Image.init()
    for encoding in _ENCODINGS:
        "".encode(encoding)
    pictures = [_drawn(32, kind) for kind in _FORMATS if kind != "AVIF" or features.check("avif")]
    for picture in (*pictures, _drawn(160, "PNG")):
        result = safe_preview(picture, looker=looker, second=second)
        if isinstance(result, Refused):
            raise RuntimeError(f"a picture of our own was refused: {result.why}")


def load_no_more() -> None:
    """From now on a missing module is missing, rather than a file that cannot be read."""
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter]


def _drawn(side: int, kind: str) -> bytes:
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    rgb = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=2)
    buffer = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(rgb).save(buffer, kind, icc_profile=profile)
    return buffer.getvalue()
