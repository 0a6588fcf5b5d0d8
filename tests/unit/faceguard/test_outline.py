import numpy as np

from faceguard.outline import Outline, outline


def shape(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array([[*row, 0.9] for row in rows], np.float32)


def strength(form: Outline, width: int = 300, height: int = 200) -> np.ndarray:
    """Of the whole picture."""
    whole = np.zeros((height, width), np.float32)
    whole[form.top : form.top + form.strength.shape[0], form.left : form.left + form.strength.shape[1]] = form.strength
    return whole


def test_every_plate_is_hidden_to_its_last_corner():
    for seed in range(60):
        draw = np.random.default_rng(seed)
        corners = draw.integers((0, 0), (290, 190), (draw.integers(1, 8), 2))
        ends = np.minimum(corners + draw.integers(4, 120, corners.shape), (300, 200))
        laid = np.hstack((corners, ends))
        form = outline(shape(*laid.tolist()), 300, 200)
        whole = strength(form)
        union = np.zeros((200, 300), bool)
        for left, top, right, bottom in laid:
            union[top:bottom, left:right] = True
        assert (whole[union] == 1).all()
        assert form.plates.sum() == union.sum()
        assert whole.min() >= 0


def test_corners_are_round_and_lie_outside_the_plate():
    whole = strength(outline(shape((100, 50, 200, 150)), 300, 200))
    assert whole[100, 98] == 1  # beside the middle of a side
    assert whole[50, 98] < 1  # beside a corner
    assert whole[47, 97] == 0
    assert whole[:, 85].max() == 0


def test_the_edge_is_soft():
    across = strength(outline(shape((80, 20, 240, 180)), 300, 200))[100, :81]
    assert ((across > 0) & (across < 1)).sum() >= 2
    assert (np.diff(across) >= 0).all()


def test_a_narrow_notch_between_plates_of_one_shape_is_covered():
    whole = strength(outline(shape((50, 50, 90, 110), (96, 50, 136, 110), (50, 50, 136, 70)), 300, 200))
    assert (whole[50:100, 50:136] == 1).all()


def test_a_wide_gap_between_plates_of_one_shape_stays_open():
    whole = strength(outline(shape((20, 20, 60, 180), (20, 20, 280, 60), (240, 20, 280, 180)), 300, 200))
    assert whole[150, 150] == 0


def test_a_plate_at_the_edge_of_the_picture_is_not_rounded_there():
    whole = strength(outline(shape((0, 50, 100, 150)), 300, 200))
    assert whole[49, 0] == 1
    assert whole[49, 99] < 1


def test_a_plate_as_large_as_the_picture_hides_it_whole():
    assert (strength(outline(shape((0, 0, 300, 200)), 300, 200)) == 1).all()
