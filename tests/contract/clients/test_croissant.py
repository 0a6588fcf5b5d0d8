"""mlcroissant reads the records that a running gateway gives, finds nothing wrong, and loads pictures by them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from catalog.vocabulary import Kind
from tests.contract.clients.environments import CannotMake, made
from tests.houses import House, Set, picture

pytestmark = pytest.mark.clients

REQUIREMENTS = ("mlcroissant==1.1.1", "pillow")
READ = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
about = dataset.metadata
issues = about.ctx.issues
told = {
    "errors": sorted(issues.errors), "warnings": sorted(issues.warnings), "version": about.version, "name": about.name,
    "sensitive": about.personal_sensitive_information,
    "files": sorted(part.id for part in about.distribution), "sets": [one.id for one in about.record_sets],
}
if len(sys.argv) > 2:
    rows = ({key.rpartition("/")[2]: value for key, value in row.items()} for row in dataset.records(sys.argv[2]))
    told["rows"] = sorted([row["path"].decode(), row["picture"].getpixel((0, 0))[0]] for row in rows)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return made("mlcroissant-1.1.1", REQUIREMENTS) / "python"
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")


@pytest.fixture(scope="module")
def faces(house: House) -> Set:
    card = b"---\nlanguage: [en, zh]\ntags: [faces]\n---\n# A set\n"
    pictures = {f"train/{number}.png": picture(number) for number in (3, 5)}
    return house.publish({"README.md": card, "train/\xe4 b.csv": b"a,b\n1,2\n", **pictures})


def reads(
    python: Path, address: str, home: Path, records: str | None = None, token: str | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CROISSANT_")}
    own = {"HOME": str(home), "CROISSANT_CACHE": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    if token is not None:
        own |= {"CROISSANT_BASIC_AUTH_USERNAME": "token", "CROISSANT_BASIC_AUTH_PASSWORD": token}
    arguments = [python, "-c", READ, address, *([] if records is None else [records])]
    return subprocess.run(arguments, capture_output=True, text=True, env={**kept, **own}, timeout=120)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def records(house: House, faces: Set, tmp_path: Path) -> list[tuple[str, str]]:
    """The record as anyone and as a holder gets it, of a data set and of a model."""
    model = house.publish({"weights.bin": b"\x01" * 99, "config.json": b'{"a": 1}'}, kind=Kind.MODEL)
    found = []
    for each in (faces, model):
        for who, token in (("anyone", None), ("holder", house.reader(each))):
            with house.gateway.client(token) as client:
                file = tmp_path / f"{each.kind}-{who}.json"
                file.write_bytes(client.get(f"/v1/assets/{each.name}/croissant").content)
            found.append((str(file), each.version))
    return found


def test_it_finds_nothing_wrong(python: Path, records: list[tuple[str, str]], tmp_path: Path) -> None:
    for file, version in records:
        found = told(reads(python, file, tmp_path))
        assert (found["errors"], found["warnings"]) == ([], [])
        assert found["version"] == f"1.0.0+{version}"
        holder = file.endswith("holder.json")
        assert any(name.startswith("files/") for name in found["files"]) is holder


def test_it_does_find_what_is_wrong(python: Path, records: list[tuple[str, str]], tmp_path: Path) -> None:
    whole = json.loads(Path(records[1][0]).read_text("utf-8"))
    for part in whole["distribution"]:
        part.pop("encodingFormat")
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(whole), "utf-8")
    assert "encodingFormat" in reads(python, str(broken), tmp_path).stderr


def test_it_loads_pictures_with_a_token_and_is_told_that_it_needs_one(
    house: House, faces: Set, python: Path, tmp_path: Path
) -> None:
    address = f"{house.url}/v1/assets/{faces.name}/croissant"
    wanted = "records/image/png"
    token = house.reader(faces)
    found = told(reads(python, address, tmp_path / "a", wanted, token))
    assert found["rows"] == [["train/3.png", 3], ["train/5.png", 5]]
    _, stranger = house.account()
    for who, status in ((None, "401"), (stranger, "403")):
        refused = reads(python, address, tmp_path / f"b{status}", wanted, who)
        assert refused.returncode != 0
        assert status in refused.stderr


def test_after_a_revocation_neither_a_new_record_nor_one_that_was_kept_gives_a_picture(
    house: House, python: Path, tmp_path: Path
) -> None:
    faces = house.publish({"0.png": picture(7)})
    token = house.reader(faces)
    address, kept = f"{house.url}/v1/assets/{faces.name}/croissant", tmp_path / "kept.json"
    with house.gateway.client() as client:
        kept.write_bytes(client.get(address).content)
    assert told(reads(python, str(kept), tmp_path / "a", "records/image/png", token))["rows"] == [["0.png", 7]]
    house.stops("revocations", faces.name)
    stopped = reads(python, str(kept), tmp_path / "b", "records/image/png", token)
    assert stopped.returncode != 0
    assert "451" in stopped.stderr
    # A limit of this client: it takes any answer for a record, so its words are about the format.
    assert reads(python, address, tmp_path / "c", None, token).returncode != 0
    # And another: what it has unpacked it goes on using.
    assert told(reads(python, str(kept), tmp_path / "a", "records/image/png", token))["rows"] == [["0.png", 7]]
