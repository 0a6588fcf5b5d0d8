"""The demo's content, written to a folder: the same bytes on every run with the same libraries."""

import hashlib
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from safetensors.numpy import save

from faceguard.detectors.weights import CENTERFACE, PACKAGED
from gateway.demo.cutouts import persons
from gateway.demo.onnx_weights import tensors
from gateway.demo.scenes import Scenes, Size

_TEXTS = Path(__file__).parent / "texts"
_SEED = 20240229
_QUALITY = 88

_PORTRAITS: Sequence[Size] = ((720, 960), (960, 720), (800, 800), (720, 900), (640, 853), (900, 720))
_GROUPS: Sequence[tuple[Size, int]] = (
    ((960, 800), 2),
    ((1080, 640), 3),
    ((800, 800), 2),
    ((1280, 600), 4),
    ((1200, 900), 3),
    ((1400, 560), 5),
)
_WALLS: Sequence[tuple[Size, int]] = (
    ((960, 720), 3),
    ((720, 960), 3),
    ((1024, 768), 4),
    ((1200, 800), 5),
    ((1280, 800), 6),
    ((800, 1200), 4),
)
_POSES: Sequence[tuple[Size, int]] = (
    ((960, 720), 1),
    ((1080, 720), 2),
    ((1280, 720), 3),
    ((720, 960), 1),
    ((1400, 700), 5),
    ((1200, 800), 3),
    ((1280, 720), 4),
    ((1200, 600), 2),
)


class DemoAsset(NamedTuple):
    """kind, name: as published. folder, warrant: below the folder that ``write_demo`` was given."""

    kind: str
    name: str
    folder: str
    warrant: str


ASSETS = (
    DemoAsset("dataset", "demo/street-faces", "street-faces", "warrants/street-faces.toml"),
    DemoAsset("dataset", "demo/body-poses", "body-poses", "warrants/body-poses.toml"),
    DemoAsset("model", "demo/face-box", "face-box", "warrants/face-box.toml"),
)

TERMS = "research-use"
"""The terms of all demo assets: terms/research-use.zh.md and terms/research-use.en.md."""


def write_demo(folder: Path) -> None:
    """Write the demo's sets, model, warrants and terms below ``folder``; files of the same names are written anew.

    Takes some seconds. Raises FileNotFoundError when the pictures or weights of the installation are missing.
    """
    scenes = Scenes(persons(), random.Random(_SEED))  # noqa: S311  pictures, not secrets
    _write_pictures(folder / "street-faces", _street(scenes))
    _write_pictures(folder / "body-poses", _poses(scenes))
    _write_model(folder / "face-box")
    for asset in ASSETS:
        _copy(f"{asset.folder}.md", folder / asset.folder / "README.md")
        _copy(f"{asset.folder}.toml", folder / asset.warrant)
    for language in ("zh", "en"):
        _copy(f"{TERMS}.{language}.md", folder / "terms" / f"{TERMS}.{language}.md")


def _street(scenes: Scenes) -> Iterator[tuple[str, Image.Image]]:
    for i in range(30):
        yield "portraits", scenes.portrait(_PORTRAITS[i % len(_PORTRAITS)], i // 3 + i)
    for i in range(18):
        yield "groups", scenes.group(*_GROUPS[i % len(_GROUPS)])
    for i in range(18):
        yield "walls", scenes.wall(*_WALLS[i % len(_WALLS)])


def _poses(scenes: Scenes) -> Iterator[tuple[str, Image.Image]]:
    for i in range(24):
        yield "scenes", scenes.pose(*_POSES[i % len(_POSES)])


def _write_pictures(folder: Path, pictures: Iterator[tuple[str, Image.Image]]) -> None:
    for number, (group, picture) in enumerate(pictures, start=1):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=_QUALITY)
        _write(folder / group / f"img_{number:04}.jpg", buffer.getvalue())


def _write_model(folder: Path) -> None:
    onnx = (PACKAGED / CENTERFACE.name).read_bytes()
    weights = {name: tensor for name, tensor in tensors(onnx).items() if tensor.dtype == np.float32}
    config = {
        "model_type": "centerface",
        "task": "face-detection",
        "parameters": sum(tensor.size for tensor in weights.values()),
        "dtype": "float32",
        "input": {"layout": "NCHW", "channels": "RGB", "range": [0, 255], "side_multiple": 32},
        "stride": 4,
        "outputs": {
            "537": "score of a face centre, 0 to 1",
            "538": "logarithm of height and width in cells",
            "539": "offset of the centre in cells, down and right",
            "540": "five landmarks, relative to the box",
        },
        "source": {"file": "centerface.onnx", "sha256": hashlib.sha256(onnx).hexdigest(), "licence": "MIT"},
    }
    _write(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
    _write(folder / "model.safetensors", save(weights, {"format": "np"}))


def _copy(text: str, target: Path) -> None:
    _write(target, (_TEXTS / text).read_bytes())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
