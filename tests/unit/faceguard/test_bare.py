import io

import numpy as np
import pytest
from PIL import Image

from faceguard.bare import is_bare
from faceguard.encode import encode


def jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((90, 70), 60).convert("RGB").save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_what_we_encode_is_bare():

    assert is_bare(encode(np.random.default_rng(2).integers(0, 256, (40, 60, 3), np.uint8)))


def test_a_plain_jpeg_is_bare_progressive_or_not():
    assert is_bare(jpeg())
    assert is_bare(jpeg(progressive=True))
    assert is_bare(jpeg(restart_marker_rows=1))


@pytest.mark.parametrize(
    "extra", [{"exif": b"Exif\0\0MM"}, {"icc_profile": b"x" * 200}, {"comment": b"c"}, {"xmp": b"x"}]
)
def test_a_jpeg_with_metadata_is_not_bare(extra):
    assert not is_bare(jpeg(**extra))


def test_a_jpeg_with_bytes_behind_it_is_not_bare():
    assert not is_bare(jpeg() + b"\0")
    assert not is_bare(jpeg() + jpeg())


def test_a_jpeg_cut_anywhere_is_not_bare():
    whole = jpeg()
    assert not any(is_bare(whole[:length]) for length in range(len(whole)))


def test_a_thumbnail_in_the_first_segment_is_seen():
    whole = jpeg()
    thumbnail = b"\xff\xe0\x00\x13JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc"
    assert not is_bare(whole[:2] + thumbnail + whole[20:])


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\x89PNG", b"\xff\xd8\xff\xe0\0\x00"])
def test_what_is_no_jpeg_is_not_bare(data):
    assert not is_bare(data)
