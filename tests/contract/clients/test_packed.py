"""A folder of many small files as other people's clients meet it: packed by default, loose for who asks for that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.contract.clients.people import Person
from tests.houses import House, Set, picture

SAMPLES = 260
FROM_DATASETS = "from datasets import load_dataset\n"
FROM_HUB = "from huggingface_hub import *\n"
LOAD = FROM_DATASETS + "d = load_dataset(name, split='train', token=token, cache_dir=cache)\n"
COPY = FROM_HUB + (
    "import os\n"
    "at = snapshot_download(name, repo_type='dataset', token=token, cache_dir=cache, allow_patterns='__packed__/*')\n"
    "sorted(os.listdir(at + '/__packed__'))"
)


@pytest.fixture
def faces(house: House) -> Set:
    files = {f"faces/{n:04}.png": picture(n % 256) for n in range(SAMPLES)}
    files |= {f"faces/{n:04}.json": b'{"label": %d}' % n for n in range(SAMPLES)}
    return house.publish({**files, "labels.csv": b"n\n"})


@pytest.fixture
def names(house: House, faces: Set, tmp_path: Path) -> dict[str, Any]:
    return {"name": faces.name, "token": house.reader(faces), "cache": str(tmp_path / "cache")}


def shard(house: House, token: str, faces: Set, but: str = "") -> str:
    """The path of the one shard, once it is served and is another."""
    deadline = time.monotonic() + 60
    with house.gateway.client(token) as client:
        while True:
            items = client.get(f"/v1/assets/{faces.name}/versions/main/manifest").json()["items"]
            (found,) = [item for item in items if item.get("shard")]
            if found["state"] == "served" and found["path"] != but:
                return str(found["path"])
            assert time.monotonic() < deadline, "the shard was not made anew"
            time.sleep(0.1)


def test_the_default_is_the_packed_configuration_and_the_files_are_there_too(
    person: Person, faces: Set, names: dict[str, Any], house: House
) -> None:
    look = "[len(d), sorted(d.features), d[3]['json'], d[3]['png'].size, d[3]['__key__']]"
    assert person.gets(LOAD + look, **names) == [
        SAMPLES, ["__key__", "__url__", "json", "png"], {"label": 3}, [16, 16], "faces/0003",
    ]  # fmt: skip
    stream = FROM_DATASETS + (
        "d = load_dataset(name, split='train', token=token, streaming=True)\n"
        "[one['json']['label'] for one in d.take(3)]"
    )
    assert person.gets(stream, **names) == [0, 1, 2]
    loose = FROM_DATASETS + (
        "d = load_dataset(name, data_files='faces/*.png', split='train', token=token, cache_dir=cache)\n"
        "[len(d), d[0]['image'].size]"
    )
    assert person.gets(loose, **names) == [SAMPLES, [16, 16]]
    every = (
        FROM_HUB
        + "import fnmatch\n"
        + (
            "found = HfApi(token=token).list_repo_files(name, repo_type='dataset')\n"
            "[len(fnmatch.filter(found, p)) for p in ('faces/*', '__packed__/*.tar')]"
        )
    )
    assert person.gets(every, **names) == [2 * SAMPLES, 1]


def test_a_withheld_picture_leaves_the_shard_and_the_next_load_is_without_it(
    person: Person, faces: Set, names: dict[str, Any], house: House, tmp_path: Path
) -> None:
    former = shard(house, names["token"], faces)
    assert person.gets(COPY, **names) == [former.removeprefix("__packed__/")]
    assert person.gets(LOAD + "len(d)", **names) == SAMPLES
    house.stops("withholdings", f"{faces.name}@{faces.version}:faces/0003.png")
    one = FROM_HUB + "hf_hub_download(name, path, repo_type='dataset', token=token, cache_dir=cache, revision=rev)"
    fresh = {**names, "cache": str(tmp_path / "fresh")}
    seen = person.types(one, **fresh, path=former, rev=faces.version)
    assert "EntryNotFoundError" in seen.error, seen
    new = shard(house, names["token"], faces, but=former)
    assert person.gets(COPY, **names) == [new.removeprefix("__packed__/")], "a copy moves on with main"
    look = "[len(d), [one['label'] for one in d['json'][:5]]]"
    assert person.gets(LOAD + look, **fresh) == [SAMPLES - 1, [0, 1, 2, 4, 5]]
    assert person.gets(LOAD + look, **names) == [SAMPLES - 1, [0, 1, 2, 4, 5]], "nor is the former copy used again"
    loose = FROM_HUB + (
        "at = snapshot_download(name, repo_type='dataset', token=token, cache_dir=cache, allow_patterns='faces/000*')\n"
        "import os; sorted(os.listdir(at + '/faces'))"
    )
    kept = person.gets(loose, **fresh)
    assert len(kept) == 19
    assert "0003.png" not in kept
