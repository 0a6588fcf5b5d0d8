"""The addresses of code hubs, as any HTTP client meets them: names with digests, and the zip of a version."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Iterator

import pytest

from catalog.vocabulary import Kind
from tests.houses import House, Set, running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def published(house: House, **more: bytes) -> tuple[Set, bytes]:
    weights = secrets.token_bytes(500)
    files = {"deep/net.bin": weights, "hubconf.py": b"# " + secrets.token_hex(4).encode(), **more}
    return house.publish(files, kind=Kind.MODEL, tag="v1"), weights


def test_a_file_has_its_digest_in_its_name_and_no_other(house: House) -> None:
    model, weights = published(house)
    right, wrong = f"deep/net-{digits(weights)}.bin", "deep/net-00000000.bin"
    whole = f"deep/net-{hashlib.sha256(weights).hexdigest()}.bin"
    with house.gateway.client(house.reader(model)) as reader:
        for ref in ("main", "v1", model.version, "master"):
            for path in ("deep/net.bin", right, whole):
                assert reader.get(f"/{model.name}/weights/{ref}/{path}").content == weights
        for path in (wrong, "deep/net-.bin", f"deep/other-{digits(weights)}.bin", "deep"):
            assert reader.get(f"/{model.name}/weights/main/{path}").status_code == 404
        part = reader.get(f"/{model.name}/weights/main/{right}", headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, weights[10:20])
        assert reader.get(f"/{model.name}/weights/none/{right}").status_code == 404


def test_the_zip_is_the_version_below_one_folder(house: House) -> None:
    model, weights = published(house)
    with house.gateway.client(house.reader(model)) as reader:
        got = [
            reader.get(f"/{model.name}/archive/{ref}.zip") for ref in ("main", "master", "HEAD", "v1", model.version)
        ]
    assert {answer.status_code for answer in got} == {200}
    assert len({answer.content for answer in got}) == 1
    assert got[0].headers["content-type"] == "application/zip"
    assert "content-encoding" not in got[0].headers
    with zipfile.ZipFile(io.BytesIO(got[0].content)) as archive:
        name = model.name.partition("/")[2]
        folder = f"{name}-{model.version}/"
        assert archive.namelist()[0] == folder
        assert all(entry.startswith(folder) for entry in archive.namelist())
        assert archive.read(folder + "deep/net.bin") == weights
        assert archive.comment.decode().rstrip() == model.version


def test_a_withheld_file_stays_out_of_the_zip_and_is_named_in_it(house: House) -> None:
    model, weights = published(house)
    token = house.reader(model)
    house.stops("withholdings", f"{model.name}@main:deep/net.bin")
    with house.gateway.client(token) as reader:
        got = reader.get(f"/{model.name}/archive/main.zip")
        assert weights not in got.content
        with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
            last = archive.namelist()[-1]
            assert last.endswith("/.hubgate-withheld.json")
            assert json.loads(archive.read(last)) == {"items": [{"path": "deep/net.bin", "state": "withheld"}]}
        assert reader.get(f"/{model.name}/weights/main/deep/net-{digits(weights)}.bin").status_code == 451


def test_whoever_fetched_even_the_smallest_zip_is_told_of_a_recall(house: House) -> None:
    model = house.publish({"hubconf.py": secrets.token_hex(2).encode()}, kind=Kind.MODEL)
    token = house.reader(model)
    with house.gateway.client(token) as reader:
        assert reader.get(f"/{model.name}/archive/main.zip").status_code == 200
        house.stops("revocations", model.name)
        assert len(reader.get("/v1/recalls", params={"after": 0}).json()["notices"]) == 1


@pytest.mark.parametrize("address", ["archive/main.zip", "weights/main/deep/net.bin"])
def test_each_state_is_answered_as_on_every_other_route(house: House, address: str) -> None:
    model, _ = published(house)
    account, token = house.account()
    path = f"/{model.name}/{address}"
    with house.gateway.client() as anyone:
        refused = anyone.get(path)
        assert refused.status_code == 401
        assert [h.split()[0] for h in refused.headers.get_list("www-authenticate")] == ["Basic", "Bearer"]
    with house.gateway.client(token) as reader:
        refused = reader.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "terms-required")
        assert refused.json()["terms_url"] == f"{house.url}/assets/{model.name}/terms"
        house.accept(token, model)
        for method in ("GET", "HEAD"):
            assert reader.request(method, path).status_code == 200
        assert reader.post(path).status_code == 405
        house.stops("holds", model.name)
        assert (reader.get(path).status_code, reader.get(path).json()["code"]) == (451, "held")
    other, _ = published(house)
    house.accept(token, other)
    house.suspends(account)
    with house.gateway.client(token) as reader:
        assert reader.get(f"/{other.name}/{address}").json()["code"] == "suspended"


def test_a_dataset_has_none_of_these_addresses_and_nobody_learns_what_is_there(house: House) -> None:
    dataset = house.publish({"deep/net.bin": secrets.token_bytes(9)})
    with house.gateway.client(house.reader(dataset)) as reader:
        for address in ("archive/main.zip", "weights/main/deep/net.bin"):
            there, absent = reader.get(f"/{dataset.name}/{address}"), reader.get(f"/lab/none/{address}")
            assert (there.status_code, there.content) == (404, absent.content)
