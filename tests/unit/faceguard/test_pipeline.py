import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from faceguard import Blurred, Limits, Refused, Why
from faceguard.bare import is_bare
from faceguard.cover import Covered
from faceguard.detectors.plan import Look, Looker, Plan
from faceguard.pipeline import safe_preview
from faceguard.pixels import NO_BOXES, Boxes, Rgb

LIMITS = Limits()


def shown(result: Blurred | Refused) -> np.ndarray:
    assert isinstance(result, Blurred), result
    with Image.open(io.BytesIO(result.jpeg)) as image:
        return np.asarray(image)


def at_preview_size(image: Image.Image, like: np.ndarray) -> np.ndarray:
    return np.asarray(image.resize((like.shape[1], like.shape[0]), Image.Resampling.BOX))


FACES = [
    {"name": "astronaut.png", "face_px": 20},
    {"name": "astronaut.png", "face_px": 32, "centre": (0.2, 0.3)},
    {"name": "astronaut.png", "face_px": 64, "light": 0.45},
    {"name": "astronaut.png", "face_px": 150, "ground": "brick.png"},
    {"name": "astronaut.png", "face_px": 60, "light": 1.5},
    {"name": "grace_hopper.jpg", "face_px": 24, "ground": "grass.png"},
    {"name": "grace_hopper.jpg", "face_px": 80, "centre": (0.75, 0.4)},
    {"name": "grace_hopper.jpg", "face_px": 180, "light": 0.6},
    {"name": "astronaut.png", "face_px": 90, "turns": 1},
    {"name": "grace_hopper.jpg", "face_px": 90, "turns": 2},
    {"name": "astronaut.png", "face_px": 90, "turns": 3},
    {"name": "astronaut.png", "face_px": 48, "tilt": 20},
    {"name": "grace_hopper.jpg", "face_px": 100, "tilt": -30, "light": 0.5},
    {"name": "astronaut.png", "face_px": 22, "turns": 1, "light": 0.35, "centre": (0.8, 0.25)},
    {"name": "grace_hopper.jpg", "face_px": 300, "size": (3000, 2000), "centre": (0.3, 0.4)},
]


@pytest.mark.parametrize("face", FACES, ids=lambda face: " ".join(f"{value}" for value in face.values()))
def test_no_detail_of_a_face_is_left_in_the_preview(face, pasted, left_over):
    picture = pasted(**face)
    after = shown(safe_preview(picture.png, key=b"k"))
    before = at_preview_size(picture.image, after)
    scale = after.shape[1] / picture.image.width
    box = tuple(edge * scale for edge in picture.face)
    assert abs(left_over(before, after, box)) < 0.2
    # and the measure itself would see a face that was left open
    assert left_over(before, before, box) > 0.99


def test_what_is_far_from_every_face_stays_as_it_was(pasted, left_over):
    picture = pasted(face_px=40, centre=(0.2, 0.5), ground="brick.png")
    after = shown(safe_preview(picture.png, key=b"k"))
    before = at_preview_size(picture.image, after)
    assert left_over(before, after, (300, 20, 500, 370)) > 0.7


def test_the_same_key_and_picture_give_the_same_preview(pasted):
    data = pasted().png
    assert safe_preview(data, key=b"one") == safe_preview(data, key=b"one")
    assert safe_preview(data, key=b"one") != safe_preview(data, key=b"other")


def test_the_preview_has_the_size_asked_for_and_a_small_picture_is_not_enlarged(pasted):
    wide = pasted(size=(1600, 800), face_px=120).png
    result = safe_preview(wide, Limits(preview_px=256))
    assert isinstance(result, Blurred)
    assert (result.width, result.height) == (256, 128)
    small = safe_preview(pasted(size=(200, 150), face_px=40).png)
    assert isinstance(small, Blurred)
    assert (small.width, small.height) == (200, 150)


def test_a_picture_that_a_face_fills_is_refused(pasted):
    picture = pasted("grace_hopper.jpg", face_px=500, size=(480, 480))
    assert safe_preview(picture.png) == Refused(Why.MOSTLY_COVERED)


def test_a_small_crop_of_a_face_is_covered_whole(pasted):
    result = safe_preview(pasted("grace_hopper.jpg", face_px=190, size=(190, 200)).png)
    assert isinstance(result, Blurred)
    assert result.covered == 1.0


