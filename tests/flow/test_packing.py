"""A folder of many small files, published, packed, stopped in part and packed anew, as its reader sees it."""

from __future__ import annotations

import hashlib
import io
import json
import random
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from catalog.policy import card as cards
from tests.gateways import HUBGATE, Gateway

NAME = "lab/many"
SAMPLES = 300
WAIT_S = 60.0


def samples(folder: Path, seed: int = 1, size: int = 2000) -> dict[str, bytes]:
    """Pictures (of no real format) with a label each, and two files about the set."""
    chance = random.Random(seed)
    files = {f"faces/{n:04}.jpg": chance.randbytes(size) for n in range(SAMPLES)}
    files |= {f"faces/{n:04}.json": json.dumps({"n": n, "seed": seed}).encode() for n in range(SAMPLES)}
    files |= {"LICENSE": b"free", "labels.csv": b"n,seed\n"}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return files


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    return made


def manifest(client: httpx2.Client, version: str = "main") -> dict[str, dict[str, Any]]:
    answer = client.get(f"/v1/assets/{NAME}/versions/{version}/manifest").raise_for_status()
    return {item["path"]: item for item in answer.json()["items"]}


def shards(client: httpx2.Client) -> list[dict[str, Any]]:
    return [item for item in manifest(client).values() if item.get("shard")]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def names_in(content: bytes) -> list[str]:
    return tarfile.open(fileobj=io.BytesIO(content)).getnames()


def test_a_withheld_file_leaves_the_shard_and_all_else_goes_on(gateway: Gateway, tmp_path: Path) -> None:
    files = samples(tmp_path / "set")
    version = gateway.publish(tmp_path / "set", NAME, "--class", "public", "--wait-previews")
    token = gateway.account("rosa")
    with gateway.serving(), gateway.client(token) as rosa, gateway.client() as anyone:
        gateway.accept(token, NAME)
        base = f"/v1/assets/{NAME}/versions/{version}"
        listed = manifest(rosa)
        assert listed.keys() - {"README.md"} - files.keys() == {item["path"] for item in shards(rosa)}
        (shard,) = shards(rosa)
        files_of = [{"split": "train", "path": "__packed__/train-*.tar"}]
        config = {"config_name": "packed", "data_files": files_of, "default": True}
        assert cards.read(rosa.get(f"{base}/files/README.md").text)["configs"] == [config]
        content = rosa.get(f"{base}/files/{shard['path']}").content
        assert hashlib.sha256(content).hexdigest() == shard["sha256"]
        assert names_in(content) == sorted(path for path in files if path.startswith("faces/"))
        whole = names_in(rosa.get(f"{base}/archive.tar").content)
        assert sorted(whole) == sorted(["README.md", *files]), "nothing twice"
        sums = rosa.get(f"{base}/SHA256SUMS").text.splitlines()
        assert [line.partition("  ")[2] for line in sums] == sorted(["README.md", *files])
        assert names_in(rosa.get(f"{base}/archive.tar", params={"include": "__packed__/*"}).content) == [shard["path"]]
        tiles = anyone.get(f"{base}/previews").json()["items"]
        assert len(tiles) == 100
        asset = anyone.get(f"/v1/assets/{NAME}").json()
        assert [one["items"] for one in asset["versions"]] == [len(files) + 1]
        hub = f"/datasets/{NAME}/resolve"
        before = rosa.get(f"/api/datasets/{NAME}").json()["sha"]
        assert before == version

        said = gateway.run("withhold", f"{NAME}@{version}:faces/0007.jpg", "--reason", "rights_complaint", "--json")
        notice = json.loads(said)["notice"]
        refused = rosa.get(f"{base}/files/{shard['path']}")
        assert (refused.status_code, refused.json()["notice"]) == (451, notice)
        assert rosa.get(f"{hub}/{version}/{shard['path']}").headers["x-error-code"] == "EntryNotFound"
        assert rosa.get(f"{base}/files/faces/0007.json").status_code == 200
        assert rosa.get(f"{base}/files/faces/0008.jpg").content == files["faces/0008.jpg"]

        until(lambda: [item["state"] for item in shards(rosa)] == ["served"])
        (new,) = shards(rosa)
        assert new["path"] != shard["path"]
        content = rosa.get(f"{base}/files/{new['path']}").content
        assert hashlib.sha256(content).hexdigest() == new["sha256"]
        assert set(names_in(content)) == {path for path in files if path.startswith("faces/") and "0007" not in path}
        assert rosa.get(f"{base}/files/{shard['path']}").status_code == 451
        after = rosa.get(f"/api/datasets/{NAME}").json()["sha"]
        assert after != before
        tree = rosa.get(f"/api/datasets/{NAME}/tree/main/__packed__").json()
        assert [(one["path"], one["lfs"]["oid"]) for one in tree] == [(new["path"], new["sha256"])]
        assert rosa.get(f"{hub}/{after}/{new['path']}").content == content
        assert len(anyone.get(f"{base}/previews").json()["items"]) in {99, 100}, "shards have no tiles"

        gateway.run("hold", f"{NAME}@{version}:faces/0001.jpg", "--reason", "rights_complaint")
        until(lambda: [item["state"] for item in shards(rosa)] == ["served"] and shards(rosa)[0] != new)
        held = rosa.get(f"/api/datasets/{NAME}").json()["sha"]
        gateway.run("release", f"{NAME}@{version}:faces/0001.jpg", "--reason", "error")
        until(lambda: shards(rosa) == [new])
        assert rosa.get(f"{base}/files/{new['path']}").content == content
        assert rosa.get(f"/api/datasets/{NAME}").json()["sha"] == after != held
    assert gateway.run("verify").startswith("clean")


