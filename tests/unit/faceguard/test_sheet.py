import io

import numpy as np
import pytest
from PIL import Image

from faceguard.bare import is_bare
from faceguard.result import Blurred, Refused, Why
from faceguard.sheet import contact_sheet


def cell(colour: tuple[int, int, int], size: tuple[int, int] = (64, 36)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def laid_out(*cells: bytes | None) -> np.ndarray:
    sheet = contact_sheet(cells)
    assert isinstance(sheet, Blurred)
    assert is_bare(sheet.jpeg)
    with Image.open(io.BytesIO(sheet.jpeg)) as image:
        assert image.size == (sheet.width, sheet.height)
        return np.asarray(image)


def test_eight_cells_stand_in_two_rows_in_their_order():
    colours = [(30 * n, 250 - 30 * n, 128) for n in range(8)]
    sheet = laid_out(*map(cell, colours))
    assert sheet.shape == (8 + 2 * 44, 8 + 4 * 72, 3)
    for number, colour in enumerate(colours):
        row, column = divmod(number, 4)
        middle = sheet[8 + row * 44 + 18, 8 + column * 72 + 32].astype(int)
        assert np.abs(middle - colour).max() < 12


def test_a_missing_cell_is_plain_and_keeps_its_place():
    sheet = laid_out(cell((250, 0, 0)), None, cell((0, 0, 250)))
    place = sheet[12:40, 84:140].astype(int)
    assert np.abs(place - (214, 218, 223)).max() < 8
    assert sheet[26, 8 + 2 * 72 + 32, 2] > 200


def test_a_smaller_cell_stands_in_the_middle_of_its_place():
    sheet = laid_out(cell((200, 0, 0)), cell((0, 200, 0), (32, 18)))
    assert sheet[26, 8 + 72 + 32, 1] > 150
    assert sheet[11, 8 + 72 + 3].min() > 220


@pytest.mark.parametrize("cells", [[], [None, None], [b"\xff\xd8\xff" + bytes(40)], [cell((0, 0, 0))[:200]]])
def test_a_sheet_of_nothing_or_of_no_pictures_is_refused(cells):
    assert contact_sheet(cells) == Refused(Why.VERIFY_FAILED)
