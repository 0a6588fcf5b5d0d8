"""Pictures in a column of a Parquet file: the footer, then a few row groups, of one column alone.

A picture column is one of bytes, or of records with ``bytes`` and ``path`` as image datasets have it. Sound, labels,
landmarks, embeddings and names are never given: such columns are left out by name and by what the file itself says of
them, and a value that does not begin as a picture does is left out by its bytes.
"""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from faceguard.containers.base import MOST_LOOSE, Found, is_note, spots
from faceguard.errors import Unsafe
from faceguard.formats import decoder_for
from faceguard.result import Why
from faceguard.source import Held, Source

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:  # the extra `parquet`
    PARQUET = False
else:
    PARQUET = True

_MOST_GROUP = 256 * 2**20  # bytes of a column in one row group that are read to choose evenly within it
_PROBED = 4  # cells of a column that are looked at to see whether it holds pictures
_BATCH = 16  # rows at a time
_MOST_COLUMNS = 10_000
_BUFFER = 2**20


def pictures(source: Source, limit: int, most: int) -> Iterator[Found]:
    """At most ``limit`` pictures, evenly over the row groups and, where these are small enough, within them.

    most: bytes of one. Raises Unsafe: ENCRYPTED, NOT_INSTALLED, NO_PICTURES, DAMAGED_ARCHIVE.
    """
    if not PARQUET:
        raise Unsafe(Why.NOT_INSTALLED)
    if source.read(max(0, source.size - 4), source.size) == b"PARE":
        raise Unsafe(Why.ENCRYPTED)
    try:
        file = parquet.ParquetFile(
            io.BufferedReader(_File(source), _BUFFER),
            memory_map=False,
            pre_buffer=False,
            buffer_size=_BUFFER,
            thrift_string_size_limit=64 * 2**20,
            thrift_container_size_limit=2**20,
            arrow_extensions_enabled=False,
        )
        if len(file.schema.names) > _MOST_COLUMNS:
            raise Unsafe(Why.DAMAGED_ARCHIVE)
        yield from _chosen(file, _column(file), limit, min(most, MOST_LOOSE))
    except MemoryError:
        raise
    except (pyarrow.ArrowException, OSError) as error:
        raise Unsafe(Why.ENCRYPTED if "encrypt" in str(error).lower() else Why.DAMAGED_ARCHIVE) from None


class _File(io.RawIOBase):
    """A source as a file that can be read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(self._at, min(self._at + len(buffer), self._source.size))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _column(file: Any) -> str:
    """The path of the first column that holds pictures, by its type, its name, what the file says, and its bytes."""
    told = _told(file.schema_arrow.metadata or {})
    for field in file.schema_arrow:
        kind = told.get(field.name)
        path = _path(field)
        if path is None or is_note(field.name) or (kind is not None and kind != "Image"):
            continue
        if kind == "Image" or any(isinstance(found, bytes) for found in _first(file, path)):
            return path
    raise Unsafe(Why.NO_PICTURES)


def _path(field: Any) -> str | None:
    """Where the bytes of a column stand, if it is one that can hold pictures."""
    if _is_bytes(field.type):
        return str(field.name)
    if pyarrow.types.is_struct(field.type):
        inner = {part.name: part.type for part in field.type}
        if "bytes" in inner and _is_bytes(inner["bytes"]):
            return f"{field.name}.bytes"
    return None


def _first(file: Any, path: str) -> Iterator[Found]:
    """What stands in the first cells of a column."""
    for group in _groups(file)[:1]:
        yield from _of_group(file, path, group, range(_PROBED), MOST_LOOSE)


def _is_bytes(kind: Any) -> bool:
    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))


def _told(metadata: dict[bytes, bytes]) -> dict[str, str]:
    """What a file of the `datasets` library says of its columns: name -> Image, Audio, ClassLabel…"""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {name: str(feature.get("_type")) for name, feature in features.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _groups(file: Any) -> list[int]:
    return [at for at in range(file.num_row_groups) if file.metadata.row_group(at).num_rows]


def _chosen(file: Any, path: str, limit: int, most: int) -> Iterator[Found]:
    groups = _groups(file)
    used = [groups[at] for at in spots(len(groups), limit)]
    for place, group in enumerate(used):
        share = limit // len(used) + (place < limit % len(used))
        rows = file.metadata.row_group(group).num_rows
        small = _bytes_of(file, path, group) <= _MOST_GROUP
        yield from _of_group(file, path, group, spots(rows, share) if small else range(share), most)


def _of_group(file: Any, path: str, group: int, rows: Iterable[int], most: int) -> Iterator[Found]:
    """The pictures of some rows of a row group."""
    left = set(rows)
    row = 0
    for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=[path], use_threads=False):
        values = batch.column(0)
        values = values.field("bytes") if pyarrow.types.is_struct(values.type) else values
        for value in values:
            if row in left:
                left.remove(row)
                yield from _judged(value, most)
            row += 1
        if not left:
            return


def _bytes_of(file: Any, path: str, group: int) -> int:
    chunks = file.metadata.row_group(group)
    for at in range(chunks.num_columns):
        if chunks.column(at).path_in_schema == path:
            return int(chunks.column(at).total_uncompressed_size)
    raise Unsafe(Why.DAMAGED_ARCHIVE)


def _judged(value: Any, most: int) -> Iterator[Found]:
    """The picture in a cell; nothing for an empty one, and nothing but a reason for what is no picture."""
    data = value.as_py()
    if data is None:
        return
    if len(data) > most:
        yield Why.TOO_LARGE
        return
    try:
        decoder_for(data)
    except Unsafe as refusal:
        yield refusal.why
    else:
        yield data


def rehearse() -> None:
    """Read a small file of our own: pyarrow loads parts of itself when they are first used."""
    if not PARQUET:
        return
    picture = b"\xff\xd8\xff\xe0"
    table = pyarrow.table({"image": [{"bytes": picture, "path": "a.jpg"}]})
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    found = list(pictures(Held(sink.getvalue().to_pybytes()), 1, MOST_LOOSE))
    if found != [picture]:
        raise RuntimeError(f"a file of our own was not read: {found}")
