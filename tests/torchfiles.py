"""Files as torch.save makes them, and other pickles, made without torch: opcode by opcode, as the formats are."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pickle import BINPUT, EMPTY_TUPLE, MARK, NEWFALSE, PROTO, REDUCE, SETITEMS, STOP, TUPLE

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclass(frozen=True, slots=True)
class Tensor:
    """Contiguous by default; `key` names the storage, `content` is all of the storage."""

    content: bytes
    shape: tuple[int, ...]
    storage: str = "FloatStorage"
    size: int = 4  # bytes of one number
    offset: int = 0  # numbers before it in the storage
    strides: tuple[int, ...] | None = None


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def name(module: str, what: str) -> bytes:
    return f"c{module}\n{what}\n".encode()


def numbers(values: tuple[int, ...]) -> bytes:
    return MARK + b"".join(number(value) for value in values) + TUPLE


def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for side in reversed(shape):
        strides.append(step)
        step *= side
    return tuple(reversed(strides))


def state_dict(tensors: Mapping[str, Tensor], *, legacy: bool = False) -> bytes:
    """The pickle of an OrderedDict of tensors; each has a storage of its own, numbered in order."""
    ordered = name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
    entries = b""
    for key, (called, tensor) in enumerate(tensors.items()):
        strides = strides_of(tensor.shape) if tensor.strides is None else tensor.strides
        stored = (
            MARK + text("storage") + name("torch", tensor.storage) + text(str(key)) + text("cpu")
            + number(len(tensor.content) // tensor.size) + (b"N" if legacy else b"") + TUPLE + b"Q"
        )  # fmt: skip
        entries += (
            text(called) + name("torch._utils", "_rebuild_tensor_v2")
            + MARK + stored + number(tensor.offset) + numbers(tensor.shape) + numbers(strides) + NEWFALSE + ordered
            + TUPLE + REDUCE
        )  # fmt: skip
    return PROTO + b"\x02" + ordered + BINPUT + b"\0" + MARK + entries + SETITEMS + STOP


def torch_zip(tensors: Mapping[str, Tensor], pickle: bytes | None = None, order: str = "little") -> bytes:
    """As torch from 1.6 on saves it; with another pickle in the place of the state dict's."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", state_dict(tensors) if pickle is None else pickle)
        archive.writestr("archive/byteorder", order)
        for key, tensor in enumerate(tensors.values()):
            archive.writestr(f"archive/data/{key}", tensor.content)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def torch_legacy(tensors: Mapping[str, Tensor]) -> bytes:
    """As torch before 1.6 saved it."""
    info = (
        PROTO + b"\x02}" + MARK + text("protocol_version") + number(PROTOCOL) + text("little_endian") + b"\x88"
        + SETITEMS + STOP
    )  # fmt: skip
    keys = PROTO + b"\x02](" + b"".join(text(str(key)) for key in range(len(tensors))) + b"e."
    magic = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
    storages = [struct.pack("<q", len(tensor.content) // tensor.size) + tensor.content for tensor in tensors.values()]
    protocol = PROTO + b"\x02" + number(PROTOCOL) + STOP
    return b"".join([magic, protocol, info, state_dict(tensors, legacy=True), keys, *storages])


def running(module: str, what: str, argument: str = "true") -> bytes:
    """A pickle that calls `module.what(argument)` when it is loaded."""
    return PROTO + b"\x02" + name(module, what) + MARK + text(argument) + TUPLE + REDUCE + STOP
