"""Reads pickles of numbers, texts, containers and numpy arrays. What else a pickle asks for is refused, not looked up.

MegEngine's state dicts are such pickles. The names that numpy writes into a pickle stand here for functions of our own,
which take plain data and check it; neither numpy's nor anybody else's callables are ever handed to the file.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

KINDS = frozenset("?biufc")
"""Of elements: truth values and numbers."""


class NotPlain(Exception):
    """The file asks for something that is no plain data, or is no pickle."""


def load_plain(file: BinaryIO) -> Any:
    """What the pickle holds. Raises NotPlain."""
    try:
        return _settled(_Reader(file).load(), {})
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise NotPlain(str(error) or "it ends too early") from error
    except (OverflowError, MemoryError, RecursionError, UnicodeError) as error:
        raise NotPlain("it is no sound pickle") from error


class _Kind:
    """The type of elements, as numpy writes it: ``dtype("f4", False, True)`` and then its byte order."""

    def __init__(self, code: str, align: object = False, copy: object = True) -> None:
        self.dtype = np.dtype(str(code))
        if self.dtype.kind not in KINDS or self.dtype.fields or self.dtype.subdtype:
            raise NotPlain(f"an array of {code!r} is no array of numbers")

    def __setstate__(self, state: tuple[object, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise NotPlain("an array has no byte order")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array that is still to get its content."""

    value: "np.ndarray[Any, Any] | None" = None

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, shape, kind, fortran, raw = state
        self.value = _array(raw, kind, shape, "F" if fortran else "C")


def _array(raw: object, kind: object, shape: object, order: object) -> "np.ndarray[Any, Any]":
    if not isinstance(kind, _Kind) or not isinstance(raw, bytes | bytearray) or not isinstance(shape, tuple):
        raise NotPlain("an array is not made of bytes")
    flat = np.frombuffer(raw, kind.dtype) if raw else np.empty(0, kind.dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C").copy()  # the bytes may be shared, and read-only


def _no_array(*values: object) -> Any:
    """``numpy.ndarray`` is named as a type, and not for making one."""
    raise NotPlain("it would make an array out of nothing")


def _new_array(subtype: object, shape: object, kind: object) -> _Array:
    return _Array()


def _scalar(kind: object, raw: object) -> Any:
    return _array(raw, kind, (1,), "C")[0]


def _latin(text: object, encoding: object) -> bytes:
    """How Python 3 writes bytes into a pickle that Python 2 shall read."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise NotPlain("bytes are written in an unknown way")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    """How no bytes at all are written there."""
    return b""


class _Maker:
    """What a file is handed for a name: it can be called, and nothing else can be done to it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *values: object) -> Any:
        return self._make(*values)

    def __setstate__(self, state: object) -> None:
        raise NotPlain("it would change what reads it")


_KNOWN = {
    ("collections", "OrderedDict"): _Maker(OrderedDict),
    ("_codecs", "encode"): _Maker(_latin),
    ("__builtin__", "bytes"): _Maker(_no_bytes),
    ("numpy", "dtype"): _Maker(_Kind),
    ("numpy", "ndarray"): _Maker(_no_array),
    **{
        (f"numpy.{core}.{module}", name): _Maker(ours)
        for core in ("core", "_core")
        for module, name, ours in (
            ("multiarray", "_reconstruct", _new_array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _array),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise NotPlain(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        raise NotPlain("it refers to another file")


def _settled(value: Any, seen: dict[int, tuple[Any, Any]]) -> Any:
    """The same with every array in its place. `seen` keeps what was met, with what became of it."""
    if id(value) in seen:
        return seen[id(value)][1]
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _Array) and value.value is not None:
        return value.value
    if isinstance(value, _Kind):
        return value.dtype
    if isinstance(value, dict):
        seen[id(value)] = value, value
        for key in value:
            value[_settled(key, seen)] = _settled(value[key], seen)
    elif isinstance(value, list):
        seen[id(value)] = value, value
        value[:] = [_settled(each, seen) for each in value]
    elif isinstance(value, tuple | set | frozenset):
        settled = type(value)(_settled(each, seen) for each in value)
        seen[id(value)] = value, settled
        return settled
    else:
        raise NotPlain("it holds what is no plain data")
    return value


_PLAIN = (bool, int, float, complex, str, bytes, bytearray, type(None), np.generic, np.ndarray)
