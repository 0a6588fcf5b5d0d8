import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from faceguard.decode import GREY, decode, resized
from faceguard.errors import Unsafe
from faceguard.result import Limits, Why

LIMITS = Limits()


def pixels(data: bytes, **limits: int) -> np.ndarray:
    return decode(data, Limits(**limits), long_side=1024, short_side=300).rgb


def why(data: bytes, **limits: int) -> Why:
    with pytest.raises(Unsafe) as refused:
        pixels(data, **limits)
    return refused.value.why


def marked() -> Image.Image:
    """A picture whose four corners have four colours, so that every way of turning it shows."""
    image = Image.new("RGB", (120, 80), (120, 120, 120))
    for place, colour in {(0, 0): "red", (80, 0): "lime", (0, 50): "blue", (80, 50): "white"}.items():
        image.paste(colour, (*place, place[0] + 40, place[1] + 30))
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied_exactly_once(kind, orientation, encode_as):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode_as(marked(), kind, exif=exif if kind == "TIFF" else exif.tobytes())
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"), int)
    got = decode(data, LIMITS, long_side=1024, short_side=300)
    assert (got.width, got.height) == (expected.shape[1], expected.shape[0])
    assert np.abs(got.rgb.astype(int) - expected).mean() < 3


def test_colour_under_full_transparency_does_not_come_back(encode_as):
    hidden = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    for kind in ("PNG", "WEBP"):
        assert np.abs(pixels(encode_as(hidden, kind)).astype(int) - GREY).max() <= 1


def test_a_palette_with_a_transparent_colour_is_laid_over_grey(encode_as):
    image = Image.new("P", (80, 80), 1)
    image.putpalette([0, 0, 0, 250, 10, 10])
    assert np.abs(pixels(encode_as(image, "GIF", transparency=1)).astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_becomes_rgb(mode, encode_as):
    rgb = pixels(encode_as(marked().convert("L").convert("I;16") if mode == "I;16" else marked().convert(mode), "PNG"))
    assert rgb.shape == (80, 120, 3)
    assert rgb.std() > 30


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_every_mode_of_jpeg_becomes_rgb(mode, encode_as):
    assert pixels(encode_as(marked().convert(mode), "JPEG")).shape == (80, 120, 3)


def test_deep_grey_is_scaled_by_its_range_not_clipped(encode_as):
    ramp = np.tile(np.linspace(1000, 5000, 200).astype(np.uint16), (100, 1))
    rgb = pixels(encode_as(Image.fromarray(ramp), "PNG"))
    assert rgb.min() == 0
    assert rgb.max() == 255
    assert len(np.unique(rgb)) > 150


def test_floating_point_pixels_are_refused(encode_as):
    assert why(encode_as(Image.fromarray(np.zeros((90, 90), np.float32)), "TIFF")) is Why.UNSUPPORTED_PIXELS


def test_an_embedded_profile_is_applied_and_a_broken_one_is_ignored(encode_as):
    grey = Image.new("RGB", (90, 90), (100, 150, 200))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"not a profile"):
        got = pixels(encode_as(grey, "PNG", icc_profile=profile))
        assert np.abs(got.astype(int) - (100, 150, 200)).max() <= 2


def test_a_large_picture_is_reduced_and_its_true_size_is_kept(encode_as):
    got = decode(encode_as(Image.new("RGB", (5000, 3000)), "JPEG"), LIMITS, long_side=960, short_side=320)
    assert (got.width, got.height) == (5000, 3000)
    assert 960 <= max(got.rgb.shape[:2]) <= 1500


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_file_cut_anywhere_is_refused(kind, pasted, encode_as):
    data = encode_as(pasted(size=(320, 240)).image, kind)
    for share in (0.02, 0.3, 0.9):
        assert why(data[: int(len(data) * share)]) in {Why.TRUNCATED, Why.UNREADABLE}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Why.UNSUPPORTED_FORMAT),
        (b"hello", Why.UNSUPPORTED_FORMAT),
        (b"\xff\xd8\xff\xe0" + bytes(40), Why.UNREADABLE),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), Why.UNREADABLE),
        (b"\0\0\0\x1cftypavif" + bytes(40), Why.UNREADABLE),
    ],
)
def test_what_is_not_a_picture_is_refused_by_name(data, expected):
    assert why(data) is expected


def test_formats_off_the_list_are_refused_even_where_the_decoder_knows_them(encode_as):
    for kind in ("ICO", "PPM", "TGA", "JPEG2000", "ICNS"):
        assert why(encode_as(Image.new("RGB", (128, 128)), kind)) is Why.UNSUPPORTED_FORMAT


def test_random_damage_is_refused_or_decoded_but_never_raises_anything_else(pasted, encode_as):
    rng = np.random.default_rng(3)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        whole = encode_as(pasted(size=(160, 120), face_px=40).image, kind)
        for _ in range(25):
            data = bytearray(whole)
            for at in rng.integers(0, len(data), 6):
                data[at] = rng.integers(0, 256)
            try:
                assert pixels(bytes(data)).ndim == 3
            except Unsafe as refused:
                assert refused.why in Why  # noqa: PT017


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims and holds width x height black pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x01\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8100, 8100), (10_000, 10_000), (20_000, 20_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    assert why(bomb(*size)) is Why.TOO_MANY_PIXELS


def test_a_file_with_too_many_bytes_is_refused_unread():
    assert why(b"\xff\xd8\xff" + bytes(100), max_bytes=50) is Why.TOO_LARGE


def test_a_picture_brought_to_its_own_size_is_left_alone():
    rgb = np.zeros((4, 6, 3), np.uint8)
    assert resized(rgb, 6, 4) is rgb
    assert resized(rgb, 3, 2).shape == (2, 3, 3)
    assert resized(rgb, 12, 8).shape == (8, 12, 3)
