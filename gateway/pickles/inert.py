"""Reads a pickle as its loader would, but imports nothing: each name becomes a class that only records its use.

The steps are those of Python's own unpickler, so this one gets exactly as far as a loader does and meets every name
that the loader would import, whatever order, memo or framing hides it. A list of the opcodes cannot tell that.
"""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, NamedTuple

LENGTH = struct.Struct("<Q")
MAX_NAMES = 10_000
LONGEST_LINE = 64 * 2**20  # of old protocols, which write numbers and texts in letters
# What Python's unpickler raises on bytes that make no sense, and what our records raise when they are misused.
BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    SystemError,
    TypeError,
    ValueError,
)


class Name(NamedTuple):
    """What a pickle imports: a module, and a name in it that may have dots."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Inert:
    """In the place of an object of which a pickle tells how to make it."""

    of: ClassVar[Name]
    args: tuple[Any, ...]
    state: Any
    entries: list[tuple[Any, Any]]  # set as one sets the entries of a dict

    def __new__(cls, *args: Any, **kwargs: Any) -> Inert:
        made = super().__new__(cls)
        made.args = (*args, kwargs) if kwargs else args
        made.state = None
        made.entries = []
        return made

    def __call__(self, *args: Any) -> Inert:
        return _Result(self, *args)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries.append((key, value))

    def append(self, value: Any) -> None:
        """Lists and sets are filled in these three ways; nobody asks what is in them."""

    def extend(self, values: Any) -> None: ...
    def add(self, value: Any) -> None: ...


class _Result(Inert):
    """What a call of something else than a name would have given."""

    of = Name("", "")


class Stored(Inert):
    """An object that lies outside the pickle; `args[0]` is what the pickle calls it."""

    of = Name("", "persistent_load")


class NumpyArray(Inert):
    """joblib writes an array's bytes into the midst of the pickle, right behind the record of the array."""

    of = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
    reader: ClassVar[Reader]

    def __setstate__(self, state: Any) -> None:
        """Raises ValueError for a record that joblib would not have written."""
        super().__setstate__(state)
        shape, dtype = state["shape"], state["dtype"]
        found = re.fullmatch(r"[<>|=]?([A-Za-z])(\d+)", dtype.args[0])
        if found is None or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError("an array of an unknown kind")
        if found[1] == "O":
            self.reader.within()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.reader.skip(self.reader.read(1)[0])
        size = int(found[2]) * (4 if found[1] == "U" else 1)
        for side in shape:
            size *= side
        self.reader.skip(size)


KNOWN: dict[Name, type[Inert]] = {NumpyArray.of: NumpyArray}


class Reader:
    """The unpickler's file. It reads no further than it is asked to, and never more at once than there is.

    left: bytes that are known to follow, None where nobody knows.
    """

    def __init__(self, file: BinaryIO, left: int | None, names: set[Name]) -> None:
        self._file = file
        self._left = left
        self._names = names

    def read(self, size: int) -> bytes:
        """Raises EOFError rather than give fewer."""
        if self._left is not None and size > self._left:
            raise EOFError
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError
        self._took(size)
        return data

    def readline(self) -> bytes:
        """Raises MemoryError for a line that is too long to be held."""
        line = self._file.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE:
            raise MemoryError
        self._took(len(line))
        return line

    def skip(self, size: int) -> None:
        """Raises EOFError when there are not so many."""
        while size > 0:
            size -= len(self.read(min(size, 2**20)))

    def within(self) -> None:
        """Another pickle, in the midst of this one. Raises what it raises."""
        _Plain(self, self._names).load()

    def _took(self, count: int) -> None:
        if self._left is not None:
            self._left -= count


class _Naming:
    """What both unpicklers do with what comes from outside a pickle."""

    def __init__(self, reader: Reader, names: set[Name]) -> None:
        # Latin-1 takes any byte, so that no loader of another encoding gets further than we do.
        super().__init__(reader, encoding="latin-1")  # type: ignore[call-arg]  # the unpickler's, which stands behind
        self._inert_reader = reader
        self._inert_names = names
        self._inert_classes: dict[Name, type[Inert]] = {}

    def find_class(self, module: str, name: str) -> type[Inert]:
        """A class of its own for each name, so that it can stand wherever a class must.

        Raises ValueError where a loader could import nothing: many a text looks like an import of its first two lines.
        """
        key = Name(module, name)
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise ValueError("not a name")
        made = self._inert_classes.get(key)
        if made is None:
            self._inert_names.add(key)
            if len(self._inert_names) > MAX_NAMES:
                raise ValueError("too many names")
            made = type("Inert", (KNOWN.get(key, Inert),), {"of": key, "reader": self._inert_reader})
            self._inert_classes[key] = made
        return made

    def persistent_load(self, pid: Any) -> Stored:
        """An object that the loader would look for elsewhere."""
        return Stored(pid)


class _Native(_Naming, pickle.Unpickler):
    """Python's usual unpickler. It fills a table as long as the largest number that a pickle gives to a value, so
    bytes that are no pickle at all may ask for gigabytes."""


class _Plain(_Naming, pickle._Unpickler):
    """The one written in Python, which some loaders build on; its table holds what was put there."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    append: Callable[[Any], None]  # to the stack; the unpickler sets both when it begins
    read: Callable[[int], bytes]

    def load_bytearray8(self) -> None:
        """As much as there is, before there is room for it."""
        (size,) = LENGTH.unpack(self.read(LENGTH.size))
        self.append(bytearray(self.read(size)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


@dataclass(slots=True)
class Read:
    """How far a pickle could be read. `value` stands when it was read to its end."""

    names: set[Name] = field(default_factory=set)
    whole: bool = False
    value: Any = None


def read_pickle(file: BinaryIO, left: int | None) -> Read:
    """The pickle that begins here; the file is left right behind it when it was whole.

    left: bytes that follow in the file, None where nobody knows. Raises MemoryError, and what the file raises.
    """
    read, start = Read(), file.tell()
    for unpickler in (_Native, _Plain):
        file.seek(start)
        try:
            # What is met before it fails, a loader has imported.
            read.value = unpickler(Reader(file, left, read.names), read.names).load()
        except MemoryError:
            if unpickler is _Plain:
                raise
        except BROKEN:
            continue
        else:
            read.whole = True
            return read
    return read
