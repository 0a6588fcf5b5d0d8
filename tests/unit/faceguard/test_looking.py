import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from faceguard.detectors.plan import Look, Looker, Plan, Pyramid, tiles
from faceguard.detectors.registry import looker
from faceguard.detectors.union import convincing, fused
from faceguard.pixels import NO_BOXES, Boxes, Rgb, clipped, distinct, likeness, turned_back
from tests.unit.faceguard.conftest import FACES, PICTURES


def box(left: float, top: float, side: float, score: float) -> list[float]:
    return [left, top, left + side, top + side, score]


def boxes(*rows: list[float]) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 5)


def test_likeness_is_one_for_equal_boxes_and_zero_for_strangers():
    pair = boxes(box(0, 0, 10, 1), box(50, 50, 10, 1))
    assert np.allclose(likeness(pair, pair), np.eye(2))


def test_of_overlapping_boxes_the_best_is_kept():
    kept = distinct(boxes(box(0, 0, 10, 0.3), box(1, 0, 10, 0.9), box(40, 0, 10, 0.2)), 0.3)
    assert kept[:, 4].tolist() == pytest.approx([0.9, 0.2])


def test_a_box_that_leaves_the_picture_is_cut_and_one_outside_is_dropped():
    kept = clipped(boxes(box(-5, -5, 10, 0.5), box(100, 0, 10, 0.5)), 50, 40)
    assert kept.tolist() == [[0, 0, 5, 5, 0.5]]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_boxes_of_a_turned_picture_land_on_the_same_pixels(quarters):
    picture = np.zeros((30, 50), np.uint8)
    picture[4:9, 11:25] = 1
    rows, columns = np.nonzero(np.rot90(picture, quarters))
    found = boxes([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.7])
    assert turned_back(found, quarters, 50, 30).tolist() == [[11, 4, 25, 9, pytest.approx(0.7)]]


def test_two_weak_votes_for_one_face_make_one_stronger_box():
    one, other = boxes(box(0, 0, 10, 0.5)), boxes(box(1, 0, 10, 0.4), box(70, 0, 10, 0.4))
    joined = fused([one, other])
    assert joined[:, 4].tolist() == pytest.approx([0.7, 0.4])
    assert joined[1].tolist() == other[1].tolist()


def test_a_look_votes_once_for_a_face_however_many_boxes_it_gives():
    twice = boxes(box(0, 0, 10, 0.5), box(1, 0, 10, 0.4))
    assert fused([twice, NO_BOXES])[:, 4].tolist() == pytest.approx([0.5])


def test_looks_that_agree_give_their_box_and_where_they_differ_it_grows():
    same = boxes([10, 10, 30, 30, 0.4])
    assert fused([same, same])[0, :4].tolist() == pytest.approx([10, 10, 30, 30])
    taller = boxes([10, 10, 30, 40, 0.4])
    # The mean edge is 35; each look is 5 away from it.
    assert fused([same, taller])[0, :4].tolist() == pytest.approx([10, 10, 30, 40])


def test_the_surer_look_weighs_more():
    sure, unsure = boxes([0, 0, 20, 20, 0.9]), boxes([0, 0, 20, 30, 0.1])
    bottom = fused([sure, unsure])[0, 3]
    assert 20 < bottom < 25


def test_a_look_that_saw_nothing_changes_nothing():
    one = boxes(box(0, 0, 10, 0.5))
    assert fused([one, NO_BOXES]).tolist() == one.tolist()


def test_the_threshold_follows_the_height_in_the_preview():
    seen = boxes(*(box(0, 0, side, 0.25) for side in (7, 8, 16, 32, 64, 128)))
    thresholds = (0.3, 0.2, 0.3, 0.2, 0.3, 0.2)
    assert convincing(seen, thresholds, 1.0)[:, 3].tolist() == [8, 32, 128]
    assert convincing(seen, thresholds, 0.5)[:, 3].tolist() == [16, 64]


@pytest.mark.parametrize("size", [(640, 480), (300, 100), (100, 300)])
def test_a_picture_of_common_shape_is_one_tile(size):
    assert tiles(*size) == [(0, 0, *size)]


@pytest.mark.parametrize(("width", "height"), [(3200, 1000), (1001, 320), (9000, 300), (301, 100)])
def test_tiles_cover_a_panorama_and_share_a_quarter(width, height):
    lying, standing = tiles(width, height), tiles(height, width)
    assert standing == [(top, left, bottom, right) for left, top, right, bottom in lying]
    assert lying[0][0] == 0
    assert lying[-1][2] == width
    for before, after in pairwise(lying):
        assert before[2] - after[0] >= 0.24 * 2 * height
    assert all(right - left == 2 * height for left, _, right, _ in lying)


def test_a_picture_is_brought_to_each_size_once():
    pyramid = Pyramid(np.zeros((100, 200, 3), np.uint8))
    rgb, scale = pyramid.at(50)
    assert rgb.shape == (25, 50, 3)
    assert scale == 0.25
    assert pyramid.at(50)[0] is rgb
    assert pyramid.turned(1).at(50)[0].shape == (50, 25, 3)


class SeesMark:
    """A detector that sees a white bar only when the bar stands upright, as a face detector sees a face."""

    def __init__(self, score: float = 0.9) -> None:
        self.score = score

    def find(self, rgb: Rgb) -> Boxes:
        rows, columns = np.nonzero(rgb[:, :, 0] > 200)
        if not len(rows) or np.ptp(rows) < np.ptp(columns):
            return NO_BOXES
        return boxes([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, self.score])