@pytest.mark.parametrize("size", [(63, 63), (40, 300), (1, 1), (4000, 70), (128, 128), (112, 96)])
def test_a_picture_too_small_to_judge_is_covered_whole(size, encode_as):
    noise = np.random.default_rng(5).integers(0, 255, (size[1], size[0], 3), np.uint8)
    result = safe_preview(encode_as(Image.fromarray(noise), "PNG"))
    assert isinstance(result, Blurred)
    assert result.covered == 1.0
    steps = np.diff(shown(result).astype(int), axis=int(size[0] > size[1]))
    assert not steps.size or np.abs(steps).mean() < 4  # the noise itself steps by 85


@pytest.mark.parametrize(("size", "centre"), [((4200, 420), (0.83, 0.5)), ((420, 4200), (0.5, 0.17))])
def test_faces_in_a_long_panorama_are_found(size, centre, pasted, left_over):
    picture = pasted(size=size, face_px=110, centre=centre, ground="rocket.jpg")
    after = shown(safe_preview(picture.png))
    before = at_preview_size(picture.image, after)
    scale = max(after.shape) / max(picture.image.size)
    assert abs(left_over(before, after, tuple(edge * scale for edge in picture.face))) < 0.35


PLANTED = b"planted-secret"


def planted_jpeg(image: Image.Image) -> bytes:
    """A JPEG with a thumbnail in EXIF, an ICC profile, XMP, a comment and bytes after its end, each with the secret."""
    thumbnail = io.BytesIO()
    image.resize((64, 48)).save(thumbnail, "JPEG", comment=PLANTED)
    exif = Image.Exif()
    exif[0x010E] = PLANTED.decode()
    body = io.BytesIO()
    image.save(
        body,
        "JPEG",
        exif=exif.tobytes() + thumbnail.getvalue(),
        icc_profile=PLANTED * 20,
        xmp=b"<x>" + PLANTED + b"</x>",
        comment=PLANTED,
    )
    return body.getvalue() + PLANTED + thumbnail.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP"])
def test_every_preview_is_a_bare_jpeg_whatever_the_picture_carried(kind, pasted, encode_as):
    picture = pasted(face_px=80)
    exif = Image.Exif()
    exif[0x010E] = PLANTED.decode()
    data = {
        "JPEG": lambda: planted_jpeg(picture.image),
        "PNG": lambda: encode_as(picture.image, "PNG", exif=exif, icc_profile=PLANTED) + PLANTED,
        "WEBP": lambda: encode_as(picture.image, "WEBP", exif=exif.tobytes(), xmp=PLANTED),
        "GIF": lambda: encode_as(picture.image, "GIF", comment=PLANTED) + PLANTED,
        "TIFF": lambda: encode_as(picture.image, "TIFF", description=PLANTED.decode()),
        "AVIF": lambda: encode_as(picture.image, "AVIF", exif=exif.tobytes(), xmp=PLANTED),
        "BMP": lambda: encode_as(picture.image, "BMP") + PLANTED,
    }[kind]()
    assert PLANTED in data
    result = safe_preview(data)
    assert isinstance(result, Blurred)
    assert PLANTED not in result.jpeg
    assert is_bare(result.jpeg)
    with Image.open(io.BytesIO(result.jpeg)) as image:
        image.load()
        assert image.mode == "RGB"
        assert getattr(image, "n_frames", 1) == 1
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
        assert not image.getexif()
    assert result.faces >= 1


def test_only_the_first_frame_of_an_animation_is_shown(pasted, encode_as):
    first, second = Image.new("RGB", (200, 160), (200, 30, 30)), pasted(size=(200, 160)).image
    data = encode_as(first, "GIF", save_all=True, append_images=[second])
    after = shown(safe_preview(data))
    assert np.abs(after.astype(int) - (200, 30, 30)).max() < 12


@pytest.mark.parametrize("why", [Why.TOO_LARGE, Why.TOO_MANY_PIXELS])
def test_limits_are_kept(why, pasted):
    limits = {
        Why.TOO_LARGE: replace(LIMITS, max_bytes=1000),
        Why.TOO_MANY_PIXELS: replace(LIMITS, max_pixels=1000),
    }[why]
    assert safe_preview(pasted().png, limits) == Refused(why)


class Stubborn:
    """A second look that always finds one more face, at the same place."""

    def __init__(self, place: tuple[float, float, float, float], times: int) -> None:
        self.place = place
        self.times = times

    def strong(self, rgb: Rgb) -> Boxes:
        self.times -= 1
        return np.array([[*self.place, 0.9]], np.float32) if self.times >= 0 else NO_BOXES


