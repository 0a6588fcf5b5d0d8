import json
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from catalog.policy.warrant import read
from gateway.demo.content import ASSETS, TERMS, write_demo
from gateway.demo.onnx_weights import tensors


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def test_every_asset_has_content_a_card_in_two_languages_and_a_warrant_that_reads(demo):
    for asset in ASSETS:
        card = (demo / asset.folder / "README.md").read_text(encoding="utf-8")
        assert "## English" in card
        assert "## 中文" in card
        warrant, wrong = read(tomllib.loads((demo / asset.warrant).read_text(encoding="utf-8")))
        assert wrong == {}
        assert warrant is not None


def test_the_terms_say_the_same_ten_points_in_both_languages(demo):
    texts = [(demo / "terms" / f"{TERMS}.{language}.md").read_text(encoding="utf-8") for language in ("zh", "en")]
    assert all(f"\n{number}. **" in text for text in texts for number in range(1, 11))


def test_the_faces_are_many_pictures_of_many_shapes_under_neutral_names(demo):
    found = pictures(demo / "street-faces")
    assert len(found) >= 60
    assert {path.parent.name for path in found} == {"portraits", "groups", "walls"}
    assert sorted(path.name for path in found) == [f"img_{number:04}.jpg" for number in range(1, len(found) + 1)]
    shapes = Counter()
    for path in found:
        with Image.open(path) as image:
            image.load()
            shapes[image.size] += 1
    assert len(shapes) >= 10


def test_the_poses_are_whole_pictures(demo):
    assert len(pictures(demo / "body-poses")) >= 24


def test_no_two_pictures_are_the_same(demo):
    found = [path.read_bytes() for path in pictures(demo)]
    assert len(set(found)) == len(found)


def test_the_demo_is_the_same_on_every_run(demo, tmp_path):
    write_demo(tmp_path)
    written = {path.relative_to(demo): path.read_bytes() for path in demo.rglob("*") if path.is_file()}
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert again == written


def test_the_model_holds_the_detectors_own_weights(demo):
    weights = load_file(demo / "face-box" / "model.safetensors")
    config = json.loads((demo / "face-box" / "config.json").read_text())
    assert sum(tensor.size for tensor in weights.values()) == config["parameters"] > 1_500_000
    assert all(tensor.dtype == np.float32 and np.isfinite(tensor).all() for tensor in weights.values())
    # the first layer looks at three colours through small kernels
    assert any(tensor.shape[1:] == (3, 3, 3) for tensor in weights.values() if tensor.ndim == 4)


def test_a_tensor_of_another_type_is_refused():
    double = bytes([0x08, 1, 0x10, 11, 0x42, 1]) + b"w" + bytes([0x4A, 8]) + bytes(8)
    graph = bytes([0x2A, len(double)]) + double
    with pytest.raises(ValueError, match="'w' has ONNX type 11"):
        tensors(bytes([0x3A, len(graph)]) + graph)
