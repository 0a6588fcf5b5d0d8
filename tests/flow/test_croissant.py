"""The record of an asset for machines, as a running gateway gives it: to whom it tells what, and when it stops."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from catalog.vocabulary import Kind
from tests.houses import House, Set, picture, running

PROFILE = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def files() -> dict[str, bytes]:
    many = {f"train/{number:03}.png": picture(number) for number in range(101)}
    return {"README.md": b"# A set\n\nOf squares.\n", "labels.csv": secrets.token_bytes(9), **many}


@pytest.fixture
def each(house: House, files: dict[str, bytes]) -> Set:
    return house.publish(files, tag="v1")


def record(house: House, each: Set, token: str | None = None, query: str = "") -> dict[str, Any]:
    with house.gateway.client(token) as client:
        answer = client.get(f"/v1/assets/{each.name}/croissant{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == PROFILE
        return dict(answer.json())


def by_id(told: dict[str, Any]) -> dict[str, Any]:
    return {part["@id"]: part for part in told["distribution"]}


def test_anyone_is_told_the_kinds_of_files_and_no_name(house: House, each: Set) -> None:
    _, token = house.account()
    for who in (None, token):
        told = record(house, each, who)
        assert by_id(told).keys() == {"archive.tar", "sets/text/markdown", "sets/text/csv", "sets/image/png"}
        assert by_id(told)["sets/image/png"]["includes"] == ["*.png", "**/*.png"]
        assert told["description"] == "# A set\n\nOf squares."
        assert [one["@id"] for one in told["recordSet"]] == ["records/image/png"]


def test_who_may_have_the_files_is_told_those_that_stand_alone(
    house: House, each: Set, files: dict[str, bytes]
) -> None:
    token = house.reader(each)
    told = by_id(record(house, each, token))
    assert {name for name in told if name.startswith("files/")} == {"files/README.md", "files/labels.csv"}
    labels = told["files/labels.csv"]
    assert labels["sha256"] == hashlib.sha256(files["labels.csv"]).hexdigest()
    with house.gateway.client(token) as client:
        assert client.get(labels["contentUrl"]).content == files["labels.csv"]
        assert client.get(told["archive.tar"]["contentUrl"]).headers["content-type"] == "application/x-tar"


def test_the_clients_of_the_hub_find_it_where_they_look(house: House, each: Set) -> None:
    with house.gateway.client() as client:
        assert client.get(f"/api/datasets/{each.name}/croissant").json() == record(house, each)
        wrong = client.get(f"/api/models/{each.name}/croissant")
        assert wrong.status_code == 404
        assert "error" in wrong.json()


def test_a_model_has_a_record_too(house: House) -> None:
    model = house.publish({"weights.bin": secrets.token_bytes(20)}, kind=Kind.MODEL)
    told = record(house, model)
    assert "kind:model" in told["keywords"]
    assert told["recordSet"] == []


def test_each_version_has_its_own(house: House, each: Set) -> None:
    second = house.publish({"README.md": b"# Second\n", "x.csv": secrets.token_bytes(5)}, base=each, tag="v2")
    assert record(house, each)["identifier"][0] == second.version
    for ref, number, version in (("v1", 1, each.version), ("v2", 2, second.version), (each.version, 1, each.version)):
        assert record(house, each, query=f"?version={ref}")["version"] == f"{number}.0.0+{version}"
    with house.gateway.client() as client:
        assert client.get(f"/v1/assets/{each.name}/croissant?version=none").status_code == 404


def test_an_item_that_was_taken_out_is_told_no_more(house: House, each: Set) -> None:
    token = house.reader(each)
    house.stops("withholdings", f"{each.name}@main:labels.csv")
    assert "files/labels.csv" not in by_id(record(house, each, token))
    house.stops("withholdings", f"{each.name}@main:README.md")
    told = record(house, each, token)
    assert "files/README.md" not in by_id(told)
    assert "squares" not in told["description"]


@pytest.mark.parametrize("act", ["holds", "revocations"])
def test_a_stopped_asset_has_none(house: House, each: Set, act: str) -> None:
    notice = house.stops(act, each.name)["notice"]
    with house.gateway.client() as client:
        for path in (f"/v1/assets/{each.name}/croissant", f"/api/datasets/{each.name}/croissant"):
            answer = client.get(path)
            assert answer.status_code == 451
            assert f"/notices/{notice}" in answer.headers["link"]
        page = client.get(f"/assets/{each.name}")
        assert "application/ld+json" not in page.text


def test_the_page_carries_it_and_nothing_in_a_card_can_end_it(house: House) -> None:
    trap = house.publish({"README.md": b"# X\n</script><script>alert(1)</script><!--\n", "a.csv": b"1" * 7})
    with house.gateway.client() as client:
        page = client.get(f"/assets/{trap.name}").text
    start = '<script type="application/ld+json">'
    inside = page.partition(start)[2].partition("</script>")[0]
    assert httpx2.Response(200, content=inside.encode()).json() == record(house, trap)
    assert "alert(1)" in inside
