"""Bytes to pixels: the only place where a picture is decoded, and by one decoder (Pillow).

A second decoder would disagree with the first about orientation and colour, and the cover would land
on the wrong place. What comes out is a fresh sRGB array; no metadata, alpha or further frame survives.
"""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
from PIL import AvifImagePlugin, Image, ImageCms, UnidentifiedImageError

from faceguard.errors import Unsafe
from faceguard.formats import decoder_for, is_raw
from faceguard.pixels import Rgb
from faceguard.result import Limits, Why

try:
    import pillow_heif
except ImportError:  # the extra `heic`
    HEIC = False
else:
    HEIC = True
    # Only the picture itself: a thumbnail, a depth map or a gain map may show what the picture does not.
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=0)

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # of the cores there are, a worker is to take one

GREY = (128, 128, 128)

_SRGB = ImageCms.createProfile("sRGB")

# A decoder that meets hostile bytes may raise any of these; all mean the same to us.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)

# EXIF orientation -> (transpose first?, flip left-right?, flip top-bottom?), CIPA DC-008 §4.6.4
_TURNS = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


class Decoded:
    """An upright sRGB picture, reduced to what the detectors need, and the size that it came with."""

    __slots__ = ("height", "rgb", "width")

    def __init__(self, rgb: Rgb, width: int, height: int) -> None:
        self.rgb = rgb
        self.width = width
        self.height = height


def decode(data: bytes, limits: Limits, *, long_side: int, short_side: int) -> Decoded:
    """The first frame as upright sRGB, large enough for ``long_side`` x ``short_side`` and not much larger.

    Raises Unsafe for a format off the list, too many bytes or pixels, a truncated or damaged file, float pixels.
    A picture smaller than asked for keeps its size.
    """
    if len(data) > limits.max_bytes:
        raise Unsafe(Why.TOO_LARGE)
    decoder = decoder_for(data)
    if decoder == "HEIF" and not HEIC:
        raise Unsafe(Why.NOT_INSTALLED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=(decoder,)) as image:
                return _frame(image, limits, long_side, short_side)
    except UnidentifiedImageError:
        raise Unsafe(Why.UNREADABLE) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unsafe(Why.TOO_MANY_PIXELS) from None
    except MemoryError:
        raise Unsafe(Why.OUT_OF_MEMORY) from None
    except _BROKEN as error:
        raise Unsafe(Why.TRUNCATED if "truncated" in str(error) else Why.UNREADABLE) from None


def _frame(image: Image.Image, limits: Limits, long_side: int, short_side: int) -> Decoded:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise Unsafe(Why.TOO_MANY_PIXELS)
    if image.format == "TIFF" and is_raw(getattr(image, "tag_v2", {})):
        raise Unsafe(Why.CAMERA_RAW)
    ratio = min(1.0, max(long_side / max(width, height), short_side / min(width, height)))
    target = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    if image.format == "JPEG" or image.format == "MPO":
        image.draft(None, target)  # lets the JPEG decoder skip what would be thrown away
    image.load()
    # Read after loading: the TIFF reader turns the picture by itself and then drops the tag.
    orientation = image.getexif().get(0x0112, 1)
    profile = image.info.get("icc_profile")
    rgb = _srgb(_reduced(_plain(image), target), profile)
    transpose, left_right, top_bottom = _TURNS.get(orientation, (False, False, False))
    if transpose:
        rgb = rgb.transpose(1, 0, 2)
        width, height = height, width
    if left_right:
        rgb = rgb[:, ::-1]
    if top_bottom:
        rgb = rgb[::-1]
    return Decoded(np.ascontiguousarray(rgb), width, height)


def _plain(image: Image.Image) -> Image.Image:
    """The picture in RGB, RGBA or CMYK, whatever mode it had."""
    if image.mode == "F":
        raise Unsafe(Why.UNSUPPORTED_PIXELS)
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_stretched(np.asarray(image))).convert("RGB")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), _SRGB, outputMode="RGB") or image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")


def _stretched(values: np.ndarray) -> np.ndarray:
    """Deep grey values brought to 0..255 by their own range; a plain conversion would clip nearly all to white."""
    low, high = int(values.min()), int(values.max())
    scaled = (values.astype(np.float32) - low) * (255 / max(1, high - low))
    return scaled.astype(np.uint8)


def _reduced(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    if target[0] * 1.5 < image.width or target[1] * 1.5 < image.height:
        return image.resize(target, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return image


def _srgb(image: Image.Image, profile: object) -> Rgb:
    """Colours as a viewer would show them: transparency over grey, the embedded profile applied and then forgotten."""
    if image.mode == "RGBA":
        canvas = Image.new("RGBA", image.size, (*GREY, 255))
        image = Image.alpha_composite(canvas, image).convert("RGB")
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            image = converted or image
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that does not fit or cannot be read changes the tint, not what is hidden
    return np.array(image.convert("RGB"), dtype=np.uint8)


def resized(rgb: Rgb, width: int, height: int) -> Rgb:
    """The picture at another size; averaged when it shrinks, so that nothing small is skipped."""
    if rgb.shape[:2] == (height, width):
        return rgb
    smaller = width * height < rgb.shape[0] * rgb.shape[1]
    return np.asarray(
        cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )
