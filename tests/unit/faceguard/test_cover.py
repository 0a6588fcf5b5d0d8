import numpy as np
import pytest

from faceguard.cover import PADDING, cover, noise_source, plates
from faceguard.pixels import NO_BOXES


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array([[*row, 0.9] for row in rows], np.float32)


def textured(height: int = 200, width: int = 300) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def noise() -> np.random.Generator:
    return noise_source(b"key", b"picture")


def test_a_plate_is_larger_than_the_face_on_every_side():
    (plate,) = plates(boxes((100, 80, 140, 130)), 300, 200)
    assert plate[0] <= 120 - 20 * PADDING
    assert plate[2] >= 120 + 20 * PADDING
    assert plate[1] <= 105 - 25 * PADDING
    assert plate[3] >= 105 + 25 * PADDING


def test_plates_end_at_the_edge_of_the_picture():
    for plate in plates(boxes((-5, -5, 20, 20), (290, 190, 310, 220)), 300, 200):
        assert 0 <= plate[0] < plate[2] <= 300
        assert 0 <= plate[1] < plate[3] <= 200


def test_under_a_plate_nothing_depends_on_a_single_pixel():
    """Two faces with the same four mean colours become the same plate."""
    one = textured()
    other = one.copy()
    (plate,) = plates(boxes((100, 80, 140, 130)), 300, 200).astype(int)
    top, left = plate[1] + 1, plate[0] + 1
    other[top : top + 10, left : left + 10] = other[top : top + 10, left : left + 10][::-1, ::-1]
    assert np.array_equal(
        cover(one, boxes((100, 80, 140, 130)), noise()).rgb, cover(other, boxes((100, 80, 140, 130)), noise()).rgb
    )


def test_outside_the_feather_the_picture_is_untouched():
    rgb = textured()
    covered = cover(rgb, boxes((100, 80, 140, 130)), noise())
    far = np.ones((200, 300), bool)
    far[50:160, 75:165] = False
    assert np.array_equal(covered.rgb[far], rgb[far])
    assert not covered.mask[far].any()


def test_the_picture_handed_in_is_not_changed():
    rgb = textured()
    before = rgb.copy()
    cover(rgb, boxes((10, 10, 60, 60)), noise())
    assert np.array_equal(rgb, before)


def test_several_boxes_on_one_face_make_one_shape():
    nested = boxes((100, 80, 140, 130), (104, 84, 138, 126), (110, 95, 130, 115))
    assert cover(textured(), nested, noise()).shapes == 1
    apart = boxes((20, 20, 50, 50), (200, 120, 240, 160))
    assert cover(textured(), apart, noise()).shapes == 2


def test_boxes_in_a_chain_make_one_shape():
    chain = boxes((20, 20, 60, 60), (45, 20, 85, 60), (70, 20, 110, 60))
    assert cover(textured(), chain, noise()).shapes == 1


def test_a_larger_shape_lies_over_a_smaller_one():
    large, small = (60, 40, 160, 160), (172, 90, 206, 120)
    alone = cover(textured(), boxes(large), np.random.default_rng(4)).rgb
    quiet = np.random.default_rng(4)
    quiet.normal(0, 25, (2, 2, 1))  # what the small plate takes first
    first = cover(textured(), boxes(large), quiet).rgb
    both = cover(textured(), boxes(small, large), np.random.default_rng(4)).rgb
    inside = np.s_[30:170, 45:150]
    assert np.array_equal(both[inside], first[inside])
    assert not np.array_equal(both[inside], alone[inside])


def test_no_boxes_leave_the_picture_as_it_is():
    covered = cover(textured(), NO_BOXES, noise())
    assert np.array_equal(covered.rgb, textured())
    assert covered.share == 0
    assert covered.shapes == 0


def test_noise_hangs_on_the_key_and_on_the_picture():
    draws = [noise_source(key, data).normal() for key in (b"", b"a") for data in (b"x", b"y")]
    assert len(set(draws)) == 4
    assert noise_source(b"a", b"x").normal() == pytest.approx(noise_source(b"a", b"x").normal())


def test_the_noise_is_grey_and_as_strong_as_promised():
    flat = np.full((400, 400, 3), 120, np.uint8)
    grid = boxes(*((x, y, x + 16, y + 16) for x in range(20, 380, 40) for y in range(20, 380, 40)))
    covered = cover(flat, grid, noise())
    under = covered.rgb[covered.mask].astype(int)
    assert (under.max(axis=1) - under.min(axis=1)).max() <= 1
    assert 10 < under[:, 0].std() < 30
