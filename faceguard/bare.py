"""Whether a JPEG is bare, told from its markers alone: needs no decoder, so it is safe on untrusted bytes."""

# Segments that a picture needs, and no others: quantisation, frame, Huffman, scan, restart interval (T.81 B.1.1.3).
_NEEDED = {0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDD, 0xDA}
_SCAN = 0xDA
_END = b"\xff\xd9"
_JFIF_BYTES = 16  # of the APP0 segment when it carries no thumbnail


def is_bare(data: bytes) -> bool:
    """True when a JPEG holds one frame, no metadata, no thumbnail and not a byte after its end.

    Source: ITU T.81 Annex B.
    """
    if data[:2] != b"\xff\xd8":
        return False
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        length = int.from_bytes(data[at + 2 : at + 4])
        jfif = marker == 0xE0 and at == 2 and length == _JFIF_BYTES and data[at + 4 : at + 9] == b"JFIF\0"
        if length < 2 or not (jfif or marker in _NEEDED):
            return False
        at += 2 + length
        if marker == _SCAN:
            at = _after_scan(data, at)
            if data[at : at + 2] == _END:
                return at + 2 == len(data)
    return False


def _after_scan(data: bytes, at: int) -> int:
    """Where the next marker stands that is neither a stuffed byte nor a restart."""
    while (at := data.find(b"\xff", at)) >= 0:
        following = data[at + 1 : at + 2]
        if following != b"\0" and not b"\xd0" <= following <= b"\xd7":
            return at
        at += 2
    return len(data)
