"""Faces as strange as annotations can name them; pytest makes every warning an error."""

import numpy as np
import pytest

from faceguard.evaluate.judge import hidden


@pytest.mark.timeout(20)
def test_a_face_far_larger_than_its_picture_costs_no_more_than_one_as_large():
    picture = np.zeros((100, 100, 3), np.uint8)
    assert not hidden(picture, picture, (-10, -10, 999_999, 999_999))
    assert hidden(picture, picture + 60, (-10, -10, 999_999, 999_999))


def test_a_face_that_rounding_puts_beyond_the_edge_is_judged_without_a_warning():
    picture = np.random.default_rng(1).integers(0, 256, (48, 57, 3), np.uint8)
    for place in ((57.1, -43.2), (3.0, 48.3), (57.4, 48.4)):
        hidden(picture, picture, (*place, 7.4, 79.4))
