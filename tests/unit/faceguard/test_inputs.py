"""Every kind of file that is taken, with a face and a secret planted in it: the preview shows neither."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from faceguard import Blurred, Limits, Refused, Why
from faceguard.bare import is_bare
from faceguard.decode import HEIC, decode
from faceguard.pipeline import safe_preview

SECRET = b"planted-secret"
SIZE = (400, 300)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int = 1) -> bytes:
    """EXIF that tells a secret and carries a thumbnail, as a camera writes it."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = SECRET.decode()
    return tags.tobytes() + encoded(Image.new("RGB", (160, 120), "pink"), "JPEG", comment=SECRET)


def profile() -> bytes:
    """A profile whose description is a name."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made + SECRET


def second() -> Image.Image:
    """Another picture than the first: what it shows must not be seen."""
    return Image.new("RGB", SIZE, (250, 20, 250))


def ycck(image: Image.Image) -> bytes:
    """A JPEG of four channels, the first three turned into brightness and colour, as some editors write it."""
    # Adobe's four channels stand in the file turned over, and so does what Pillow writes: the one undoes the other.
    turned = [ImageOps.invert(channel) for channel in ImageOps.invert(image).convert("YCbCr").split()]
    flipped = [*turned, Image.new("L", image.size, 0)]
    data = bytearray(encoded(Image.merge("CMYK", flipped), "JPEG", quality=95, subsampling=0))
    adobe = data.index(b"Adobe")
    assert data[adobe + 11] == 0
    data[adobe + 11] = 2
    return bytes(data)


def ultra_hdr(image: Image.Image) -> bytes:
    """A JPEG whose gain map is a second JPEG behind it, announced by XMP and by a multi-picture index."""
    both = encoded(image, "MPO", save_all=True, append_images=[second()], exif=exif())
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta hdrgm:Version="1.0">' + SECRET + b"</x:xmpmeta>"
    return both[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + both[2:]


def lab(image: Image.Image) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert converted is not None
    return converted


def deep_grey(image: Image.Image) -> Image.Image:
    """Sixteen bits a pixel, of which a sensor of twelve bits fills the lowest."""
    return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 16)


def deep_rgb(image: Image.Image) -> bytes:
    """A TIFF of sixteen bits a channel, written by hand: Pillow reads such files and writes none."""
    pixels = (np.asarray(image, "<u2") * 257).tobytes()
    text = SECRET + b"\0"
    after = 8 + 2 + 12 * 9 + 4
    entries = [
        (256, 4, 1, image.width),
        (257, 4, 1, image.height),
        (258, 3, 3, after),
        (262, 3, 1, 2),
        (270, 2, len(text), after + 6),
        (273, 4, 1, after + 6 + len(text) + 1),
        (277, 3, 1, 3),
        (278, 4, 1, image.height),
        (279, 4, 1, len(pixels)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<3H", 16, 16, 16) + text + b"\0" + pixels


def transparent(image: Image.Image) -> Image.Image:
    """The picture with its left third seen through; what lies under that is in the file all the same."""
    out = image.convert("RGBA")
    out.putalpha(
        Image.fromarray(
            np.where(np.arange(SIZE[0]) < SIZE[0] // 3, 0, 255).astype(np.uint8)[None, :].repeat(SIZE[1], 0)
        )
    )
    return out


INPUTS: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda i: encoded(i, "JPEG", exif=exif(), icc_profile=profile(), comment=SECRET, xmp=SECRET) + SECRET,
    "JPEG, progressive": lambda i: encoded(i, "JPEG", progressive=True, comment=SECRET),
    "JPEG, grey": lambda i: encoded(i.convert("L"), "JPEG", comment=SECRET),
    "JPEG, CMYK": lambda i: encoded(i.convert("CMYK"), "JPEG", comment=SECRET, quality=95),
    "JPEG, YCCK": lambda i: ycck(i) + SECRET,
    "JPEG with a thumbnail behind it": lambda i: encoded(i, "JPEG") + encoded(second(), "JPEG", comment=SECRET),
    "MPO": lambda i: encoded(i, "MPO", save_all=True, append_images=[second()], exif=exif()),
    "Ultra HDR": ultra_hdr,
    "PNG": lambda i: encoded(i, "PNG", exif=exif(), icc_profile=profile()) + SECRET,
    "PNG, palette": lambda i: encoded(i.quantize(256), "PNG") + SECRET,
    "PNG, grey and alpha": lambda i: encoded(i.convert("LA"), "PNG") + SECRET,
    "PNG, alpha": lambda i: encoded(i.convert("RGBA"), "PNG", exif=exif()),
    "PNG, 16 bits": lambda i: encoded(deep_grey(i), "PNG") + SECRET,
    "APNG": lambda i: encoded(i, "PNG", save_all=True, append_images=[second()], exif=exif()),
    "WebP": lambda i: encoded(i, "WEBP", exif=exif(), icc_profile=profile(), xmp=SECRET),
    "WebP, lossless, alpha": lambda i: encoded(i.convert("RGBA"), "WEBP", lossless=True, xmp=SECRET),
    "WebP, animated": lambda i: encoded(i, "WEBP", save_all=True, append_images=[second()], xmp=SECRET),
    "GIF": lambda i: encoded(i, "GIF", comment=SECRET) + SECRET,
    "GIF, animated": lambda i: encoded(i, "GIF", save_all=True, append_images=[second()], comment=SECRET),
    "BMP": lambda i: encoded(i, "BMP") + SECRET,
    "TIFF": lambda i: encoded(i, "TIFF", description=SECRET.decode(), icc_profile=profile()),
    "TIFF, packed": lambda i: encoded(i, "TIFF", compression="tiff_lzw", description=SECRET.decode()),
    "TIFF, pages": lambda i: encoded(i, "TIFF", save_all=True, append_images=[second()], description=SECRET.decode()),
    "TIFF, CMYK": lambda i: encoded(i.convert("CMYK"), "TIFF", description=SECRET.decode()),
    "TIFF, LAB": lambda i: encoded(lab(i), "TIFF", description=SECRET.decode()),
    "TIFF, 16 bits": lambda i: encoded(deep_grey(i), "TIFF", description=SECRET.decode()),
    "TIFF, 16 bits a channel": deep_rgb,
    "AVIF": lambda i: encoded(i, "AVIF", exif=exif(), icc_profile=profile(), xmp=SECRET),
    "AVIF, alpha": lambda i: encoded(i.convert("RGBA"), "AVIF", xmp=SECRET),
    "AVIF, animated": lambda i: encoded(i, "AVIF", save_all=True, append_images=[second()], xmp=SECRET),
    "HEIC": lambda i: encoded(i, "HEIF", exif=exif(), xmp=SECRET),
    "HEIC, two pictures": lambda i: encoded(i, "HEIF", save_all=True, append_images=[second()], xmp=SECRET),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_the_preview_is_bare_and_shows_neither_the_face_nor_a_further_picture(kind, pasted, left_over):
    if kind.startswith("HEIC") and not HEIC:
        pytest.skip("the extra heic is not installed")
    picture = pasted("grace_hopper.jpg", face_px=90, size=SIZE, ground="brick.png")
    data = INPUTS[kind](picture.image)
    assert SECRET in data
    result = safe_preview(data, key=b"k")
    assert isinstance(result, Blurred)
    assert SECRET not in result.jpeg
    assert is_bare(result.jpeg)
    with Image.open(io.BytesIO(result.jpeg)) as image:
        image.load()
        assert (image.mode, image.size, getattr(image, "n_frames", 1)) == ("RGB", SIZE, 1)
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
        assert not image.getexif()
        after = np.asarray(image)
    before = np.asarray(picture.image)
    assert left_over(before, after, picture.face) < 0.2
    # It is this very picture, the right way round and in its own brightness: the ground around the face is still there.
    assert left_over(before, after, (10, 10, 390, 60)) > 0.5


def test_what_transparency_hid_stays_hidden_and_the_rest_is_covered_as_ever(pasted, left_over):
    picture = pasted(face_px=90, size=SIZE, centre=(0.7, 0.5), ground="brick.png")
    for kind in ("PNG", "WEBP", "AVIF"):
        result = safe_preview(encoded(transparent(picture.image), kind, quality=95))
        assert isinstance(result, Blurred)
        with Image.open(io.BytesIO(result.jpeg)) as image:
            after = np.asarray(image)
        assert np.abs(after[:, : SIZE[0] // 3 - 8].astype(int) - 128).mean() < 4
        assert left_over(np.asarray(picture.image), after, picture.face) < 0.2


@pytest.mark.parametrize("kind", ["JPEG, CMYK", "JPEG, YCCK", "TIFF, CMYK", "TIFF, LAB", "TIFF, 16 bits a channel"])
def test_colours_survive_their_way_through_other_spaces(kind, pasted):
    image = pasted(size=SIZE, ground="coffee.png").image
    got = decode(INPUTS[kind](image), Limits(), long_side=400, short_side=300).rgb
    assert np.abs(got.astype(int) - np.asarray(image, int)).mean() < 6


@pytest.mark.skipif(HEIC, reason="the extra heic is installed")
def test_heic_without_its_extra_is_refused_and_says_what_is_missing():
    assert safe_preview(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)) == Refused(Why.NOT_INSTALLED)


@pytest.mark.skipif(not HEIC, reason="the extra heic is not installed")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_heic_is_turned_once(orientation, pasted, left_over):
    picture = pasted("grace_hopper.jpg", face_px=90, size=SIZE, ground="brick.png")
    turn = [None, 0, 3, 1, 5, 2, 6, 4][orientation - 1]  # what brings the sensor's picture upright, undone
    sensor = picture.image if turn is None else picture.image.transpose(Image.Transpose(turn))
    got = decode(encoded(sensor, "HEIF", exif=exif(orientation), quality=95), Limits(), long_side=400, short_side=300)
    assert (got.width, got.height) == SIZE
    assert np.abs(got.rgb.astype(int) - np.asarray(picture.image, int)).mean() < 6