def test_a_stop_of_one_file_cuts_whoever_is_taking_its_shard(gateway: Gateway, tmp_path: Path) -> None:
    samples(tmp_path / "set", size=60_000)
    version = gateway.publish(tmp_path / "set", NAME, "--class", "public")
    token = gateway.account("rosa")
    with gateway.serving(), gateway.client(token) as rosa, socket.socket() as slow:
        gateway.accept(token, NAME)
        (shard,) = shards(rosa)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
        slow.connect(("127.0.0.1", gateway.port))
        address = f"/v1/assets/{NAME}/versions/{version}/files/{shard['path']}"
        slow.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        assert slow.recv(2000).startswith(b"HTTP/1.1 200")
        said = gateway.run("withhold", f"{NAME}@{version}:faces/0299.json", "--reason", "rights_complaint", "--json")
        assert json.loads(said)["streams_cut"] == 1
        slow.settimeout(30)
        received = ended(slow)
        assert received < shard["size"] // 2


def ended(client: socket.socket) -> int:
    """The bytes that still arrive until the connection is reset."""
    received = 0
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return received
        assert piece, "it ended well"
        received += len(piece)


def publish_command(folder: Path, name: str, warrant: Path) -> list[str]:
    return ["publish", "dataset", name, str(folder), "--terms", "research-use", "--warrant", str(warrant)]


