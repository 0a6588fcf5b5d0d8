"""The weights inside an ONNX file, read without an ONNX package: just enough of protobuf to reach the tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

# Field numbers of onnx.proto3: ModelProto.graph, GraphProto.initializer, TensorProto.*
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DATA_TYPE, _FLOATS, _INTS, _NAME, _RAW = 1, 2, 4, 7, 8, 9
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 7: np.dtype("<i8")}


def tensors(onnx: bytes) -> dict[str, np.ndarray]:
    """Every initializer of the graph by name. Raises ValueError for a type other than float32 and int64."""
    found = {}
    for number, graph in _fields(onnx):
        if number == _GRAPH and isinstance(graph, bytes):
            for inner, tensor in _fields(graph):
                if inner == _INITIALIZER and isinstance(tensor, bytes):
                    name, array = _tensor(tensor)
                    found[name] = array
    return found


def _tensor(message: bytes) -> tuple[str, np.ndarray]:
    name, kind, raw = "", 0, b""
    dims: list[int] = []
    for number, value in _fields(message):
        match number, value:
            case n, int(dim) if n == _DIMS:
                dims.append(dim)
            case n, bytes(packed) if n == _DIMS:
                dims.extend(_varints(packed))
            case n, int(code) if n == _DATA_TYPE:
                kind = code
            case n, bytes(text) if n == _NAME:
                name = text.decode()
            case n, bytes(data) if n in (_RAW, _FLOATS):
                raw = data
            case n, bytes(packed) if n == _INTS:
                raw = np.array(_varints(packed), "<i8").tobytes()
    if kind not in _DTYPES:
        raise ValueError(f"tensor {name!r} has ONNX type {kind}, which is not read here")
    return name, np.frombuffer(raw, _DTYPES[kind]).reshape(dims)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of one protobuf message, in file order."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        match wire:
            case 0:
                value, at = _varint(message, at)
                yield number, value
            case 2:
                length, at = _varint(message, at)
                yield number, message[at : at + length]
                at += length
            case 1 | 5:
                length = 8 if wire == 1 else 4
                yield number, message[at : at + length]
                at += length
            case _:
                raise ValueError(f"protobuf wire type {wire} is not known")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def _varints(packed: bytes) -> list[int]:
    values, at = [], 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values
