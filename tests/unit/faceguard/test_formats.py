"""What is never decoded: each kind is told from its first bytes and refused with a reason of its own."""

import gzip
import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from faceguard import Blurred, Refused, Why
from faceguard.formats import decoder_for
from faceguard.pipeline import safe_preview


def brands(major: bytes, *others: bytes) -> bytes:
    """The first box of an ISO media file, and some bytes behind it."""
    body = major + bytes(4) + b"".join(others)
    return (len(body) + 8).to_bytes(4) + b"ftyp" + body + bytes(64)


def nifti(magic: bytes = b"n+1\0") -> bytes:
    header = bytearray(352)
    header[:4] = struct.pack("<i", 348)
    header[344:348] = magic
    return bytes(header) + bytes(1000)


def raw_tiff(**tags: object) -> bytes:
    """A TIFF whose first directory holds an RGB thumbnail, as a camera's raw file does."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for number, (kind, value) in tags.values():
        info.tagtype[number] = kind
        info[number] = value
    buffer = io.BytesIO()
    Image.new("RGB", (160, 120), "pink").save(buffer, "TIFF", tiffinfo=info)
    return buffer.getvalue()


LONG, BYTE, SHORT = 4, 1, 3
DNG = raw_tiff(version=(0xC612, (BYTE, b"\x01\x04\0\0")))
NEF = raw_tiff(subfile=(0xFE, (LONG, 1)), children=(0x14A, (LONG, 8)))
CFA = raw_tiff(filters=(0x828D, (SHORT, (2, 2))))

REFUSED = {
    "DICOM": (bytes(128) + b"DICM" + bytes(500), Why.MEDICAL_SCAN),
    "DICOM that pretends to be a TIFF": (b"II*\0" + bytes(124) + b"DICM" + bytes(500), Why.MEDICAL_SCAN),
    "NIfTI": (nifti(), Why.MEDICAL_SCAN),
    "NIfTI header": (nifti(b"ni1\0"), Why.MEDICAL_SCAN),
    "NIfTI, packed": (gzip.compress(nifti()), Why.MEDICAL_SCAN),
    "NIfTI 2": (struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + bytes(600), Why.MEDICAL_SCAN),
    "SVG": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", Why.DOCUMENT),
    "SVG, packed": (gzip.compress(b"<SVG width='3'></SVG>"), Why.DOCUMENT),
    "PDF": (b"%PDF-1.7\n", Why.DOCUMENT),
    "PDF behind some bytes": (b"\0" * 100 + b"%PDF-1.4\n", Why.DOCUMENT),
    "PSD": (b"8BPS\0\x01" + bytes(100), Why.DOCUMENT),
    "DNG": (DNG, Why.CAMERA_RAW),
    "NEF, ARW": (NEF, Why.CAMERA_RAW),
    "a mosaic in a TIFF": (CFA, Why.CAMERA_RAW),
    "CR2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(100), Why.CAMERA_RAW),
    "CR3": (brands(b"crx ", b"isom"), Why.CAMERA_RAW),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(100), Why.CAMERA_RAW),
    "ORF": (b"IIRO\x08\0\0\0" + bytes(100), Why.CAMERA_RAW),
    "RW2": (b"IIU\0\x18\0\0\0" + bytes(100), Why.CAMERA_RAW),
    "JPEG XL": (b"\xff\x0a" + bytes(100), Why.UNSUPPORTED_FORMAT),
    "JPEG XL in a box": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), Why.UNSUPPORTED_FORMAT),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), Why.UNSUPPORTED_FORMAT),
    "a film": (brands(b"isom", b"iso2", b"avc1", b"mp41"), Why.UNSUPPORTED_FORMAT),
    "sound": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(100), Why.UNSUPPORTED_FORMAT),
    "packed text": (gzip.compress(b"hello"), Why.UNSUPPORTED_FORMAT),
    "a broken gzip": (b"\x1f\x8b\x08" + bytes(30), Why.UNSUPPORTED_FORMAT),
    "a web page": (b"<html><body>svg</body></html>", Why.UNSUPPORTED_FORMAT),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_preview_is_made_of_is_refused_by_its_kind(kind):
    data, why = REFUSED[kind]
    assert safe_preview(data) == Refused(why)


@pytest.mark.parametrize(
    ("data", "decoder"),
    [
        (brands(b"avif", b"mif1", b"miaf"), "AVIF"),
        (brands(b"avis", b"msf1"), "AVIF"),
        (brands(b"heic", b"mif1"), "HEIF"),
        (brands(b"mif1", b"miaf", b"heic"), "HEIF"),
        (brands(b"msf1", b"hevc"), "HEIF"),
        (b"MM\0*" + bytes(20), "TIFF"),
        (b"II+\0" + bytes(20), "TIFF"),
    ],
)
def test_one_decoder_is_chosen_by_the_bytes(data, decoder):
    assert decoder_for(data) == decoder


def test_an_ordinary_tiff_is_no_raw_file():
    assert isinstance(safe_preview(raw_tiff(subfile=(0xFE, (LONG, 0)))), Blurred)


def test_the_first_bytes_decide_not_what_stands_further_inside():
    picture = io.BytesIO()
    Image.fromarray(np.zeros((80, 80, 3), np.uint8)).save(picture, "JPEG", comment=b"%PDF-1.7 <svg 8BPS")
    assert isinstance(safe_preview(picture.getvalue()), Blurred)
