"""One file is called back from those who have it by itself, in a shard, unpacked, or in another client's cache."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.clients.environments import CLIENTS, CannotMake, environment
from tests.flow.test_recall_story import NONE, Home, board
from tests.gateways import Gateway

NAME = "lab/packed"
SAMPLES = 20
GONE = "faces/07.jpg"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    folder = tmp_path / "set" / "faces"
    folder.mkdir(parents=True)
    for number in range(SAMPLES):
        (folder / f"{number:02}.jpg").write_text(f"the face of person {number}")
        (folder / f"{number:02}.json").write_text(f'{{"person": {number}}}')
    with made.serving():
        made.publish(tmp_path / "set", NAME, "--class", "public", "--pack")
        yield made


def fetched(home: Home, *include: str) -> None:
    home.sign_in()
    globs = [word for glob in include for word in ("--include", glob)]
    home.run("fetch", NAME, "--purpose", "a story", "--yes", *globs)


def cached_by_another_client(home: Home) -> None:
    try:
        programs = environment(CLIENTS[-1])
    except CannotMake as error:
        pytest.skip(f"the packages of this client cannot be had here: {error}")
    home.gateway.accept(home.token, NAME)
    code = (
        "import huggingface_hub as h\n"
        f"print(h.snapshot_download('{NAME}', repo_type='dataset', allow_patterns='__packed__/*'))"
    )
    environ = {**home.environ, "HF_ENDPOINT": home.gateway.url, "HF_TOKEN": home.token}
    subprocess.run([programs / "python", "-c", code], env=environ, cwd=home.at, check=True, timeout=120)


def packed_now(gateway: Gateway, token: str, but: str = "") -> str:
    deadline = time.monotonic() + 60
    with gateway.client(token) as client:
        while True:
            items = client.get(f"/v1/assets/{NAME}/versions/main/manifest").json()["items"]
            (found,) = [item for item in items if item.get("shard")]
            if found["state"] == "served" and found["path"] != but:
                return str(found["path"])
            assert time.monotonic() < deadline, "the shard was not made anew"
            time.sleep(0.1)


def done(home: Home, *flags: str, status: int = 0) -> dict[str, Any]:
    (one,) = home.sync(*flags, status=status)
    return one


@pytest.mark.clients
def test_whoever_has_it_in_a_shard_is_told_and_the_shard_goes(gateway: Gateway, tmp_path: Path) -> None:
    loose, packed, both, hub, other, nobody = (
        Home(gateway, name, tmp_path) for name in ("loose", "packed", "both", "hub", "other", "nobody")
    )
    fetched(loose)
    assert len(loose.files) == 2 * SAMPLES + 1, "shards do not come unasked"
    fetched(packed, "__packed__/*")
    fetched(both, "*")
    cached_by_another_client(hub)
    fetched(other, "faces/08.*")
    nobody.sign_in()
    shard = packed_now(gateway, loose.token)
    assert packed.files == [f"packed/{shard}"]
    packed.run("extract", f"packed/{shard}")
    unpacked = [path for path in packed.files if not path.endswith(".tar")]
    assert len(unpacked) == 2 * SAMPLES

    said = gateway.run("withhold", f"{NAME}@main:{GONE}", "--reason", "rights_complaint", "--json")
    notice = json.loads(said)["notice"]
    assert board(gateway, notice) == {**NONE, "holders": 4, "waiting": 4}
    assert other.sync() == []
    assert nobody.sync() == []

    answer = done(loose, "--yes")
    assert (answer["counts"]["deleted"], answer["counts"]["absent"]) == (1, 1)
    assert len(loose.files) == 2 * SAMPLES
    assert f"packed/{GONE}" not in loose.files

    # The shard goes, and the one file of it that was unpacked; what else was unpacked stays.
    answer = done(packed, "--yes")
    assert (answer["counts"]["deleted"], answer["state"]) == (2, "answered")
    assert [path for path in unpacked if path not in packed.files] == [p for p in unpacked if p.endswith("07.jpg")]
    assert len(packed.files) == 2 * SAMPLES - 1
    assert packed.stored == 0

    answer = done(both, "--yes")
    assert answer["counts"]["deleted"] == 2
    assert len(both.files) == 2 * SAMPLES
    assert board(gateway, notice) == {**NONE, "holders": 4, "waiting": 1, "deleted": 3}

    hub.sign_in()
    answer = done(hub, "--yes", status=1)
    assert (answer["counts"]["locked"], answer["files"]) == (1, [])
    for cached in answer["caches"]:
        Path(cached["path"]).unlink(missing_ok=True)
    assert done(hub, "--yes")["state"] == "answered"
    assert board(gateway, notice) == {**NONE, "holders": 4, "deleted": 4}, "it was there, and is gone"

    # What was packed anew is theirs again, and nobody is asked about it.
    new = packed_now(gateway, loose.token, but=shard)
    fetched(packed, "__packed__/*")
    with tarfile.open(packed.at / "packed" / new) as tar:
        assert Counter(Path(name).suffix for name in tar.getnames()) == {".jpg": SAMPLES - 1, ".json": SAMPLES - 1}
        assert GONE not in tar.getnames()
    assert packed.sync() == []

    # The next file is in the new shard alone for one, and by itself for others.
    said = gateway.run("withhold", f"{NAME}@main:faces/08.jpg", "--reason", "rights_complaint", "--json")
    second = json.loads(said)["notice"]
    assert board(gateway, second) == {**NONE, "holders": 5, "waiting": 5}
    assert done(packed, "--yes")["counts"]["deleted"] == 2
    assert not [path for path in packed.files if path.endswith(".tar")]
    assert done(other, "--yes")["counts"]["deleted"] == 1
    assert os.listdir(other.at / "packed" / "faces") == ["08.json"]
    assert gateway.run("verify").startswith("clean")