class Sees:
    """A detector that finds what it is told."""

    def __init__(self, boxes: Boxes) -> None:
        self.boxes = boxes

    def find(self, rgb: Rgb) -> Boxes:
        return self.boxes.copy()


def looker(boxes: Boxes = NO_BOXES) -> Looker:
    look = Look(Sees(boxes), 512)
    return Looker(Plan("told", (look,), (look,), (0.5,) * 6, 1.35))


def test_what_the_second_look_finds_is_covered_too(pasted):
    data = pasted(ground="brick.png").png
    place = (100.0, 100.0, 180.0, 200.0)
    plain = safe_preview(data, looker=looker(), second=Stubborn(place, 0))
    warned = safe_preview(data, looker=looker(), second=Stubborn(place, 1))
    assert isinstance(plain, Blurred)
    assert isinstance(warned, Blurred)
    assert (plain.faces, warned.faces) == (0, 1)
    assert (plain.alarms, warned.alarms) == (0, 1)


def test_an_alarm_beside_a_new_cover_is_covered_as_well(pasted):
    """To a detector a hand beside a plate may look like a face; the picture need not be refused for that."""

    class Beside(Stubborn):
        def strong(self, rgb: Rgb) -> Boxes:
            self.place = (self.place[0] + 90, *self.place[1:2], self.place[2] + 90, self.place[3])
            return super().strong(rgb)

    result = safe_preview(pasted().png, looker=looker(), second=Beside((0.0, 100.0, 60.0, 180.0), 3))
    assert isinstance(result, Blurred)
    assert result.alarms == 3


def test_covers_after_an_alarm_are_those_of_one_call_on_the_picture_itself(pasted):
    """A plate over a plate, or new noise at the same place, would tell more than either."""
    data = pasted(ground="brick.png").png
    here, there = (100.0, 100.0, 180.0, 200.0), (150.0, 120.0, 260.0, 230.0)
    boxes = np.array([[*place, 0.6] for place in (here, there)], np.float32)  # too unsure to count when turned
    alarmed = safe_preview(data, key=b"k", looker=looker(boxes[:1]), second=Stubborn(there, 1))
    at_once = safe_preview(data, key=b"k", looker=looker(boxes), second=Stubborn(there, 0))
    assert isinstance(alarmed, Blurred)
    assert isinstance(at_once, Blurred)
    assert alarmed.jpeg == at_once.jpeg


def test_a_picture_that_the_second_look_never_accepts_is_refused(pasted):
    class Elsewhere(Stubborn):
        def strong(self, rgb: Rgb) -> Boxes:
            self.place = (self.place[0] + 120, self.place[1] + 120, self.place[2] + 120, self.place[3] + 120)
            return super().strong(rgb)

    second = Elsewhere((-100.0, -100.0, -40.0, -40.0), 9)
    assert safe_preview(pasted().png, looker=looker(), second=second) == Refused(Why.VERIFY_FAILED)


def test_a_detector_that_fails_shows_nothing(pasted):
    class Fails:
        def __init__(self, code: int) -> None:
            self.code = code

        def find(self, rgb: Rgb) -> Boxes:
            error = cv2.error("the detector fell over")
            error.code = self.code
            raise error

    for code, why in ((cv2.Error.StsNoMem, Why.OUT_OF_MEMORY), (cv2.Error.StsAssert, Why.CRASHED)):
        look = Look(Fails(code), 512)
        assert safe_preview(pasted().png, looker=Looker(Plan("told", (look,), (look,), (0.5,) * 6, 1.35))) == Refused(
            why
        )


def test_no_memory_for_a_picture_is_a_refusal(pasted):
    class Greedy:
        def strong(self, rgb: Rgb) -> Boxes:
            raise MemoryError

    assert safe_preview(pasted().png, looker=looker(), second=Greedy()) == Refused(Why.OUT_OF_MEMORY)


def test_a_cover_counts_as_hidden_only_under_its_plates():
    covered = Covered(np.zeros((10, 10, 3), np.uint8), np.eye(10, dtype=bool), 1)
    assert covered.share == pytest.approx(0.1)


@pytest.mark.parametrize("bad", [{"preview_px": 63}, {"preview_px": 4096}, {"wall_s": 0}, {"max_pixels": -1}])
def test_limits_that_make_no_sense_cannot_be_built(bad):
    with pytest.raises(ValueError, match=r"preview_px|above zero"):
        Limits(**bad)
