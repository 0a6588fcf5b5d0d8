"""What every detector promises, and what the registry makes of the weights at hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceguard.detectors import registry, weights
from faceguard.detectors.base import FLOOR, Detector
from faceguard.detectors.centerface import CenterFace
from faceguard.detectors.yunet import YuNet
from faceguard.errors import Unsafe
from faceguard.result import Why

DETECTORS = ["centerface", "yunet", "yunet-n"]


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "centerface":
        return CenterFace((weights.PACKAGED / "centerface.onnx").read_bytes())
    shared: Path = request.getfixturevalue("shared")
    name = {"yunet": weights.YUNET.name, "yunet-n": weights.YUNET_N.name}[request.param]
    return YuNet((shared / "models" / name).read_bytes())


def picture(pictures: Path, name: str, width: int) -> np.ndarray:
    with Image.open(pictures / name) as image:
        return np.asarray(image.convert("RGB").resize((width, round(width * image.height / image.width))))


@pytest.mark.parametrize(("name", "centre"), [("astronaut.png", (224, 125)), ("grace_hopper.jpg", (264, 230))])
@pytest.mark.parametrize("width", [512, 333])
def test_a_plain_face_is_found_once_and_with_certainty(detector, pictures, name, centre, width):
    found = detector.find(picture(pictures, name, width))
    (sure,) = found[found[:, 4] > 0.6]
    middle = (sure[:2] + sure[2:4]) / 2 * 512 / width
    assert np.abs(middle - centre).max() < 25


def test_boxes_lie_in_the_picture_and_reach_the_floor(detector, pictures):
    rgb = picture(pictures, "hubble_deep_field.jpg", 777)
    found = detector.find(rgb)
    assert found.dtype == np.float32
    assert found.shape[1] == 5
    assert (found[:, :2] >= 0).all()
    assert (found[:, 2] <= rgb.shape[1]).all()
    assert (found[:, 3] <= rgb.shape[0]).all()
    assert (found[:, 4] >= FLOOR).all()


def test_nothing_is_found_where_nothing_is(detector):
    assert len(detector.find(np.full((320, 320, 3), 128, np.uint8))) == 0


def test_the_same_picture_gives_the_same_boxes_after_another_size(detector, pictures):
    rgb = picture(pictures, "astronaut.png", 512)
    first = detector.find(rgb)
    detector.find(rgb[:200, :300])
    assert np.array_equal(detector.find(rgb), first)


def test_the_packaged_weights_make_the_standard_plan():
    assert registry.looker().plan.name == "standard"


def test_the_operators_weights_make_the_full_plan_whatever_their_names(shared, tmp_path):
    for number, path in enumerate(sorted((shared / "models").glob("*.onnx"))):
        shutil.copy(path, tmp_path / str(number))
    assert registry.looker(tmp_path).plan.name == "full"


def test_without_known_weights_there_is_no_looker(tmp_path):
    altered = bytearray((weights.PACKAGED / "centerface.onnx").read_bytes())
    altered[-1] ^= 1
    (tmp_path / "centerface.onnx").write_bytes(altered)
    with pytest.raises(Unsafe) as refused:
        registry.looker(packaged=tmp_path)
    assert refused.value.why is Why.NO_DETECTOR


@pytest.mark.parametrize("folder", ["", "none"])
def test_an_empty_or_missing_models_folder_changes_nothing(tmp_path, folder):
    assert registry.looker(tmp_path / folder).plan.name == "standard"
