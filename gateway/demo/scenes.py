"""Demo pictures composed of two persons and six places; the same random source gives the same picture."""

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from gateway.demo.cutouts import Person, place

Size = tuple[int, int]  # width, height

_TINTS = {"brick.png": (206, 122, 92), "grass.png": (126, 158, 84), "gravel.png": (196, 180, 156)}
_PLACES = ("brick.png", "grass.png", "gravel.png", "rocket.jpg", "coffee.png", "hubble_deep_field.jpg")
_GROUNDS = ("brick.png", "grass.png", "gravel.png")


class Scenes:
    """Composes pictures; ``rng`` is the only source of chance."""

    def __init__(self, persons: Sequence[Person], rng: random.Random) -> None:
        self._persons = persons
        self._rng = rng
        self._places = {name: _tinted(name) for name in _PLACES}

    def portrait(self, size: Size, number: int) -> Image.Image:
        """One person, head and shoulders, before the own or another background; the persons take turns by number."""
        person = self._persons[number % len(self._persons)]
        if self._rng.random() < 0.5:
            picture = self._close_up(person.whole, person.face, size)
        else:
            picture = self._backdrop(size, blur=7)
            self._stand(picture, person, self._rng.uniform(0.35, 0.65), self._rng.uniform(0.85, 1.15))
        return self._graded(picture)

    def group(self, size: Size, count: int) -> Image.Image:
        """Some persons side by side in one place, the taller behind."""
        picture = self._backdrop(size, blur=5)
        tall = min(0.95, 1.7 * size[0] / (count + 0.6) / size[1])
        first = self._rng.randrange(2)
        for i in self._rng.sample(range(count), count):
            across = (i + 0.5 + self._rng.uniform(-0.1, 0.1)) / count
            person = self._persons[(i + first) % len(self._persons)]
            self._stand(picture, person, across, tall * self._rng.uniform(0.8, 1.05))
        return self._graded(picture)

    def wall(self, size: Size, columns: int) -> Image.Image:
        """Prints of many sizes hung on a wall, most of persons and a few of places."""
        picture = self._backdrop(size, blur=0, names=_GROUNDS)
        cell = size[0] / columns
        rows = max(1, int(size[1] / (cell * 1.12)))
        for row in range(rows):
            for column in range(columns):
                share = self._rng.uniform(0.55, 0.8)
                centre = (
                    (column + 0.5 + self._rng.uniform(-0.06, 0.06)) * cell,
                    (row + 0.5 + self._rng.uniform(-0.05, 0.05)) * size[1] / rows,
                )
                self._hang(picture, self._print(cell * share), centre)
        return self._graded(picture)

    def pose(self, size: Size, count: int) -> Image.Image:
        """Persons small in a wide place, seen from the waist up behind a low wall, some cut by the frame."""
        picture = self._backdrop(size, blur=3, names=("rocket.jpg", "grass.png", "brick.png", "hubble_deep_field.jpg"))
        line = self._rng.uniform(0.7, 0.84)
        spots = self._rng.sample(range(count + 2), count)
        for spot in spots:
            across = (spot + self._rng.uniform(0.25, 0.75)) / (count + 2) * 1.06 - 0.03
            tall = self._rng.uniform(0.2, 0.42)
            self._stand(picture, self._rng.choice(self._persons), across, tall, ground=line + 0.03)
        self._low_wall(picture, line)
        return self._graded(picture)

    def _backdrop(self, size: Size, *, blur: float, names: Sequence[str] = _PLACES) -> Image.Image:
        source = self._places[self._rng.choice(names)]
        if self._rng.random() < 0.5:
            source = ImageOps.mirror(source)
        zoom = self._rng.uniform(0.7, 1.0)
        wide = min(source.width, source.height * size[0] / size[1]) * zoom
        tall = wide * size[1] / size[0]
        left = self._rng.uniform(0, source.width - wide)
        top = self._rng.uniform(0, source.height - tall)
        picture = source.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + wide, top + tall))
        return picture.filter(ImageFilter.GaussianBlur(blur)) if blur else picture

    def _stand(self, picture: Image.Image, person: Person, across: float, tall: float, ground: float = 1.0) -> None:
        """Paste a person with the lower edge on ``ground``; across, tall and ground are shares of the picture."""
        height = round(tall * picture.height)
        figure = person.cutout.resize(
            (round(height * person.cutout.width / person.cutout.height), height), Image.Resampling.LANCZOS
        )
        if self._rng.random() < 0.5:
            figure = ImageOps.mirror(figure)
        light = ImageEnhance.Brightness(figure.convert("RGB")).enhance(self._rng.uniform(0.82, 1.08))
        spot = (round(across * picture.width - figure.width / 2), round(ground * picture.height) - height)
        picture.paste(light, spot, figure.getchannel("A"))

    def _close_up(self, whole: Image.Image, face: tuple[int, int, int, int], size: Size) -> Image.Image:
        """A part of the picture around the face, from a tight crop to nearly the whole."""
        left, top, right, bottom = face
        tall = min(whole.height, (bottom - top) * self._rng.uniform(2.0, 4.2), (whole.width - 1) * size[1] / size[0])
        wide = tall * size[0] / size[1]
        x = (left + right) / 2 - wide * self._rng.uniform(0.42, 0.58)
        y = (top + bottom) / 2 - tall * self._rng.uniform(0.36, 0.48)
        x = min(max(0.0, x), whole.width - wide)
        y = min(max(0.0, y), whole.height - tall)
        part = whole.resize(size, Image.Resampling.LANCZOS, box=(x, y, x + wide, y + tall))
        return ImageOps.mirror(part) if self._rng.random() < 0.3 else part

    def _print(self, wide: float) -> Image.Image:
        size = (round(wide), round(wide * self._rng.choice((1.0, 1.15, 1.3))))
        if self._rng.random() < 0.16:
            motif = self._backdrop(size, blur=0, names=("rocket.jpg", "coffee.png", "hubble_deep_field.jpg"))
        else:
            person = self._rng.choice(self._persons)
            motif = self._close_up(person.whole, person.face, size)
        if self._rng.random() < 0.25:
            motif = ImageOps.grayscale(motif).convert("RGB")
        return ImageOps.expand(motif, max(3, size[0] // 22), (246, 243, 236))

    def _hang(self, picture: Image.Image, sheet: Image.Image, centre: tuple[float, float]) -> None:
        turned = sheet.convert("RGBA").rotate(self._rng.uniform(-5, 5), Image.Resampling.BICUBIC, expand=True)
        spot = (round(centre[0] - turned.width / 2), round(centre[1] - turned.height / 2))
        depth = max(3, turned.width // 40)
        shadow = Image.new("L", (turned.width + 6 * depth, turned.height + 6 * depth))
        shadow.paste(150, (3 * depth, 3 * depth), turned.getchannel("A"))
        shadow = shadow.filter(ImageFilter.GaussianBlur(depth))
        picture.paste((18, 16, 14), (spot[0] - 2 * depth, spot[1] - 2 * depth), shadow)
        picture.paste(turned, spot, turned)

    def _low_wall(self, picture: Image.Image, line: float) -> None:
        top = round(line * picture.height)
        wall = self._backdrop((picture.width, picture.height - top), blur=1, names=("brick.png", "gravel.png"))
        shade = np.linspace(1.0, 0.6, wall.height)[:, None, None]
        shaded = np.asarray(wall) * shade
        shaded[: max(3, wall.height // 24)] *= 1.35  # the lit edge
        picture.paste(Image.fromarray(shaded.clip(0, 255).astype(np.uint8)), (0, top))

    def _graded(self, picture: Image.Image) -> Image.Image:
        """One light over all parts: warmth, brightness, a darker rim and a little grain."""
        warmth = self._rng.uniform(-0.06, 0.08)
        light = self._rng.uniform(0.78, 1.15)
        pixels = np.asarray(picture, np.float32) * np.array((1 + warmth, 1, 1 - warmth), np.float32) * light
        y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
        pixels *= (1 - 0.22 * np.clip((x**2 + y**2) / 2, 0, 1))[:, :, None]
        grain = np.random.Generator(np.random.PCG64(self._rng.getrandbits(32)))
        pixels += grain.normal(0, 2.2, pixels.shape[:2])[:, :, None]
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _tinted(name: str) -> Image.Image:
    picture = place(name)
    if name not in _TINTS:
        return picture
    return ImageOps.colorize(ImageOps.grayscale(picture), (24, 20, 18), (250, 246, 238), _TINTS[name])
