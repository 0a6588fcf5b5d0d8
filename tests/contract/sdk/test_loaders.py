"""What researchers read with, on a gateway's files as they lie there: pandas, pyarrow, fsspec, MegEngine's arrays."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from catalog.vocabulary import Kind
from gateway.sdk import Hub, Misused, NotFound, NotLoaded, Stopped, TermsNotAccepted
from tests.houses import House, Set, running

ROWS = 200_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


def files(seed: int) -> dict[str, bytes]:
    """Tables of some megabytes that no compression makes small, with content of their own each time."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(ROWS), "x": random.random(ROWS), "y": random.random(ROWS)})
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), parquet, row_group_size=ROWS // 4)
    return {
        "README.md": b"# Tables\n",
        "tables/a.csv": frame.to_csv(index=False).encode(),
        "tables/a.parquet": parquet.getvalue(),
        "tables/deep/b.txt": b"line one\nline two\n" + str(seed).encode(),
    }


@pytest.fixture
def tables(house: House) -> Set:
    return house.publish(files(int.from_bytes(os.urandom(4))))


def options(house: House, token: str) -> dict[str, str]:
    return {"gateway": house.url, "token": token}


def test_pandas_and_pyarrow_read_by_address(
    house: House, tables: Set, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token, at = house.reader(tables), f"hubgate://{tables.name}"
    local = pd.read_parquet(tables.folder / "tables" / "a.parquet")
    storage = options(house, token)
    pd.testing.assert_frame_equal(pd.read_parquet(f"{at}/tables/a.parquet", storage_options=storage), local)
    pinned = f"{at}@{tables.version}/tables/a.csv"
    pd.testing.assert_frame_equal(pd.read_csv(pinned, storage_options=storage), local)
    monkeypatch.setenv("HUBGATE_URL", house.url)
    monkeypatch.setenv("HUBGATE_TOKEN", token)
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    pd.testing.assert_frame_equal(pd.read_parquet(f"{at}@main/tables/a.parquet", columns=["y"]), local[["y"]])
    with fsspec.open(f"{at}/tables/deep/b.txt", "rt") as text:
        assert text.readline() == "line one\n"
    filesystem = fsspec.filesystem("hubgate")
    table = pq.read_table(f"{tables.name}/tables/a.parquet", columns=["id"], filesystem=filesystem)
    assert table.column("id").to_pylist() == local["id"].tolist()
    found = ds.dataset(f"{tables.name}/tables", filesystem=filesystem, format="parquet", exclude_invalid_files=True)
    assert found.count_rows(filter=ds.field("id") < 10) == 10
    assert not (tmp_path / "home").exists(), "reading leaves nothing behind"


def test_a_set_looks_like_the_folder_that_it_is(house: House, tables: Set) -> None:
    fs = fsspec.filesystem("hubgate", **options(house, house.reader(tables)))
    name, version = tables.name, tables.version
    assert fs.ls(f"hubgate://{name}", detail=False) == [f"{name}/README.md", f"{name}/tables"]
    assert sorted(fs.find(name)) == [
        f"{name}/README.md", f"{name}/tables/a.csv", f"{name}/tables/a.parquet", f"{name}/tables/deep/b.txt",
    ]  # fmt: skip
    assert fs.glob(f"{name}@{version}/**/*.csv") == [f"{name}@{version}/tables/a.csv"]
    assert [folder for folder, _, _ in fs.walk(name)] == [name, f"{name}/tables", f"{name}/tables/deep"]
    assert fs.isdir(f"{name}/tables")
    assert fs.isfile(f"{name}/README.md")
    assert name.partition("/")[0] in fs.ls("", detail=False)
    assert name in fs.ls(name.partition("/")[0], detail=False)
    text = (tables.folder / "tables" / "deep" / "b.txt").read_bytes()
    info = fs.info(f"{name}/tables/deep/b.txt")
    assert (info["size"], info["version"]) == (len(text), version)
    assert info["sha256"] == fs.checksum(f"{name}/tables/deep/b.txt") == hashlib.sha256(text).hexdigest()
    assert fs.cat(f"{name}/tables/deep/b.txt") == text
    assert fs.cat_ranges([f"{name}/tables/deep/b.txt"] * 2, [0, -3], [4, None]) == [b"line", text[-3:]]
    for absent in (f"{name}/none", f"{name}@v9", "lab/none/README.md", "none", f"{name}/README.md/x"):
        assert not fs.exists(absent)
        with pytest.raises(FileNotFoundError):
            fs.ls(absent)
    with pytest.raises(IsADirectoryError):
        fs.open(f"{name}/tables")
    with pytest.raises(Misused, match="read-only"):
        fs.open(f"{name}/new.txt", "wb")


def test_terms_that_are_not_accepted_are_said_through_every_reader(house: House, tables: Set) -> None:
    _, token = house.account()
    storage = options(house, token)
    fs = fsspec.filesystem("hubgate", **storage)
    said = f"hubgate accept {tables.name}"
    with pytest.raises(TermsNotAccepted, match=said):
        pd.read_csv(f"hubgate://{tables.name}/tables/a.csv", storage_options=storage)
    with pytest.raises(TermsNotAccepted, match=said):
        pq.read_table(f"{tables.name}/tables/a.parquet", filesystem=fs)
    with pytest.raises(TermsNotAccepted, match=said):
        fs.exists(f"{tables.name}/README.md")
    with pytest.raises(TermsNotAccepted, match=said), Hub(house.url, token) as hub:
        hub.model(tables.name).load_megengine("README.md")
    house.accept(token, tables)
    assert fs.exists(f"{tables.name}/README.md")


def test_a_revocation_in_mid_read_reaches_whoever_reads(house: House, tables: Set) -> None:
    storage = options(house, house.reader(tables))
    fs = fsspec.filesystem("hubgate", **storage)
    rows = pd.read_csv(f"hubgate://{tables.name}/tables/a.csv", storage_options=storage, chunksize=1000)
    assert len(next(iter(rows))) == 1000
    parquet = pq.ParquetFile(f"{tables.name}/tables/a.parquet", filesystem=fs)
    assert parquet.read_row_group(0, columns=["x"]).num_rows == ROWS // 4
    notice = house.stops("revocations", tables.name)["notice"]
    with pytest.raises(Stopped, match=notice):
        for _ in rows:
            pass
    with pytest.raises(Stopped, match=notice):
        parquet.read_row_group(3, columns=["x"])
    with pytest.raises(Stopped, match=notice):
        fs.cat(f"{tables.name}/README.md")


def test_a_withheld_file_is_not_listed_and_says_why(house: House, tables: Set) -> None:
    storage = options(house, house.reader(tables))
    notice = house.stops("withholdings", f"{tables.name}@main:tables/a.csv")["notice"]
    fs = fsspec.filesystem("hubgate", **storage)
    assert f"{tables.name}/tables/a.csv" not in fs.find(tables.name)
    with pytest.raises(Stopped, match=notice):
        pd.read_csv(f"hubgate://{tables.name}/tables/a.csv", storage_options=storage)
    with pytest.raises(Stopped, match=notice), Hub(*storage.values()) as hub:
        hub.dataset(tables.name).open("tables/a.csv")
    with pytest.raises(NotFound), Hub(*storage.values()) as hub:
        hub.dataset(tables.name).open("tables/none.csv")


def test_a_copy_made_by_get_is_one_that_recalls_reach(
    house: House, tables: Set, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    storage = options(house, house.reader(tables))
    fs = fsspec.filesystem("hubgate", **storage)
    fs.get(f"{tables.name}/tables/a.csv", str(tmp_path / "mine.csv"))
    fs.get(f"{tables.name}/tables/deep", str(tmp_path / "deep"), recursive=True)
    assert (tmp_path / "mine.csv").read_bytes() == (tables.folder / "tables" / "a.csv").read_bytes()
    with Hub(*storage.values()) as hub:
        places = {str(held.place) for held in hub.holdings() if held.kind == "file"}
        assert places == {str(tmp_path / "mine.csv"), str(tmp_path / "deep" / "b.txt")}
        house.stops("revocations", tables.name)
        (handled,) = hub.sync(purge=True)
        assert (handled.state, handled.counts["deleted"]) == ("answered", 2)
    assert not (tmp_path / "mine.csv").exists()
    assert not any(path.is_file() for path in (tmp_path / "home" / "store").rglob("*"))


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


def test_weights_come_as_arrays_and_nothing_in_their_file_runs(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / "home"))
    weights = OrderedDict(w=np.random.default_rng().random((3, 4), np.float32), b=np.arange(4, dtype=np.int8))
    published = house.publish(
        {
            "state.pkl": pickle.dumps({"state_dict": weights, "epoch": 9}),
            "state.safetensors": safetensors.numpy.save(dict(weights)),
            "broken.safetensors": os.urandom(100),
            "fetched.txt": os.urandom(20),
        },
        kind=Kind.MODEL,
    )
    with Hub(house.url, house.reader(published)) as hub:
        model = hub.model(published.name)
        for found in (model.load_megengine("state.pkl")["state_dict"], model.load_megengine("state.safetensors")):
            assert all((found[name] == array).all() for name, array in weights.items())
        with pytest.raises(NotLoaded, match=r"broken\.safetensors"):
            model.load_megengine("broken.safetensors")
        with pytest.raises(NotLoaded, match=r"fetched\.txt"):
            model.load_megengine("fetched.txt")
        # What lies in the store is checked each time: bytes that were changed there are not unpickled but fetched anew.
        (stored,) = (
            held for held in hub.holdings() if held.size == len(pickle.dumps({"state_dict": weights, "epoch": 9}))
        )
        os.chmod(stored.place, 0o600)
        stored.place.write_bytes(pickle.dumps(_Runs()))
        assert model.load_megengine("state.pkl")["epoch"] == 9
        assert "it ran" not in "".join(capfd.readouterr())
        house.stops("revocations", published.name)
        (handled,) = hub.sync(purge=True)
        assert (handled.state, handled.counts["deleted"]) == ("answered", 4)
        with pytest.raises(Stopped):
            model.load_megengine("state.pkl")