@pytest.mark.parametrize("part", [0.05, 0.6])
def test_a_publish_that_is_killed_while_it_packs_goes_on(gateway: Gateway, tmp_path: Path, part: float) -> None:
    samples(tmp_path / "set", size=200_000)
    twin = gateway.publish(tmp_path / "set", "lab/twin")
    command = publish_command(tmp_path / "set", NAME, tmp_path / "lab-twin.toml")
    process = subprocess.Popen(
        [HUBGATE, *command], env=gateway.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    incoming = gateway.data / "originals" / "incoming"
    enough = int(SAMPLES * 200_000 * part)
    while process.poll() is None and not any(size > enough for size in sizes(incoming)):
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -9, "it ended before it could be killed"
    assert gateway.run("verify").startswith("clean")
    version = gateway.run(*command).splitlines()[-1]
    assert sizes(incoming) == []
    assert gateway.run(*command).splitlines()[-1] == version
    token = gateway.account("rosa")
    with gateway.serving(), gateway.client(token) as rosa:
        gateway.accept(token, NAME)
        gateway.accept(token, "lab/twin")
        answer = rosa.get(f"/v1/assets/lab/twin/versions/{twin}/manifest").raise_for_status()
        assert manifest(rosa) == {item["path"]: item for item in answer.json()["items"]}
        assert len(shards(rosa)) == 1
    assert gateway.run("verify").startswith("clean")


def sizes(folder: Path) -> list[int]:
    found = []
    for path in folder.iterdir():
        try:
            found.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return found


@pytest.mark.needs("mount")
def test_a_disk_that_is_full_of_shards_says_so_and_loses_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        gateway = Gateway(small / "data")
        gateway.terms(tmp_path)
        samples(tmp_path / "set", size=45_000)
        (tmp_path / "set" / "README.md").write_text("# Many\n", encoding="utf-8")
        with pytest.raises(AssertionError, match=r"No space left for the packed shards.*--no-pack"):
            gateway.publish(tmp_path / "set", NAME)
        assert gateway.run("verify") == f"clean: {2 * SAMPLES + 3} originals"
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        assert len(gateway.publish(tmp_path / "set", NAME)) == 40
        assert gateway.run("verify") == f"clean: {2 * SAMPLES + 4} originals"
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_card_that_hubgate_gave_a_revoked_set_bars_no_other_set(gateway: Gateway, tmp_path: Path) -> None:
    def folder(name: str, card: str = "") -> Path:
        (tmp_path / name).mkdir()
        for n in range(600):
            (tmp_path / name / f"{n}.txt").write_text(f"{name} {n}", encoding="utf-8")
        if card:
            (tmp_path / name / "README.md").write_text(card, encoding="utf-8")
        return tmp_path / name

    def refused(full_name: str, given: Path) -> str:
        arguments = ("--terms", "research-use", "--warrant", str(tmp_path / "lab-many.toml"))
        return gateway.run("publish", "dataset", full_name, str(given), *arguments, status=1)

    gateway.publish(folder("first"), NAME)
    gateway.run("revoke", NAME, "--reason", "rights_complaint")
    again = gateway.publish(folder("second"), NAME)
    gateway.publish(folder("third"), "lab/other")
    assert "0.txt" in refused(NAME, tmp_path / "first"), "the files themselves do not come back"
    gateway.run("withhold", f"{NAME}@{again}:README.md", "--reason", "rights_complaint")
    assert "README.md" in refused("lab/third", folder("fourth"))

    gateway.publish(folder("own", "# Li Ming's photos"), "lab/own")
    gateway.run("revoke", "lab/own", "--reason", "rights_complaint")
    assert "README.md" in refused("lab/fifth", folder("fifth", "# Li Ming's photos"))


def test_no_pack_leaves_everything_as_it_was_given(gateway: Gateway, tmp_path: Path) -> None:
    files = samples(tmp_path / "set")
    gateway.publish(tmp_path / "set", NAME, "--no-pack")
    assert gateway.run("verify") == f"clean: {len(files)} originals"
    gateway.publish(tmp_path / "set", NAME)
    assert gateway.run("verify") == f"clean: {len(files) + 2} originals"


def test_what_cannot_be_packed_well_is_said(gateway: Gateway, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(260):
        (folder / f"{number}.jpg").write_bytes(b"jpg %d" % number)
        (folder / f"x{number}.png").write_bytes(b"png %d" % number)
    gateway.publish(folder, "lab/mixed")
    said = warned(gateway, folder, "lab/mixed", tmp_path)
    assert "samples-differ" in said
    (folder / "README.md").write_text("---\nconfigs:\n- config_name: mine\n  data_files: '*.jpg'\n---\n# Mine\n")
    for picture in folder.glob("*.png"):
        picture.unlink()
    assert "configs-kept" in warned(gateway, folder, "lab/mine", tmp_path, "--pack")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "LICENSE").write_text("free")
    assert "nothing-to-pack" in warned(gateway, tmp_path / "text", "lab/text", tmp_path, "--pack")
    (tmp_path / "text" / "__packed__").mkdir()
    (tmp_path / "text" / "__packed__" / "a.tar").write_text("mine")
    said = gateway.run(*publish_command(tmp_path / "text", "lab/text", tmp_path / "lab-mixed.toml"), status=1)
    assert "__packed__" in said
    assert "rename or leave out" in said


def warned(gateway: Gateway, folder: Path, name: str, base: Path, *flags: str) -> str:
    done = subprocess.run(
        [HUBGATE, *publish_command(folder, name, base / "lab-mixed.toml"), *flags],
        env=gateway.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr
