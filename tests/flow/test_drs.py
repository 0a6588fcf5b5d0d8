"""GA4GH DRS: what an id tells, to whom, in each state; and that its bytes come by the gateway's own route."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.houses import House, Set, running

BASE = "/ga4gh/drs/v1"
REQUIRED = {"id", "self_uri", "size", "created_time", "checksums"}
PATHS = ("train/0.bin", "train/deep/1.bin", "人脸/a b#%.txt", "top.txt")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def files() -> dict[str, bytes]:
    return {path: secrets.token_bytes(100 + number) for number, path in enumerate(PATHS)}


@pytest.fixture
def each(house: House, files: dict[str, bytes]) -> Set:
    return house.publish(files, tag="v1")


@pytest.fixture
def reader(house: House, each: Set) -> Iterator[httpx2.Client]:
    with house.gateway.client(house.reader(each)) as client:
        yield client


@pytest.fixture
def anyone(house: House) -> Iterator[httpx2.Client]:
    with house.gateway.client() as client:
        yield client


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def blob_id(each: Set, content: bytes) -> str:
    return f"{each.version}.{sha256(content)}"


def told(client: httpx2.Client, path: str) -> dict[str, Any]:
    answer = client.get(BASE + path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def walked(client: httpx2.Client, object_id: str, folder: str = "") -> Iterator[tuple[str, str]]:
    """Path and id of every blob below a bundle, found by asking for one folder after another."""
    for entry in told(client, f"/objects/{object_id}")["contents"]:
        if "contents" in told(client, f"/objects/{entry['id']}"):
            yield from walked(client, entry["id"], f"{folder}{entry['name']}/")
        else:
            yield folder + entry["name"], entry["id"]


def expanded(entries: list[dict[str, Any]], folder: str = "") -> Iterator[tuple[str, str]]:
    for entry in entries:
        if "contents" in entry:
            yield from expanded(entry["contents"], f"{folder}{entry['name']}/")
        else:
            yield folder + entry["name"], entry["id"]


def test_the_service_says_what_it_is(anyone: httpx2.Client, house: House) -> None:
    info = told(anyone, "/service-info")
    assert info["type"] == {"group": "org.ga4gh", "artifact": "drs", "version": "1.5.0"}
    assert {"id", "name", "organization", "version"} <= info.keys()
    assert info["maxBulkRequestLength"] == info["drs"]["maxBulkRequestLength"] >= 1
    assert info["organization"]["url"] == house.url


def test_a_version_is_a_bundle_and_leads_to_every_file(
    reader: httpx2.Client, each: Set, files: dict[str, bytes]
) -> None:
    whole = told(reader, f"/objects/{each.version}")
    assert whole.keys() >= REQUIRED
    assert whole["size"] == sum(map(len, files.values()))
    ids = {path: blob_id(each, content) for path, content in files.items()}
    assert dict(walked(reader, each.version)) == ids
    everything = told(reader, f"/objects/{each.version}?expand=true")
    assert dict(expanded(everything["contents"])) == ids
    train = next(entry for entry in whole["contents"] if entry["name"] == "train")
    folder = told(reader, f"/objects/{train['id']}")
    assert folder["size"] == sum(len(files[path]) for path in files if path.startswith("train/"))
    deep = sha256(sha256(files["train/deep/1.bin"]).encode())
    direct = sorted([sha256(files["train/0.bin"]), deep])
    assert folder["checksums"] == [{"type": "sha-256", "checksum": sha256("".join(direct).encode())}]


def test_a_file_is_described_and_its_bytes_are_fetched_as_the_standard_says(
    house: House, each: Set, files: dict[str, bytes]
) -> None:
    token = house.reader(each)
    basic = base64.b64encode(f"x:{token}".encode()).decode()
    for credential in (f"Bearer {token}", f"Basic {basic}"):
        with httpx2.Client(base_url=house.url, headers={"authorization": credential}) as client:
            for path, content in files.items():
                blob = told(client, f"/objects/{blob_id(each, content)}")
                assert blob.keys() >= REQUIRED
                assert blob["size"] == len(content)
                assert blob["checksums"] == [{"type": "sha-256", "checksum": sha256(content)}]
                assert blob["self_uri"] == f"drs://{urlsplit(house.url).netloc}/{blob['id']}"
                assert blob["aliases"] == [f"{each.name}@{each.version}:{path}"]
                (method,) = blob["access_methods"]
                assert (method["type"], method["available"]) == ("https", True)
                assert "BearerAuth" in method["authorizations"]["supported_types"]
                access = told(client, f"/objects/{blob['id']}/access/{method['access_id']}")
                # A client of the standard sends the headers that it is given, and nothing else.
                headers = dict(header.split(": ", 1) for header in access["headers"])
                got = httpx2.get(access["url"], headers=headers)
                assert got.content == content
                assert access["url"].startswith(f"{house.url}/v1/assets/{each.name}/versions/{each.version}/files/")


def test_names_are_in_the_letters_of_the_standard_and_the_true_ones_stand_beside(
    reader: httpx2.Client, each: Set, files: dict[str, bytes]
) -> None:
    path = "人脸/a b#%.txt"
    blob = told(reader, f"/objects/{blob_id(each, files[path])}")
    assert blob["name"] == "a_b__.txt"
    assert blob["aliases"][0].endswith(path)


def test_files_with_the_same_content_are_one_object(house: House) -> None:
    content = secrets.token_bytes(50)
    twice = house.publish({"a.bin": content, "b/c.bin": content})
    with house.gateway.client(house.reader(twice)) as client:
        blob = told(client, f"/objects/{blob_id(twice, content)}")
        assert [alias.partition(":")[2] for alias in blob["aliases"]] == ["a.bin", "b/c.bin"]
        assert told(client, f"/objects/{twice.version}")["size"] == 100


def test_before_acceptance_the_way_to_the_terms_is_told_and_nothing_else(
    house: House, each: Set, files: dict[str, bytes], anyone: httpx2.Client
) -> None:
    _, token = house.account()
    inside, outside = blob_id(each, files["top.txt"]), blob_id(each, b"not in it")
    terms = f"{house.url}/assets/{each.name}/terms"
    with house.gateway.client(token) as stranger:
        for client, status in ((anyone, 401), (stranger, 403)):
            for path in (f"/objects/{inside}", f"/objects/{inside}/access/https"):
                answer = client.get(BASE + path)
                assert answer.status_code == status
                assert answer.json()["status_code"] == status
                assert answer.json()["msg"].endswith(terms)
            # Whether some content is in a set is nobody's business who has not accepted its terms.
            for name in (client.get, client.options):
                answers = [name(f"{BASE}/objects/{asked}") for asked in (inside, outside)]
                bodies = [a.text.replace(inside, "").replace(outside, "") for a in answers]
                assert answers[0].status_code == answers[1].status_code
                assert bodies[0] == bodies[1]
        assert anyone.get(f"{BASE}/objects/{inside}").headers.get_list("www-authenticate")
        house.accept(token, each)
        assert stranger.get(f"{BASE}/objects/{inside}").status_code == 200


def test_anyone_is_told_how_to_authenticate(anyone: httpx2.Client, each: Set, house: House) -> None:
    answer = anyone.options(f"{BASE}/objects/{each.version}")
    assert answer.status_code == 200
    assert answer.json() == {
        "drs_object_id": each.version,
        "supported_types": ["BearerAuth", "BasicAuth"],
        "bearer_auth_issuers": [house.url],
    }


def test_a_bad_token_is_told_from_one_that_is_missing(house: House, each: Set) -> None:
    with house.gateway.client("hbg_" + "a" * 38) as client:
        answer = client.get(f"{BASE}/objects/{each.version}")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")
    assert answer.json()["msg"].startswith("This token is not valid")


@pytest.mark.parametrize("act", ["holds", "revocations"])
def test_a_stop_shuts_every_object_of_the_version_for_everyone(
    house: House, each: Set, files: dict[str, bytes], reader: httpx2.Client, anyone: httpx2.Client, act: str
) -> None:
    inside = blob_id(each, files["top.txt"])
    notice = house.stops(act, each.name)["notice"]
    for client in (reader, anyone):
        for path in (f"/objects/{each.version}", f"/objects/{inside}", f"/objects/{inside}/access/https"):
            answer = client.get(BASE + path)
            assert answer.status_code == 451
            assert answer.headers["link"] == f'<{house.url}/notices/{notice}>; rel="blocked-by"'
            assert answer.json()["msg"].endswith(f"/notices/{notice}")


@pytest.mark.parametrize(("act", "status"), [("holds", 200), ("withholdings", 451)])
def test_a_stopped_file_gives_no_address_and_the_others_go_on(
    house: House, each: Set, files: dict[str, bytes], reader: httpx2.Client, act: str, status: int
) -> None:
    whole = told(reader, f"/objects/{each.version}")
    notice = house.stops(act, f"{each.name}@main:top.txt")["notice"]
    inside = blob_id(each, files["top.txt"])
    blob = reader.get(f"{BASE}/objects/{inside}")
    assert blob.status_code == status
    if status == 200:
        assert blob.json()["access_methods"][0]["available"] is False
    access = reader.get(f"{BASE}/objects/{inside}/access/https")
    assert access.status_code == 451
    assert access.json()["msg"].endswith(f"/notices/{notice}")
    assert told(reader, f"/objects/{each.version}") == whole, "an id is the same set of objects for ever"
    other = blob_id(each, files["train/0.bin"])
    assert (
        httpx2.get(told(reader, f"/objects/{other}/access/https")["url"], headers=dict(reader.headers)).content
        == (files["train/0.bin"])
    )


def test_a_suspended_account_is_told_where_to_appeal(house: House, each: Set) -> None:
    name, token = house.account()
    house.accept(token, each)
    house.suspends(name)
    with house.gateway.client(token) as client:
        answer = client.get(f"{BASE}/objects/{each.version}")
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
    assert answer.json()["msg"].endswith("/complaints/new")


def test_terms_that_changed_are_asked_for_anew(house: House, each: Set) -> None:
    token = house.reader(each)
    house.changes_terms(each, token)
    with house.gateway.client(token) as client:
        answer = client.get(f"{BASE}/objects/{each.version}")
    assert (answer.status_code, answer.json()["code"]) == (403, "terms-outdated")


@pytest.mark.parametrize(
    "object_id", ["none", "0" * 40, "main", "0" * 40 + "." + "0" * 64, "%2e%2e", "a%2Fb", "é", "x" * 8000]
)
def test_an_id_that_never_was_is_not_found(reader: httpx2.Client, object_id: str) -> None:
    for path in (f"/objects/{object_id}", f"/objects/{object_id}/access/https"):
        answer = reader.get(BASE + path)
        assert (answer.status_code, answer.json()["status_code"]) == (404, 404)


def test_what_is_not_in_the_version_is_not_found_nor_another_way_of_access(
    reader: httpx2.Client, each: Set, files: dict[str, bytes]
) -> None:
    inside = blob_id(each, files["top.txt"])
    for path in (blob_id(each, b"other"), f"{each.version}.d{'0' * 64}", f"{inside}/access/s3"):
        assert reader.get(f"{BASE}/objects/{path}").status_code == 404
    assert reader.get(f"{BASE}/objects/{each.version}/access/https").status_code == 404, "a bundle has no bytes"
    assert reader.post(f"{BASE}/objects/{inside}").status_code == 405


def test_folders_within_folders_are_told_up_to_a_depth(house: House, tmp_path: Path) -> None:
    content = secrets.token_bytes(20)
    deep = house.publish({"/".join(["a"] * 500) + "/b": content})
    with house.gateway.client(house.reader(deep)) as client:
        told_of = told(client, f"/objects/{deep.version}?expand=true")
        levels, entry = 0, told_of
        while "contents" in entry:
            (entry,) = entry["contents"]
            levels += 1
        assert 10 < levels < 500
        assert "contents" in told(client, f"/objects/{entry['id']}"), "what lies deeper has an id to go on with"
        assert told_of["size"] == 20
        assert told(client, f"/objects/{blob_id(deep, content)}")["size"] == 20
