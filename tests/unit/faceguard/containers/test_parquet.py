import io
import json
import wave

import pytest

pytest.importorskip("pyarrow", reason="the extra parquet is not installed")

import pyarrow as pa
import pyarrow.parquet as pq

from faceguard.containers import parquet
from faceguard.containers.parquet import pictures
from faceguard.errors import Unsafe
from faceguard.result import Why
from faceguard.source import Held

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def written(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def records(*cells: bytes | None) -> pa.Array:
    return pa.array([{"bytes": cell, "path": "Zhang San.jpg"} for cell in cells], IMAGE)


def sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(800))
    return buffer.getvalue()


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_records_of_bytes_and_path_give_their_pictures(compression, take, picture):
    shown = [picture(number) for number in range(5)]
    table = pa.table({"label": list("abcde"), "image": records(*shown)})
    assert take(pictures, written(table, compression=compression)) == shown


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_column_of_bytes_gives_its_pictures(kind, take, picture):
    shown = [picture(number) for number in range(3)]
    assert take(pictures, written(pa.table({"jpg": pa.array(shown, kind)}))) == shown


def test_only_the_column_of_pictures_is_ever_given(take, picture):
    shown = [picture(number) for number in range(4)]
    table = pa.table(
        {
            "audio": records(*[sound()] * 4),
            "voice": records(*[sound()] * 4),
            "embedding": pa.array([bytes(512)] * 4),
            "vector": pa.array([bytes(512)] * 4),
            "landmarks": pa.array([[1.0, 2.0]] * 4),
            "name": pa.array(["Zhang San"] * 4),
            "mask": records(*[picture(99)] * 4),
            "picture": records(*shown),
            "second": records(*[picture(98)] * 4),
        }
    )
    assert take(pictures, written(table)) == shown


def told(**kinds: str) -> dict[str, str]:
    features = {name: {"_type": kind} for name, kind in kinds.items()}
    return {"huggingface": json.dumps({"info": {"features": features}})}


def test_what_the_file_says_of_its_columns_counts(take, picture):
    table = pa.table({"a": records(picture(1)), "b": records(picture(2))})
    table = table.replace_schema_metadata(told(a="Audio", b="Image"))
    assert take(pictures, written(table)) == [picture(2)]


@pytest.mark.parametrize("said", ['{"info": 3}', "[]", "no json", '{"info": {"features": {"a": 4}}}', "[" * 5000])
def test_what_a_file_says_in_no_known_shape_is_as_if_unsaid(said, take, picture):
    table = pa.table({"a": records(picture(1))}).replace_schema_metadata({"huggingface": said})
    assert take(pictures, written(table)) == [picture(1)]


def test_pictures_are_chosen_evenly_over_groups_and_within_them(take, picture):
    table = pa.table({"image": records(*(picture(number) for number in range(120)))})
    assert take(pictures, written(table, row_group_size=10), limit=4) == [picture(n) for n in (15, 45, 75, 105)]
    assert take(pictures, written(table, row_group_size=60), limit=4) == [picture(n) for n in (15, 45, 75, 105)]
    assert take(pictures, written(table, row_group_size=60), limit=5) == [picture(n) for n in (10, 30, 50, 75, 105)]


def test_of_a_large_group_the_first_rows_are_taken(take, picture, monkeypatch):
    monkeypatch.setattr(parquet, "_MOST_GROUP", 1000)
    table = pa.table({"image": records(*(picture(number) for number in range(120)))})
    assert take(pictures, written(table), limit=3) == [picture(0), picture(1), picture(2)]


def test_little_more_than_the_footer_and_the_chosen_groups_is_read(watched):
    cells = [b"\xff\xd8\xff" + bytes([number]) * 100_000 for number in range(200)]
    source = watched(written(pa.table({"image": records(*cells)}), row_group_size=10, compression="none"))
    # of each of the four groups: the first batch up to the middle, and what the buffer reads ahead
    assert len(list(pictures(source, 4, 2**20))) == 4
    assert source.bytes < source.size / 2


def test_empty_cells_large_cells_and_foreign_cells(take, picture):
    cells = (picture(1), None, b"%PDF-1.7", b"\xff\xd8\xff" + bytes(2000), b"")
    assert take(pictures, written(pa.table({"image": records(*cells)})), most=1999) == [
        picture(1),
        Why.DOCUMENT,
        Why.TOO_LARGE,
        Why.UNSUPPORTED_FORMAT,
    ]


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"label": [1, 2], "name": ["a", "b"]}),
        pa.table({"audio": records(sound())}),
        pa.table({"image": pa.array([], IMAGE)}),
        pa.table({"image": records(None)}),
        pa.table({}),
    ],
)
def test_a_file_without_pictures_says_so(table, take):
    assert take(pictures, written(table)) == [Why.NO_PICTURES]


def test_an_encrypted_file_is_refused(take, picture):
    data = written(pa.table({"image": records(picture(1))}))
    assert take(pictures, b"PARE" + data[4:-4] + b"PARE") == [Why.ENCRYPTED]


def test_a_file_cut_short_or_damaged_is_refused(take, picture):
    data = written(pa.table({"image": records(*(picture(number) for number in range(50)))}))
    for length in (4, 8, 100, len(data) // 2, len(data) - 1):
        assert take(pictures, data[:length]) == [Why.DAMAGED_ARCHIVE]
    footer = bytearray(data)
    footer[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    assert take(pictures, bytes(footer)) == [Why.DAMAGED_ARCHIVE]


def test_without_the_extra_it_is_refused_and_says_what_is_missing(take, picture, monkeypatch):
    monkeypatch.setattr(parquet, "PARQUET", False)
    assert take(pictures, written(pa.table({"image": records(picture(1))}))) == [Why.NOT_INSTALLED]


def test_the_rehearsal_reads_a_file_of_its_own():
    parquet.rehearse()
    with pytest.raises(Unsafe):
        list(pictures(Held(b"PAR1"), 1, 1))
