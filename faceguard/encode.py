"""Pixels to a bare JPEG, and the check that it is bare."""

import io

from PIL import Image

from faceguard.bare import is_bare
from faceguard.errors import Unsafe
from faceguard.pixels import Rgb
from faceguard.result import Why

_QUALITY = 85


def encode(rgb: Rgb) -> bytes:
    """A JPEG of the pixels and of nothing else; raises Unsafe(VERIFY_FAILED) if anything else is found in it."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=_QUALITY, exif=b"", icc_profile=None, comment=None)
    data = buffer.getvalue()
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as again:
        again.load()
        faithful = again.mode == "RGB" and again.size == (rgb.shape[1], rgb.shape[0])
    if not (faithful and is_bare(data)):
        raise Unsafe(Why.VERIFY_FAILED)
    return data
