"""What a researcher does with `datasets`, pandas and pyarrow, once the terms are accepted."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.contract.clients.people import Person
from tests.houses import House, Set, picture

ROWS = 40
PARQUET = (
    "import pyarrow as pa, pyarrow.parquet as pq\n"
    "for part in range(2):\n"
    "    ids = list(range(part * rows, part * rows + rows))\n"
    "    made = pa.table({'n': ids, 'word': [f'w{i}' for i in ids]})\n"
    "    pq.write_table(made, f'{folder}/{part}.parquet', row_group_size=10)"
)
CONFIGS = b"""---
configs:
- config_name: all
  default: true
  data_files:
  - split: train
    path: data/0.parquet
  - split: test
    path: data/1.parquet
- config_name: second
  data_files: data/1.parquet
---
# Words
"""
FROM_DATASETS = "from datasets import load_dataset\n"


def shard(count: int) -> bytes:
    """A WebDataset shard of pictures, each with a label."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for n in range(count):
            for suffix, content in (("png", picture(n)), ("json", json.dumps({"label": n}).encode())):
                info = tarfile.TarInfo(f"{n:04}.{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(scope="module")
def words(house: House, person: Person, tmp_path_factory: pytest.TempPathFactory) -> Set:
    """Two tables, written by the client's own pyarrow, and a card that says which is what."""
    folder = tmp_path_factory.mktemp("tables")
    person.gets(PARQUET, rows=ROWS, folder=str(folder))
    tables = {f"data/{part}.parquet": (folder / f"{part}.parquet").read_bytes() for part in range(2)}
    return house.publish({"README.md": CONFIGS, **tables})


@pytest.fixture(scope="module")
def pictures(house: House) -> Set:
    labels = "file_name,label\n" + "".join(f"{n}.png,{n}\n" for n in range(4))
    files = {f"train/{n}.png": picture(n) for n in range(4)}
    return house.publish({**files, "train/metadata.csv": labels.encode()})


@pytest.fixture(scope="module")
def packed(house: House) -> Set:
    return house.publish({"train-000.tar": shard(4), "train-001.tar": shard(4)})


@pytest.fixture(scope="module")
def token(house: House, words: Set, pictures: Set, packed: Set) -> str:
    return house.reader(words, pictures, packed)


@pytest.fixture
def names(token: str, tmp_path: Path) -> dict[str, str]:
    return {"token": token, "cache": str(tmp_path)}


def test_tables_are_loaded_by_the_cards_configurations(person: Person, words: Set, names: dict[str, str]) -> None:
    load = FROM_DATASETS + "d = load_dataset(name, *more, split=split, token=token, cache_dir=cache)\n"
    known = {**names, "name": words.name}
    assert person.gets(load + "[len(d), d[0]]", **known, more=[], split="train") == [ROWS, {"n": 0, "word": "w0"}]
    assert person.gets(load + "len(d)", **known, more=[], split="train[:25%]") == ROWS // 4
    assert person.gets(load + "d[0]['n']", **known, more=["second"], split="train") == ROWS


def test_tables_are_streamed(person: Person, words: Set, names: dict[str, str]) -> None:
    load = FROM_DATASETS + "d = load_dataset(name, split='train', streaming=True, token=token)\n"
    assert person.gets(load + "[r['n'] for r in d.skip(3).take(2)]", **names, name=words.name) == [3, 4]


def test_folders_of_pictures_are_loaded_and_streamed(person: Person, pictures: Set, names: dict[str, str]) -> None:
    load = FROM_DATASETS + "d = load_dataset(name, split='train', token=token, cache_dir=cache, streaming=stream)\n"
    red = "sorted([r['image'].getpixel((0, 0))[0], r['label']] for r in d)"
    for stream in (False, True):
        assert person.gets(load + red, **names, name=pictures.name, stream=stream) == [[n, n] for n in range(4)]


def test_shards_are_loaded_and_streamed(person: Person, packed: Set, names: dict[str, str]) -> None:
    load = FROM_DATASETS + "d = load_dataset(name, split='train', token=token, cache_dir=cache, streaming=stream)\n"
    red = "sorted([r['png'].getpixel((0, 0))[0], r['json']['label']] for r in d)"
    for stream in (False, True):
        found = person.gets(load + red, **names, name=packed.name, stream=stream)
        assert found == sorted([[n, n] for n in range(4)] * 2)


def test_pandas_reads_a_column(person: Person, words: Set, names: dict[str, str]) -> None:
    read = (
        "import pandas\nat = f'hf://datasets/{name}/data/0.parquet'\n"
        "[int(x) for x in pandas.read_parquet(at, columns=['n'], storage_options={'token': token})['n'][:3]]"
    )
    assert person.gets(read, **names, name=words.name) == [0, 1, 2]


def test_pyarrow_reads_one_row_group(person: Person, words: Set, names: dict[str, str]) -> None:
    read = (
        "import pyarrow.parquet as pq\nfrom huggingface_hub import HfFileSystem\n"
        "fs = HfFileSystem(token=token, skip_instance_cache=True)\n"
        "f = pq.ParquetFile(fs.open(f'datasets/{name}/data/0.parquet'))\n"
        "f.read_row_group(2, columns=['word'])['word'].to_pylist()[:2]"
    )
    assert person.gets(read, **names, name=words.name) == ["w20", "w21"]
