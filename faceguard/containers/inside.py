"""Which reader a file is for: its first bytes tell, not its name."""

from faceguard.containers.tar import is_tar
from faceguard.errors import Unsafe
from faceguard.formats import is_film
from faceguard.result import Why

HEAD = 512
"""So many first bytes tell."""

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")


def reader_for(head: bytes) -> str:
    """The name of the module of this package that reads such a file. Raises Unsafe for what none can read."""
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return "zip"
    if head.startswith((b"PAR1", b"PARE")):
        return "parquet"
    if head.startswith(_PACKED):
        raise Unsafe(Why.UNSUPPORTED_PACKING)
    if is_film(head):
        return "film"
    if is_tar(head):
        return "tar"
    raise Unsafe(Why.UNSUPPORTED_FORMAT)
