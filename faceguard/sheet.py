"""Previews side by side: the contact sheet of a film, laid out of finished previews in a worker, and bare again."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from faceguard.encode import encode
from faceguard.errors import Unsafe
from faceguard.pixels import Rgb
from faceguard.result import Blurred, Refused, Why

COLUMNS = 4
_GAP = 8
_GROUND = (236, 238, 241)
_MISSING = (214, 218, 223)  # in place of a frame that cannot be shown


def contact_sheet(cells: Sequence[bytes | None]) -> Blurred | Refused:
    """Up to four previews in a row, each in the middle of its place; None leaves a plain grey place.

    cells: bare JPEGs as a Guard gives them. The faces and the share covered are not known here: 0.
    """
    try:
        sheet = _laid_out([None if cell is None else _pixels(cell) for cell in cells])
        return Blurred(jpeg=encode(sheet), width=sheet.shape[1], height=sheet.shape[0], faces=0, covered=0.0)
    except Unsafe as refusal:
        return Refused(refusal.why)
    except MemoryError:
        return Refused(Why.OUT_OF_MEMORY)


def _pixels(jpeg: bytes) -> Rgb:
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except OSError:
        raise Unsafe(Why.VERIFY_FAILED) from None


def _laid_out(cells: Sequence[Rgb | None]) -> Rgb:
    shown = [cell for cell in cells if cell is not None]
    if not shown:
        raise Unsafe(Why.VERIFY_FAILED)
    height, width = (max(cell.shape[axis] for cell in shown) for axis in (0, 1))
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _GROUND, np.uint8)
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        if cell is None:
            sheet[top : top + height, left : left + width] = _MISSING
        else:
            top, left = top + (height - cell.shape[0]) // 2, left + (width - cell.shape[1]) // 2
            sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return sheet
