"""What runs inside a scanner's process: one file after another, of which it sees the ranges that it asks for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, FrozenImporter

from catalog.vocabulary import ScanRefusal, ScanVerdict
from faceguard.bounds import allow_cpu, bound_reach
from faceguard.confine import confine
from faceguard.frames import frame, read_frame
from faceguard.seccomp import Unsupported
from gateway.pickles.inert import LENGTH
from gateway.pickles.messages import READY, Range, refused, said
from gateway.pickles.ranged import RangedFile
from gateway.pickles.scan import scan

CPU_S = 300  # for one file
PIECE = 2**20
AHEAD = 64 * 1024  # read at once where little is asked for


def main() -> None:
    """Serve until standard input ends. Call bounds.bound_memory first."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def read(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise SystemExit  # the scanner has gone, or wants no more
        return data

    def say(message: bytes) -> None:
        sink.write(message)
        sink.flush()

    locked_in = _locked_in()
    say(frame(READY))
    while True:
        (size,) = LENGTH.unpack(read_frame(read, LENGTH.size))
        allow_cpu(CPU_S)
        asked = io.BufferedReader(_Asked(size, read, say), AHEAD)
        result = scan(asked) if locked_in else refused(ScanRefusal.UNCONFINED)
        say(said(result))
        if result.why is ScanRefusal.TOO_LARGE:
            return  # what is left of the heap is nothing to build on


def _locked_in() -> bool:
    _rehearse()
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter]  # what is missing is missing, and no file is looked for
    bound_reach()
    try:
        confine()
    except Unsupported:
        return False
    return True


class _Asked(RangedFile):
    """The file: every range of it is asked of the scanner."""

    def __init__(self, size: int, read: Callable[[int], bytes], say: Callable[[bytes], None]) -> None:
        super().__init__(size)
        self._read = read
        self._say = say

    def bytes_at(self, start: int, stop: int) -> bytes:
        self._say(said(Range(start, min(stop, start + PIECE))))
        return read_frame(self._read, PIECE)


def _rehearse() -> None:
    """Read a file of each kind: what the libraries load when they are first used is loaded while that can be done."""
    inner = pickle.dumps({"a": [1.5, b"x", {2}, bytearray(9)]}, 5)
    kinds = [inner, b"(i\nno\n.", gzip.compress(inner), bz2.compress(inner), lzma.compress(inner), zlib.compress(inner)]
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, kind in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
            archive.writestr(f"é{number}", inner, kind)
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        info = tarfile.TarInfo("é")
        info.size = len(inner)
        tar.addfile(info, io.BytesIO(inner))
    for content in (*kinds, zipped.getvalue(), tarred.getvalue()):
        if scan(io.BytesIO(content)).verdict is ScanVerdict.REFUSED:
            raise RuntimeError("a file of our own was refused")
    for encoding in ("ascii", "cp437", "latin-1", "utf-8", "utf-16", "utf-32", "raw_unicode_escape", "unicode_escape"):
        "a".encode(encoding).decode(encoding)
