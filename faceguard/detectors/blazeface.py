"""BlazeFace (Google, Apache-2.0) as mediapipe runs it: another network in another runtime than those of the plans.

Only for a second look: on whole pictures it misses most small faces. Importing this file imports mediapipe, which
reports its use to its maker over the network; so only faceguard.second imports it, and only in an offline process.
"""

from typing import Any

import flatbuffers
import mediapipe
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as words
from mediapipe.tasks.metadata import schema_py_generated as schema
from mediapipe.tasks.python.vision import face_detector

from faceguard.errors import Unsafe
from faceguard.pixels import NO_BOXES, Boxes, Rgb, clipped
from faceguard.result import Why

_MIDDLE = 127.5  # the network wants bytes brought to -1..1


class BlazeFace:
    """Sure of faces from about a tenth of the picture's long side; its threads start here and none starts later."""

    def __init__(self, tflite: bytes, threshold: float) -> None:
        """tflite: full range, as its authors publish it. Raises ValueError or RuntimeError when mediapipe refuses."""
        options = face_detector.FaceDetectorOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=described(tflite)),
            min_detection_confidence=threshold,
        )
        self._detector = face_detector.FaceDetector.create_from_options(options)

    def strong(self, rgb: Rgb) -> Boxes:
        """See verify.SecondLook.strong; about 5 ms. Raises Unsafe(CRASHED) when mediapipe fails."""
        try:
            found = self._detector.detect(_image(rgb)).detections
        except (RuntimeError, ValueError) as error:
            raise Unsafe(Why.CRASHED) from error
        rows = [_row(one.bounding_box, one.categories[0].score) for one in found]
        return clipped(np.array(rows, np.float32), rgb.shape[1], rgb.shape[0]) if rows else NO_BOXES


def _image(rgb: Rgb) -> Any:
    return mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(rgb))


def _row(box: Any, score: float) -> list[float]:
    return [box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height, score]


def described(tflite: bytes) -> bytes:
    """The model with a description of its one input, without which mediapipe 1 does not take it.

    Added in memory, so that the file on disk keeps the digest it is known by. Source: TFLite's metadata_schema.fbs.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite, 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_description(), np.uint8)
    entry = schema.MetadataT()
    entry.name = "TFLITE_METADATA"
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]
    return _packed(model, b"TFL3", len(tflite))


def _description() -> bytes:
    """One picture in RGB, of which each byte is read as (byte - 127.5) / 127.5."""
    scale = words.NormalizationOptionsT()
    scale.mean = scale.std = [_MIDDLE]
    step = words.ProcessUnitT()
    step.optionsType, step.options = words.ProcessUnitOptions.NormalizationOptions, scale
    colours = words.ImagePropertiesT()
    colours.colorSpace = words.ColorSpaceType.RGB
    content = words.ContentT()
    content.contentPropertiesType, content.contentProperties = words.ContentProperties.ImageProperties, colours
    tensor = words.TensorMetadataT()
    tensor.name, tensor.content, tensor.processUnits = "image", content, [step]
    graph = words.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    whole = words.ModelMetadataT()
    whole.subgraphMetadata = [graph]
    return _packed(whole, b"M001", 0)


def _packed(table: Any, mark: bytes, size: int) -> bytes:
    builder = flatbuffers.Builder(size + 1024)
    builder.Finish(table.Pack(builder), mark)
    return bytes(builder.Output())
