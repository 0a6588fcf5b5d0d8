"""CenterFace (Star-Clouds, MIT): one heat map of face centres with sizes and offsets, on a grid of 4 x 4 pixels."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceguard.detectors.base import FLOOR
from faceguard.pixels import NO_BOXES, Boxes, Rgb, clipped, distinct

_CELL = 4  # input pixels for each cell of the heat map
_SIDE = 32  # input sides must be multiples of this
_SAME = 0.3  # boxes of one face overlap more than this


class CenterFace:
    """Strong on faces from about 10 to 300 px of the input; takes any size."""

    def __init__(self, onnx: bytes) -> None:
        self._net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx, np.uint8))
        self._outputs: Sequence[str] = self._net.getUnconnectedOutLayersNames()

    def find(self, rgb: Rgb) -> Boxes:
        """See Detector.find. Costs about 40 ms at 512 x 512 on one core."""
        height, width = rgb.shape[:2]
        padded = cv2.copyMakeBorder(rgb, 0, -height % _SIDE, 0, -width % _SIDE, cv2.BORDER_CONSTANT)
        self._net.setInput(cv2.dnn.blobFromImage(padded))
        heat, size, offset, _landmarks = self._net.forward(self._outputs)
        rows, columns = np.nonzero(heat[0, 0] >= FLOOR)
        if not len(rows):
            return NO_BOXES
        tall, wide = np.exp(size[0, :, rows, columns]).T * _CELL
        down, right = offset[0, :, rows, columns].T
        x = (columns + right + 0.5) * _CELL
        y = (rows + down + 0.5) * _CELL
        score = heat[0, 0, rows, columns]
        boxes = np.stack((x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2, score), axis=1)
        return distinct(clipped(boxes.astype(np.float32), width, height), _SAME)
