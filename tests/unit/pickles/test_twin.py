"""The safetensors twin: which files have one, and that it holds the same numbers."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np
import pytest
from safetensors.numpy import load

from faceguard.source import Held
from gateway.pickles.safetensors import Safetensors
from gateway.pickles.scan import scan
from tests.torchfiles import Tensor, name, state_dict, text, torch_legacy, torch_zip

FORMS = pytest.mark.parametrize("form", [torch_zip, torch_legacy], ids=["zip", "legacy"])
FLOATS = struct.pack("<12f", *range(12))


def twin(content: bytes) -> bytes:
    """All of it, read in small pieces; b"" where there is none."""
    tensors = scan(io.BytesIO(content)).tensors
    if not tensors:
        return b""
    file = Safetensors(Held(content), tensors)
    pieces = []
    while piece := file.read(7):
        pieces.append(piece)
    assert sum(map(len, pieces)) == file.size
    return b"".join(pieces)


@FORMS
def test_shapes_numbers_and_kinds_are_the_same(form: object) -> None:
    tensors = {
        "conv.weight": Tensor(FLOATS, (3, 4)),
        "bn.num_batches_tracked": Tensor(struct.pack("<q", 42), (), "LongStorage", 8),
        "half": Tensor(np.arange(3, dtype="<f2").tobytes(), (3,), "HalfStorage", 2),
        "flags": Tensor(b"\1\0\1", (3, 1), "BoolStorage", 1),
        "empty": Tensor(b"", (0, 5)),
        "权重": Tensor(struct.pack("<2d", 0.5, 2), (1, 2, 1), "DoubleStorage", 8),
    }
    got = load(twin(form(tensors)))  # type: ignore[operator]
    assert got.keys() == tensors.keys()
    assert {key: value.shape for key, value in got.items()} == {key: t.shape for key, t in tensors.items()}
    assert got["conv.weight"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert got["bn.num_batches_tracked"] == 42
    assert (got["half"].dtype, got["half"].tolist()) == (np.float16, [0, 1, 2])
    assert (got["flags"].dtype, got["flags"].ravel().tolist()) == (np.bool_, [True, False, True])
    assert got["权重"].ravel().tolist() == [0.5, 2]


@FORMS
def test_a_view_gives_its_part_of_the_storage(form: object) -> None:
    got = load(twin(form({"v": Tensor(FLOATS, (2, 2), offset=5)})))  # type: ignore[operator]
    assert got["v"].tolist() == [[5, 6], [7, 8]]


def test_both_forms_have_the_same_twin_to_the_byte() -> None:
    tensors = {"b": Tensor(FLOATS, (12,)), "a": Tensor(b"\1\0", (2,), "ByteStorage", 1)}
    assert twin(torch_zip(tensors)) == twin(torch_legacy(tensors)) != b""


def test_a_training_runs_state_dict_is_found_in_what_it_saved() -> None:
    inner = state_dict({"w": Tensor(FLOATS, (12,))})[2:-1]
    saved = b"\x80\x02}(" + text("epoch") + b"K\x03" + text("state_dict") + inner + b"u."
    content = torch_zip({"w": Tensor(FLOATS, (12,))}, saved)
    assert load(twin(content))["w"].tolist() == list(range(12))


NONE: Mapping[str, bytes] = {
    "a tensor that does not lie row by row": torch_zip({"t": Tensor(FLOATS, (3, 4), strides=(1, 3))}),
    "an expanded one": torch_zip({"t": Tensor(FLOATS[:4], (3,), strides=(0,))}),
    "one that reaches beyond its storage": torch_zip({"t": Tensor(FLOATS, (13,))}),
    "one that begins before it": torch_zip({"t": Tensor(FLOATS, (2,), offset=-1)}),
    "a negative side": torch_zip({"t": Tensor(FLOATS, (-1, -3), strides=(-3, 1))}),
    "complex numbers": torch_zip({"t": Tensor(FLOATS, (6,), "ComplexFloatStorage", 8)}),
    "no tensors": torch_zip({}),
    "other values": torch_zip({}, b"\x80\x02}" + text("epoch") + b"K\x01s."),
    "a list": torch_zip({}, b"\x80\x02](K\x01K\x02e."),
    "names that are numbers": torch_zip({"w": Tensor(FLOATS, (12,))}, b"\x80\x02}K\x01K\x02s."),
    "a tensor without its storage": torch_zip({}, state_dict({"w": Tensor(FLOATS, (12,))})),
    "a name that means something else there": torch_zip({"__metadata__": Tensor(FLOATS, (12,))}),
    "no storage at all": torch_zip(
        {}, b"\x80\x02}" + text("w") + name("torch._utils", "_rebuild_tensor_v2") + b"(K\x01tRs."
    ),
    "a plain pickle": b"\x80\x02}" + text("w") + b"K\x01s.",
}


@pytest.mark.parametrize("content", NONE.values(), ids=list(NONE))
def test_what_is_not_a_state_dict_of_plain_tensors_has_none(content: bytes) -> None:
    assert twin(content) == b""


def test_big_endian_numbers_have_none() -> None:
    tensors = {"w": Tensor(FLOATS, (12,))}
    assert twin(torch_zip(tensors, order="little"))
    assert twin(torch_zip(tensors, order="big")) == b""


def test_an_archive_that_was_damaged_has_none() -> None:
    content = torch_zip({"w": Tensor(FLOATS, (12,))})
    assert twin(content.replace(b"little", b"Little")) == b""
