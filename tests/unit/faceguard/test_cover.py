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
    large, small = (60, 40, 160, 160), (190, 90, 206, 120)  # plates end at 178 and begin at 187: their edges meet
    alone = cover(textured(), boxes(large), np.random.default_rng(4)).rgb
    quiet = np.random.default_rng(4)
    quiet.normal(0, 25, (2, 2, 1))  # what the small plate takes first
    first = cover(textured(), boxes(large), quiet).rgb.astype(int)
    both = cover(textured(), boxes(small, large), np.random.default_rng(4)).rgb.astype(int)
    inside = np.s_[30:170, 45:175]
    assert np.abs(both[inside] - first[inside]).max() <= 1  # the tone of what is left to see differs a little
    assert np.abs(both[inside] - alone[inside]).max() > 4


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
    assert (under[:, 2] - under[:, 0] == 32).all()  # one tint, whatever the noise
    assert 7 < under[:, 1].std() < 15  # half of what is drawn, for lightness is brought half way to the picture's


@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (60, 60, 60), (128, 128, 128), (255, 255, 255), (210, 160, 130), (40, 60, 120)]
)
def test_a_cover_is_told_from_what_was_there_whatever_its_colour(colour: tuple[int, int, int]):
    flat = np.full((200, 300, 3), colour, np.uint8)
    covered = cover(flat, boxes((100, 80, 140, 130)), noise())
    changed = np.abs(covered.rgb.astype(int) - flat)[covered.mask].max(axis=1)
    assert changed.min() >= 16


def test_two_pictures_that_differ_only_in_what_lies_under_plates_give_the_same_cover():
    """No pixel under a plate, at its edge or in a narrow place between two, survives beyond the means of the cells."""
    seen = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        corners = draw.uniform((-10, -10), (290, 190), (draw.integers(1, 6), 2))
        faces = boxes(*np.hstack((corners, corners + draw.uniform(4, 80, corners.shape))).tolist())
        one = textured()
        other = shuffled_in_cells(one, plates(faces, 300, 200).astype(int), draw)
        seen += not np.array_equal(one, other)
        assert np.array_equal(cover(one, faces, noise()).rgb, cover(other, faces, noise()).rgb)
    assert seen == 40


def shuffled_in_cells(rgb: np.ndarray, laid: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """The picture with its pixels under plates moved about, each within its quarter of its shape."""
    out = rgb.copy()
    shapes: list[list[np.ndarray]] = []
    for plate in laid:
        near = [shape for shape in shapes if any(overlapping(plate, one) for one in shape)]
        shapes = [shape for shape in shapes if not any(shape is one for one in near)]
        shapes.append([plate, *(one for shape in near for one in shape)])
    for shape in shapes:
        left, top = np.min(shape, axis=0)[:2]
        right, bottom = np.max(shape, axis=0)[2:4]
        under = np.zeros(rgb.shape[:2], bool)
        for one in shape:
            under[one[1] : one[3], one[0] : one[2]] = True
        for rows in (slice(top, (top + bottom) // 2), slice((top + bottom + 1) // 2, bottom)):
            for columns in (slice(left, (left + right) // 2), slice((left + right + 1) // 2, right)):
                cell = np.zeros_like(under)
                cell[rows, columns] = under[rows, columns]
                out[cell] = draw.permutation(out[cell])
    return out


def overlapping(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((np.maximum(one[:2], other[:2]) < np.minimum(one[2:4], other[2:4])).all())


def test_a_cell_that_plates_hardly_touch_does_not_tell_the_colour_of_the_few_pixels_there():
    faces = boxes((40, 40, 80, 80), (92, 92, 132, 132))  # two plates that share a corner of 2 x 2 pixels
    dark, bright = textured(), textured()
    laid = plates(faces, 300, 200).astype(int)
    (left, top), (right, bottom) = laid[:, :2].min(axis=0), laid[:, 2:4].max(axis=0)
    under = cover(dark, faces, noise()).mask
    few = np.zeros_like(under)
    few[top : (top + bottom) // 2, (left + right + 1) // 2 : right] = True
    quarter = few.sum()
    few &= under
    assert 0 < few.sum() < quarter / 4
    dark[few], bright[few] = 0, 255
    told = cover(bright, faces, noise()).rgb.astype(int) - cover(dark, faces, noise()).rgb
    assert np.abs(told[under]).max() < 255 * few.sum() / under.sum()


def test_colours_are_quieter_than_the_face_and_near_the_tone_of_the_picture():
    rgb = np.full((200, 300, 3), (90, 110, 100), np.uint8)
    rgb[50:160, 75:165] = (250, 120, 60)
    under = cover(rgb, boxes((100, 80, 140, 130)), noise()).rgb[85:125, 105:135].reshape(-1, 3).mean(axis=0)
    assert np.ptp(under) < np.ptp((250, 120, 60)) / 2
    assert np.abs(under - (90, 110, 100)).max() < 80


def test_a_picture_that_is_all_plate_gets_a_grey_tone():
    covered = cover(np.full((64, 64, 3), (255, 0, 0), np.uint8), boxes((0, 0, 64, 64)), noise())
    assert covered.share == 1
    assert np.ptp(covered.rgb.reshape(-1, 3).astype(int), axis=1).max() < 255 / 2
