"""YuNet (Shiqi Yu, MIT and Apache-2.0) through OpenCV's own reader; strong on faces from 10 to 300 px."""

from typing import Any

import cv2
import numpy as np

from faceguard.detectors.base import FLOOR
from faceguard.pixels import NO_BOXES, Boxes, Rgb, clipped

_SAME = 0.3


class YuNet:
    """The small detector and its larger brother YuNet-n: the same input and output."""

    def __init__(self, onnx: bytes) -> None:
        weights = np.frombuffer(onnx, np.uint8)
        self._net = cv2.FaceDetectorYN.create("onnx", weights, np.zeros(0, np.uint8), (320, 320), FLOOR, _SAME, 5000)

    def find(self, rgb: Rgb) -> Boxes:
        """See Detector.find. Costs about 15 ms at 640 x 640 on one core."""
        height, width = rgb.shape[:2]
        self._net.setInputSize((width, height))
        rows: Any = self._net.detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1]
        if rows is None:  # what OpenCV gives for no face, whatever its type stubs say
            return NO_BOXES
        left, top, wide, tall = rows[:, :4].T
        boxes = np.stack((left, top, left + wide, top + tall, rows[:, 14]), axis=1).astype(np.float32)
        return clipped(boxes, width, height)
