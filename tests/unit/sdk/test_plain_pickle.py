"""Pickles of plain data are read; nothing that a file asks for is run, looked up or changed."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import plain_pickle
from gateway.sdk.plain_pickle import NotPlain, load_plain

FIELDS = np.dtype([("a", "f4"), ("b", "i8")])
STATE: OrderedDict[str, Any] = OrderedDict(
    (
        ("conv.weight", np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
        ("big.endian", np.arange(5, dtype=">i4")),
        ("fortran", np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        ("empty", np.zeros((0, 4), np.float16)),
        ("none-dimensional", np.array(7, np.int64)),
        ("mask", np.array([True, False])),
        ("scalar", np.float64(1.5)),
        ("complex", np.array([1 + 2j])),
    )
)


def load(content: bytes) -> Any:
    return load_plain(io.BytesIO(content))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_state_dict_comes_back_as_it_was(protocol: int) -> None:
    shared = np.ones(3)
    kept = {"state_dict": STATE, "epoch": 3, "names": ["a", ("b", shared)], "shared": shared, "raw": b"\x00\xff"}
    found = load(pickle.dumps(kept, protocol))
    assert list(found["state_dict"]) == list(STATE)
    for name, array in STATE.items():
        assert found["state_dict"][name].dtype == array.dtype
        assert type(found["state_dict"][name]) is type(array)
        np.testing.assert_array_equal(found["state_dict"][name], array)
    assert (found["epoch"], found["names"][0], found["raw"]) == (3, "a", b"\x00\xff")
    assert found["names"][1][1] is found["shared"]
    found["shared"][0] = 5  # it is the reader's own, to write to


def test_what_old_numpy_wrote_is_read() -> None:
    content = pickle.dumps(STATE, 4).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    # The shorter name needs its shorter length: a short text is a length of one byte and the text.
    content = content.replace(b"\x16numpy.core.multiarray", b"\x15numpy.core.multiarray")
    start = content.index(b"\x95") + 1
    size = int.from_bytes(content[start : start + 8], "little")
    shorter = content.count(b"numpy.core.multiarray")
    content = content[:start] + (size - shorter).to_bytes(8, "little") + content[start + 8 :]
    np.testing.assert_array_equal(load(content)["conv.weight"], STATE["conv.weight"])


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('it ran')",)


class _Sets:
    """An object by name, then a state for it."""

    def __init__(self, module: str, name: str, state: object) -> None:
        self.pickled = b"\x80\x02c" + f"{module}\n{name}\n".encode() + pickle.dumps(state, 2)[2:-1] + b"b."


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(_Runs()),
        pickle.dumps({"weights": [STATE, _Runs()]}),
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.ctx\x93.",
        b"cnumpy\nndarray\n((I4\ntcnumpy\ndtype\n(S'O'\nI00\nI01\ntRtR.",
        pickle.dumps(np.array([None, _Runs()], dtype=object)),
        pickle.dumps(np.array([None], dtype=object)),
        pickle.dumps(np.zeros(2, FIELDS)),
        pickle.dumps(np.array(["a"])),
        pickle.dumps(np.dtype("O")),
        pickle.dumps(lambda: None) if False else pickle.dumps(len),
        pickle.dumps(range(3)),
        pickle.dumps(np.datetime64("2026-01-01")),
        b"P7\n.",
        b"(lp0\ncollections\nOrderedDict\n.",
        b"ccollections\nOrderedDict\n.",
        b"cnumpy\nndarray\n.",
        b"cnumpy.core.multiarray\n_reconstruct\n(NNNtR.",
        _Sets("collections", "OrderedDict", {"_make": 1}).pickled,
        _Sets("collections", "OrderedDict", (None, {"_make": 1})).pickled,
        _Sets("numpy", "dtype", (None, {"__call__": 1})).pickled,
        b"",
        b"no pickle",
        pickle.dumps(STATE)[:-40],
        b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"PK\x03\x04" + b"\x00" * 40,
    ],
)  # fmt: skip
def test_what_is_more_than_plain_data_is_refused(content: bytes) -> None:
    before = {key: (maker, maker._make) for key, maker in plain_pickle._KNOWN.items()}
    with pytest.raises(NotPlain):
        load(content)
    assert {key: (maker, maker._make) for key, maker in plain_pickle._KNOWN.items()} == before


def test_an_array_needs_the_bytes_that_its_shape_says() -> None:
    content = pickle.dumps(np.zeros(4, np.uint8), 2).replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85")
    assert content != pickle.dumps(np.zeros(4, np.uint8), 2)
    with pytest.raises(NotPlain):
        load(content)


def test_what_contains_itself_is_read_and_what_repeats_itself_is_read_once() -> None:
    loop: list[Any] = [np.ones(2)]
    loop.append(loop)
    found = load(pickle.dumps(loop))
    assert found[1] is found
    nested: tuple[Any, ...] = (np.ones(2),)
    for _ in range(60):
        nested = (nested, nested)
    found = load(pickle.dumps(nested))
    assert found[0] is found[1]


@given(st.data())
def test_no_change_of_a_file_makes_it_do_anything_else_than_be_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(
        pickle.dumps({"w": np.arange(3, dtype=np.int16), "n": [1, "a", None]}, data.draw(st.sampled_from([2, 4, 5])))
    )
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        load(bytes(content))
    except NotPlain:
        pass
    except pickle.PickleError as error:  # pragma: no cover
        pytest.fail(f"{error!r} escaped from {pickletools.dis(bytes(content))}")