def look_at(picture: Rgb, score: float) -> Boxes:
    look = Look(SeesMark(score), max(picture.shape[:2]))
    return Looker(Plan("marks", (look,), (look,), (0.5,) * 6, 1.35)).find(picture, max(picture.shape[:2]))


def bar(*, upright: bool) -> Rgb:
    picture = np.zeros((240, 240, 3), np.uint8)
    picture[(np.s_[100:160, 60:80] if upright else np.s_[60:80, 100:160])] = 255
    return picture


def test_a_face_in_an_upright_picture_is_found_where_it_is():
    found = look_at(bar(upright=True), 0.9)
    assert {tuple(row[:4]) for row in found.tolist()} == {(60, 100, 80, 160)}


@pytest.mark.parametrize("score", [0.6, 0.95])
def test_a_face_lying_on_its_side_is_found_when_turning_shows_it(score):
    found = look_at(bar(upright=False), score)
    assert {tuple(row[:4]) for row in found.tolist()} == {(100, 60, 160, 80)}


def test_a_weak_face_seen_only_when_turned_is_not_believed_beside_upright_ones():
    picture = bar(upright=True)

    class Upright(SeesMark):
        def find(self, rgb: Rgb) -> Boxes:
            strong = boxes(box(10, 10, 40, 0.9), box(90, 10, 40, 0.9))
            return strong if (rgb == picture).all() else boxes(box(150, 150, 40, 0.6))

    look = Look(Upright(), 240)
    found = Looker(Plan("marks", (look,), (look,), (0.5,) * 6, 1.35)).find(picture, 240)
    assert found[:, 0].tolist() == [10, 90]


def test_a_glance_gives_only_what_is_strong():
    look = Look(SeesMark(0.4), 240)
    looker = Looker(Plan("marks", (look,), (look,), (0.5,) * 6, 1.35))
    assert len(looker.glance(bar(upright=True), 0.3)) == 1
    assert len(looker.glance(bar(upright=True), 0.5)) == 0


def test_a_dark_picture_is_looked_at_in_better_light():
    assert len(look_at(bar(upright=True) // 2, 0.9)) > 0


@pytest.mark.parametrize(("tint", "seen"), [((255, 255, 255), 1), ((255, 180, 255), 0)])
def test_a_weaker_look_is_enough_in_a_picture_without_colour(tint, seen):
    picture = np.where(bar(upright=True) > 0, np.uint8(255), np.array(tint, np.uint8) // 2)
    there = [row for row in look_at(picture, 0.3).tolist() if row[:4] == [60, 100, 80, 160]]
    assert len(there) == seen  # the threshold is .5


class SaysSizes(SeesMark):
    """Sees nothing and remembers the long side of what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def find(self, rgb: Rgb) -> Boxes:
        self.sizes.append(max(rgb.shape[:2]))
        return NO_BOXES


def test_a_small_picture_is_looked_at_at_twice_its_size_and_once_for_each_size():
    sizes = SaysSizes()
    plan = Plan("sizes", tuple(Look(sizes, side) for side in (320, 512, 960)), (Look(sizes, 512),), (0.5,) * 6, 1.35)
    Looker(plan).find(np.zeros((150, 200, 3), np.uint8), 200)
    mirrored = [320, 512]  # where nothing was found; the three before are those of the other angles
    assert sizes.sizes == [320, 400, *[400] * 3, *mirrored]
    sizes.sizes.clear()
    Looker(plan).find(np.zeros((600, 800, 3), np.uint8), 512)
    assert sizes.sizes == [320, 512, 960, *[512] * 3, *mirrored]


def crowd(count: int) -> Boxes:
    """Boxes strewn at random, many of them over each other."""
    chance = np.random.default_rng(5)
    corner, side = chance.uniform(0, 900, (count, 2)), chance.uniform(5, 40, (count, 2))
    return np.concatenate((corner, corner + side, chance.uniform(0, 1, (count, 1))), axis=1).astype(np.float32)


def test_suppression_is_that_of_the_whole_table_of_pairs():
    many = crowd(1500)
    ordered = many[np.argsort(-many[:, 4], kind="stable")]
    alike = likeness(ordered, ordered) > 0.3
    kept: list[int] = []
    for place in range(len(ordered)):
        if not alike[place, kept].any():
            kept.append(place)
    assert np.array_equal(distinct(many, 0.3), ordered[kept])


def test_a_crowd_of_ten_thousand_boxes_needs_little_memory():
    many = crowd(10_000)
    tracemalloc.start()
    fused([distinct(many, 0.3), many[:4000]])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 150 * 2**20


@pytest.mark.parametrize(("share", "margin"), [(0.4, 0.1), (0.45, 0.0)])
def test_half_a_face_that_fills_the_picture_is_found_beside_its_mirror_image(share: float, margin: float) -> None:
    left, top, right, bottom = FACES["grace_hopper.jpg"]
    width, height = right - left, bottom - top
    cut = (left - margin * width, top - margin * height, left + share * width, bottom + margin * height)
    with Image.open(PICTURES / "grace_hopper.jpg") as opened:
        half = opened.convert("RGB").crop(tuple(map(round, cut)))  # type: ignore[arg-type]  # four of them
    half = half.resize((2 * half.width, 2 * half.height), Image.Resampling.LANCZOS)
    rgb = np.asarray(half).copy()
    assert any(
        box[0] <= 0.6 * half.width and box[2] >= half.width and box[3] - box[1] >= 0.7 * half.height
        for box in looker().find(rgb, max(half.size))
    )
