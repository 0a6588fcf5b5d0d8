"""OpenCV stays headless, whatever mediapipe asks for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import cv2
import pytest


def test_cv2_has_no_window_system() -> None:
    lines = [line.split(":")[1].strip() for line in cv2.getBuildInformation().splitlines() if "GUI:" in line]
    assert lines == ["NONE"]


@pytest.mark.parametrize("name", ["opencv-python", "opencv-contrib-python"])
def test_no_other_owner_of_cv2_is_installed(name: str) -> None:
    with pytest.raises(PackageNotFoundError):
        distribution(name)
