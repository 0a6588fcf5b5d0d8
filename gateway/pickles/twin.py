"""Where the tensors of a state dict lie in a file that torch.save has made: all that its safetensors twin needs.

The tensors' bytes stand in both forms alike, one after another. So a plan of ranges is enough, however large they are,
and nobody has to hold or to unpickle them.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from gateway.pickles.inert import Inert, Name, Stored, read_pickle
from gateway.pickles.walk import Found, Unscannable, as_file, is_legacy, opened, pickles, stored_at, torch_pickle

MAX_TENSORS = 100_000
LITTLE = b"little"
NUMBER = struct.Struct("<q")


class Dtype(NamedTuple):
    """As safetensors calls it, and the bytes of one number."""

    name: str
    size: int


DTYPES = {
    "bool": Dtype("BOOL", 1), "uint8": Dtype("U8", 1), "int8": Dtype("I8", 1), "int16": Dtype("I16", 2),
    "int32": Dtype("I32", 4), "int64": Dtype("I64", 8), "float16": Dtype("F16", 2), "bfloat16": Dtype("BF16", 2),
    "float32": Dtype("F32", 4), "float64": Dtype("F64", 8), "float8_e4m3fn": Dtype("F8_E4M3", 1),
    "float8_e5m2": Dtype("F8_E5M2", 1), "uint16": Dtype("U16", 2), "uint32": Dtype("U32", 4), "uint64": Dtype("U64", 8),
}  # fmt: skip
STORAGES = {
    "BoolStorage": "bool", "ByteStorage": "uint8", "CharStorage": "int8", "ShortStorage": "int16",
    "IntStorage": "int32", "LongStorage": "int64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32", "DoubleStorage": "float64",
}  # fmt: skip
SIZES = {dtype.name: dtype.size for dtype in DTYPES.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor, row by row in the bytes from `start` to `stop` (half-open) of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class NotPlain(Exception):
    """The file is no state dict of plain tensors, or not one that can be told by ranges."""


@dataclass(frozen=True, slots=True)
class _Storage:
    start: int
    size: int  # bytes


def plan(file: BinaryIO, size: int) -> list[Tensor]:
    """The tensors in order of name. Raises NotPlain, and what reading the file raises."""
    try:
        value, storages = _zipped(file) if zipfile.is_zipfile(file) else _legacy(file, size)
        return _tensors(value, storages)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error, Unscannable) as error:
        raise NotPlain from error


def _zipped(file: BinaryIO) -> tuple[Any, dict[str, _Storage]]:
    with opened(file, 0) as archive:
        pickle = torch_pickle(archive)
        if pickle is None:
            raise NotPlain
        folder = pickle.filename.removesuffix("data.pkl")
        members = {info.filename: info for info in archive.infolist()}
        order = members.get(folder + "byteorder")
        if order is not None:
            with archive.open(order) as member:
                if member.read(len(LITTLE) + 1) != LITTLE:
                    raise NotPlain
        with archive.open(pickle) as member:
            value = read_pickle(as_file(member), pickle.file_size).value
    storages = {}
    for name, info in members.items():
        if name.startswith(folder + "data/") and info.compress_type == zipfile.ZIP_STORED:
            storages[name.removeprefix(folder + "data/")] = _Storage(stored_at(file, info), info.file_size)
    return value, storages


def _legacy(file: BinaryIO, size: int) -> tuple[Any, dict[str, _Storage]]:
    """torch before 1.6: five pickles, of which the last lists the storages that follow, each behind its length."""
    values = pickles(file, 0, size, Found())
    if not is_legacy(values) or not values[2]["little_endian"]:
        raise NotPlain
    numbers: dict[str, int] = {}
    for tensor in _state_dict(values[3]).values():
        kind, key = tensor.args[0].args[0][1:3]
        numbers[key] = DTYPES[_dtype(kind)].size
    storages = {}
    for key in values[4]:
        (count,) = NUMBER.unpack(file.read(NUMBER.size))
        storages[key] = _Storage(file.tell(), count * numbers[key])
        file.seek(storages[key].start + storages[key].size)
    return values[3], storages


def _tensors(value: Any, storages: dict[str, _Storage]) -> list[Tensor]:
    found = [_tensor(name, tensor, storages) for name, tensor in sorted(_state_dict(value).items())]
    if not found or len(found) > MAX_TENSORS:
        raise NotPlain
    return found


def _state_dict(value: Any) -> dict[str, Inert]:
    """The tensors by name, from the dict itself or from what a training run has saved as its `state_dict`."""
    entries = dict(_entries(value))
    if isinstance(entries.get("state_dict"), dict | Inert):
        entries = dict(_entries(entries["state_dict"]))
    return {name: _bare(tensor) for name, tensor in entries.items() if _named(name)}


def _named(name: Any) -> bool:
    if not isinstance(name, str) or name == "__metadata__":  # in safetensors that one is no tensor
        raise NotPlain
    return True


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    if type(value) is dict:
        yield from value.items()
    elif isinstance(value, Inert) and value.of == Name("collections", "OrderedDict"):
        yield from (pair for pairs in value.args for pair in pairs)  # as Python 2 wrote them
        yield from value.entries
    else:
        raise NotPlain


def _bare(value: Any) -> Inert:
    """The tensor itself; a parameter is one that is trained."""
    if isinstance(value, Inert) and value.of in PARAMETERS:
        value = value.args[0]
    if not isinstance(value, Inert) or value.of not in REBUILDS or not isinstance(value.args[0], Stored):
        raise NotPlain
    return value


PARAMETERS = frozenset({Name("torch._utils", "_rebuild_parameter"), Name("torch.nn.parameter", "Parameter")})
WITH_DTYPE = Name("torch._utils", "_rebuild_tensor_v3")
REBUILDS = frozenset({Name("torch._utils", "_rebuild_tensor_v2"), WITH_DTYPE})


def _tensor(name: str, value: Inert, storages: dict[str, _Storage]) -> Tensor:
    stored, offset, shape, strides = value.args[:4]
    word, kind, key, _, _, *view = stored.args[0]
    if word != "storage" or any(part is not None for part in view):
        raise NotPlain
    dtype = DTYPES[value.args[6].of.name if value.of == WITH_DTYPE else _dtype(kind)]
    count = _count(shape, strides)
    storage = storages[key]
    start = offset * dtype.size
    stop = start + count * dtype.size
    if offset < 0 or stop > storage.size:
        raise NotPlain
    return Tensor(
        name=name, dtype=dtype.name, shape=tuple(shape), start=storage.start + start, stop=storage.start + stop
    )


def _dtype(kind: Any) -> str:
    of: Name = kind.of
    if of.module != "torch":
        raise NotPlain
    return STORAGES[of.name]


def _count(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How many numbers there are, when they lie row by row. Raises NotPlain when not."""
    count = 1
    for side, stride in zip(reversed(shape), reversed(strides), strict=True):
        if side < 0 or (side > 1 and stride != count):
            raise NotPlain
        count *= side
    return count
