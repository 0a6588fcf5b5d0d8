"""Coverage-guided fuzzing of the decoder in this process; needs `pip install atheris`, which is no dependency of ours.

    python -m tests.fault.fuzz_decode [FOLDER] [-max_total_time=600] [further options of libFuzzer]

Anything that ``decode`` raises beside Unsafe is a find: it would cost a worker its life instead of a plain refusal. The
folder keeps inputs that reached new code, and starts with the small pictures of tests/fault/mutations.py.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

import atheris  # type: ignore[import-not-found]  # installed for the run alone

with atheris.instrument_imports(include=["PIL", "faceguard"]):
    from PIL import Image

    from faceguard.decode import decode
    from faceguard.errors import Unsafe
    from faceguard.result import Limits

from tests.fault.mutations import originals

LIMITS = Limits(max_pixels=250_000)


def one(data: bytes) -> None:
    """One input."""
    try:
        picture = decode(data, LIMITS, long_side=64, short_side=22)
    except Unsafe:
        return
    assert picture.rgb.ndim == 3
    assert picture.rgb.shape[2] == 3
    assert picture.rgb.size


def main() -> None:
    """Run until the time given is over or something is found."""
    arguments = sys.argv[1:]
    folder = Path(arguments.pop(0)) if arguments and not arguments[0].startswith("-") else Path("artefacts/fuzz-decode")
    folder.mkdir(parents=True, exist_ok=True)
    for data in originals():
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    warnings.simplefilter("ignore")  # of Pillow, about what it finds odd
    Image.init()
    atheris.Setup([sys.argv[0], str(folder), "-rss_limit_mb=4096", "-timeout=30", *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
