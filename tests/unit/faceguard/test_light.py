import numpy as np
import pytest

from faceguard.detectors.light import brightened


def picture(dark: float = 1.0, colour: int = 60) -> np.ndarray:
    grey = np.tile(np.linspace(10, 180, 200), (100, 1))[:, :, None]
    return ((grey + np.array((colour, 0, 0))) * dark).astype(np.uint8)


def test_a_picture_in_good_light_is_left_alone():
    rgb = picture()
    assert brightened(rgb) is rgb


@pytest.mark.parametrize("dark", [0.7, 0.3, 0.1])
def test_a_dark_picture_is_brought_to_full_range_in_its_own_colours(dark):
    lit = brightened(picture(dark))
    assert np.percentile(lit, 99) > 225
    assert lit[:, :, 0].mean() > lit[:, :, 1].mean()


def test_a_black_picture_stays_dark_and_nothing_overflows():
    assert brightened(np.full((40, 40, 3), 2, np.uint8)).max() < 30
    glint = np.full((80, 80, 3), 5, np.uint8)
    glint[3, 3] = 255
    assert brightened(glint)[3, 3].tolist() == [255, 255, 255]
