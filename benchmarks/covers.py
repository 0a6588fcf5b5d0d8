"""Previews side by side on one sheet, to see with one's own eyes what a change of the covers does.

    python -m benchmarks.covers SHEET [FOLDER]

Run it before the change and after. SHEET: the picture to write, best in artefacts/. FOLDER: of pictures, the demo's own
by default; at most 48 of them are shown, evenly chosen. A refused one is left out.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from faceguard.pipeline import safe_preview
from faceguard.pixels import Rgb
from faceguard.result import Blurred
from gateway.demo.content import write_demo

MOST = 48
ACROSS = 6
CELL = 320  # pixels
KEY = b"the same noise each time"


def main(sheet: Path, folder: Path) -> None:
    """Write the sheet."""
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = pictures[:: max(1, -(-len(pictures) // MOST))]
    previews = [safe_preview(path.read_bytes(), key=KEY) for path in chosen]
    cells = [_cell(preview.jpeg) for preview in previews if isinstance(preview, Blurred)]
    if not cells:
        sys.exit(f"No picture in {folder} could be previewed.")
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % ACROSS)
    rows = [np.concatenate(cells[at : at + ACROSS], axis=1) for at in range(0, len(cells), ACROSS)]
    sheet.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(sheet), np.concatenate(rows))


def _cell(jpeg: bytes) -> Rgb:
    """The preview in the middle of a white square, in OpenCV's order of colours."""
    preview = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    scale = (CELL - 8) / max(preview.shape[:2])
    shown = cv2.resize(preview, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.full((CELL, CELL, 3), 255, np.uint8)
    top, left = (CELL - shown.shape[0]) // 2, (CELL - shown.shape[1]) // 2
    cell[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return cell


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    elif len(sys.argv) == 2:
        with tempfile.TemporaryDirectory() as made:
            write_demo(Path(made))
            main(Path(sys.argv[1]), Path(made))
    else:
        sys.exit(__doc__)
