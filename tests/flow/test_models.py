"""Detector weights as an operator adds them, and what `hubgate check` then says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faceguard.detectors.weights import CENTERFACE, KNOWN, PACKAGED, YUNET, YUNET_N
from tests.gateways import Gateway

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path / "data")


def test_unknown_weights_are_refused_in_both_languages_with_the_names_of_the_known(
    gateway: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "other.onnx").write_bytes(b"not these")
    said = gateway.run("models", "add", str(tmp_path / "other.onnx"), status=1)
    assert all(known.name in said for known in KNOWN)
    assert "Nothing was copied" in said
    gateway.environ["LC_ALL"] = "zh_CN.UTF-8"
    assert "未复制任何文件" in gateway.run("models", "add", str(tmp_path / "other.onnx"), status=1)
    assert not (gateway.data / "models").exists()


def test_check_names_the_plan_of_the_weights_that_were_added(gateway: Gateway) -> None:
    shared = Path(os.environ.get("HUBGATE_SHARED", ROOT.parent / "shared")) / "models"
    if not (shared / YUNET.name).is_file():
        pytest.skip(f"no YuNet weights at {shared}")
    assert "plan: standard" in gateway.run("models", "add", str(shared / YUNET.name))
    assert "plan: full" in gateway.run("models", "add", str(shared / YUNET_N.name))
    assert "previews: ok, plan full" in gateway.run("check")


def test_without_any_weights_check_fails_and_says_that_every_picture_is_refused(
    gateway: Gateway, tmp_path: Path
) -> None:
    bare = tmp_path / "installed"
    for package in ("catalog", "faceguard", "gateway"):
        shutil.copytree(ROOT / package, bare / package, ignore=shutil.ignore_patterns("weights", "pictures"))
    command = [sys.executable, "-m", "gateway.cli"]
    environ = {**gateway.environ, "PYTHONPATH": str(bare)}
    checked = subprocess.run([*command, "check"], env=environ, cwd=bare, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 1
    assert "no_detector: every picture is refused" in checked.stdout
    assert "preview_workers: none that works" in checked.stdout
    assert CENTERFACE.name in checked.stderr
    added = [*command, "models", "add", str(PACKAGED / CENTERFACE.name)]
    subprocess.run(added, env=environ, cwd=bare, check=True, capture_output=True, timeout=120)
    checked = subprocess.run([*command, "check"], env=environ, cwd=bare, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0
    assert "plan standard" in checked.stdout
    assert "second_look: by the plan's own detectors" in checked.stdout


def test_check_fails_and_names_mediapipe_when_the_workers_end_before_they_stand(
    gateway: Gateway, tmp_path: Path
) -> None:
    checked = checked_with_a_mediapipe_that(gateway, tmp_path, "import os; os.abort()")
    assert checked.returncode == 1
    assert "every picture is refused" in checked.stdout
    assert "mediapipe" in checked.stderr


def test_check_says_why_mediapipe_takes_no_part_while_previews_go_on(gateway: Gateway, tmp_path: Path) -> None:
    checked = checked_with_a_mediapipe_that(gateway, tmp_path, "raise ImportError('libEGL.so.1 is missing')")
    assert checked.returncode == 0
    assert "previews: ok" in checked.stdout
    assert "mediapipe is installed and does not take part: ImportError: libEGL.so.1 is missing" in checked.stdout


def checked_with_a_mediapipe_that(gateway: Gateway, tmp_path: Path, does: str) -> subprocess.CompletedProcess[str]:
    """What `hubgate check` answers when this is what importing mediapipe does, in the workers as well."""
    bare = tmp_path / "installed"
    for package in ("catalog", "faceguard", "gateway"):
        shutil.copytree(ROOT / package, bare / package, ignore=shutil.ignore_patterns("pictures"))
    (bare / "mediapipe.py").write_text(does)
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", "check"],
        env={**gateway.environ, "PYTHONPATH": str(bare)},
        cwd=bare,
        capture_output=True,
        text=True,
        timeout=120,
    )
