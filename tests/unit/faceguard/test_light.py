import cv2
import numpy as np
import pytest

from faceguard.detectors.light import brightened, calmed, colourless


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


@pytest.mark.parametrize(("colour", "grey"), [(0, True), (60, False), (20, False)])
def test_a_picture_is_grey_only_without_colour(colour, grey):
    assert colourless(picture(colour=colour)) is grey


def test_what_a_jpeg_adds_is_no_colour():
    speckled = np.random.default_rng(2).integers(0, 256, (120, 160, 1), np.uint8).repeat(3, axis=2)
    jpeg = cv2.imencode(".jpg", speckled, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    assert colourless(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8))


def noisy(strength: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a bright square, and the same under grey noise of this standard deviation."""
    clean = picture()
    clean[30:60, 80:120] = 240
    added = np.random.default_rng(3).normal(0, strength, (*clean.shape[:2], 1))
    return clean, np.clip(clean + added, 0, 255).astype(np.uint8)


def test_a_picture_with_little_noise_is_left_alone():
    for rgb in noisy(3):
        assert calmed(rgb) is rgb


def test_strong_noise_goes_and_the_edges_stay():
    clean, rgb = noisy(30)
    calm = calmed(rgb).astype(float)
    assert (calm - clean).std() < (rgb.astype(float) - clean).std() / 2
    assert calm[35:55, 85:115].mean() - calm[35:55, 40:70].mean() > 100
