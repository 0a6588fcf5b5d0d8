from pathlib import Path

import pytest

from faceguard.detectors import weights
from faceguard.detectors.weights import CENTERFACE, KNOWN, PACKAGED, YUNET, YUNET_N, UnknownWeights


def test_known_weights_are_added_under_their_own_name_and_nothing_else_is_left(tmp_path):
    copy = tmp_path / "download (1).bin"
    copy.write_bytes((PACKAGED / CENTERFACE.name).read_bytes())
    folder = tmp_path / "new" / "models"
    assert weights.add(copy, folder) == CENTERFACE
    assert weights.add(copy, folder) == CENTERFACE
    assert [path.name for path in folder.iterdir()] == [CENTERFACE.name]
    assert weights.found([folder]) == {CENTERFACE: copy.read_bytes()}


@pytest.mark.parametrize("change", [b"", b"longer"])
def test_anything_else_is_not_copied(tmp_path, change):
    data = (PACKAGED / CENTERFACE.name).read_bytes()
    copy = tmp_path / CENTERFACE.name
    copy.write_bytes(data + change if change else data[:-1] + b"?")
    with pytest.raises(UnknownWeights) as refused:
        weights.add(copy, tmp_path / "models")
    assert len(refused.value.sha256) == 64
    assert not (tmp_path / "models").exists()


def test_a_folder_that_cannot_be_written_keeps_what_it_had(tmp_path):
    (tmp_path / "models").write_text("a file is in the way")
    with pytest.raises(OSError):
        weights.add(PACKAGED / CENTERFACE.name, tmp_path / "models")
    assert (tmp_path / "models").read_text() == "a file is in the way"


@pytest.mark.parametrize(
    ("at_hand", "plan"),
    [
        (KNOWN, "full"),
        ((CENTERFACE,), "standard"),
        ((CENTERFACE, YUNET), "standard"),
        ((YUNET, YUNET_N), None),
        ((), None),
    ],
)
def test_the_best_plan_for_the_weights_at_hand(at_hand, plan):
    assert weights.plan_of(at_hand) == plan


def test_weights_that_cannot_be_read_are_as_if_absent(tmp_path, monkeypatch):
    (tmp_path / "shut.onnx").write_bytes(bytes(CENTERFACE.size))
    read_bytes = Path.read_bytes

    def read(path):
        if path.name == "shut.onnx":  # root, who may run this, can read any file
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    assert CENTERFACE in weights.found([PACKAGED, tmp_path])
