"""A draft is looked at, released and thrown away: by the command beside the server or from afar, and on its page."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from catalog.policy import card as cards
from catalog.policy.packing import PACK_FROM
from tests.builders import warrant
from tests.flow.test_uploads import HEADER, inside
from tests.gateways import Gateway, as_toml

CARD = """---
license: cc-by-4.0
hubgate:
  terms: research-use
  tag: v1
  title: {en: Street faces, zh: 街头人脸}
  class: public
  lawful_basis: consent
  source: https://example.org/street-faces
  persons: none
  residency: any
  contact: data@example.org
---
# Street faces
"""
PASSWORD = "correct horse battery"


class Scene:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        gateway.run("account", "create", "paula", "--role", "publisher", "--password-stdin", stdin=PASSWORD)
        self.token = gateway.run("token", "create", "paula")
        self.remote = ("--url", gateway.url, "--token", self.token)

    def sends(self, *files: tuple[str, bytes], name: str = "") -> str:
        """The name of the asset whose draft has these files now."""
        name = name or f"lab/d-{secrets.token_hex(4)}"
        body = "\n".join(json.dumps(line) for line in (HEADER, *(inside(*file) for file in files)))
        owner, leaf = name.split("/")
        with self.gateway.client(self.token) as client:
            client.post("/api/repos/create", json={"name": leaf, "organization": owner, "type": "dataset"})
            client.post(f"/api/datasets/{name}/commit/main", content=body).raise_for_status()
        return name

    def tag_of(self, name: str) -> str | None:
        with self.gateway.client() as anyone:
            asset = anyone.get(f"/v1/assets/{name}").json()
        return str(asset["versions"][0]["tag"]) if "versions" in asset else None


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("drafts")
    gateway = Gateway(folder / "data")
    gateway.terms(folder)
    with gateway.serving():
        yield Scene(gateway)


@pytest.mark.parametrize("afar", [True, False])
def test_a_draft_is_released_by_the_command(scene: Scene, afar: bool) -> None:
    where = scene.remote if afar else ("--as", "paula")
    run = scene.gateway.run
    name = scene.sends(("README.md", CARD.encode()), ("a.txt", b"a"))
    assert f"{name}  2 files, " in run("draft", "list", *where)
    seen = json.loads(run("draft", "show", name, "--json", *where))
    assert (seen["lacks"], [file["path"] for file in seen["files"]]) == ({}, ["README.md", "a.txt"])
    version = run("draft", "release", name, *where).splitlines()[-1]
    assert version == seen["id"]
    assert scene.tag_of(name) == "v1"
    assert "There is no draft" in run("draft", "release", name, *where, status=1)


def test_what_is_lacking_is_said_and_can_be_given_at_the_release(scene: Scene, tmp_path: Path) -> None:
    run = scene.gateway.run
    name = scene.sends(("a.txt", b"a"))
    refused = run("draft", "release", name, *scene.remote, status=1)
    assert "The version stays a draft until these are right" in refused
    assert "lawful_basis (missing)" in refused
    warrant = tmp_path / "warrant.toml"
    warrant.write_text(
        'title = { en = "A", zh = "甲" }\nclass = "public"\nlawful_basis = "research"\nsource = "s"\npersons = "none"\n'
        'licence = "CC0-1.0"\nresidency = "any"\ncontact = "c"\n',
        encoding="utf-8",
    )
    choice = ("--warrant", str(warrant), "--terms", "research-use", "--tag", "given")
    assert len(run("draft", "release", name, *choice, *scene.remote)) == 40
    assert scene.tag_of(name) == "given"


def tar_names(content: bytes) -> list[str]:
    return tarfile.open(fileobj=io.BytesIO(content)).getnames()


@pytest.mark.parametrize("afar", [True, False])
def test_a_draft_of_many_small_files_is_packed_and_packed_anew_for_the_next(scene: Scene, afar: bool) -> None:
    run, where = scene.gateway.run, scene.remote if afar else ("--as", "paula")
    files = {f"faces/{n:03}.txt": b"%03d" % n for n in range(PACK_FROM)}
    name = scene.sends(("README.md", CARD.encode()), *files.items())
    first = run("draft", "release", name, *where).splitlines()[-1]
    scene.gateway.accept(scene.token, name)
    with scene.gateway.client(scene.token) as paula:

        def packed(version: str) -> tuple[str, list[str]]:
            """The one shard: its path, and what lies in it."""
            base = f"/v1/assets/{name}/versions/{version}"
            items = paula.get(f"{base}/manifest").raise_for_status().json()["items"]
            (shard,) = [item for item in items if item["path"].startswith("__packed__/")]
            assert shard["shard"]
            content = paula.get(f"{base}/files/{shard['path']}").content
            assert hashlib.sha256(content).hexdigest() == shard["sha256"]
            return shard["path"], tar_names(content)

        shard, names = packed(first)
        assert names == sorted(files)
        card = paula.get(f"/v1/assets/{name}/versions/{first}/files/README.md").text
        assert [config["config_name"] for config in cards.read(card)["configs"]] == ["packed"]  # type: ignore[union-attr]

        # The next draft begins with what is served, but a shard of it would bring back what is removed here.
        removal = json.dumps({"key": "deletedFile", "value": {"path": "faces/007.txt"}})
        body = "\n".join([json.dumps(HEADER), json.dumps(inside("faces/more.txt", b"more")), removal])
        paula.post(f"/api/datasets/{name}/commit/main", content=body).raise_for_status()
        left = sorted({*files, "faces/more.txt"} - {"faces/007.txt"})
        seen = json.loads(run("draft", "show", name, "--json", *where))
        assert [file["path"] for file in seen["files"]] == ["README.md", *left]
        second = run("draft", "release", name, *where).splitlines()[-1]
        assert packed(second)[1] == left
        assert packed(first) == (shard, sorted(files))

        # Too few to be packed: the card no longer names shards that are not there.
        removals = [
            json.dumps({"key": "deletedFile", "value": {"path": path}}) for path in left if path != "faces/more.txt"
        ]
        paula.post(
            f"/api/datasets/{name}/commit/main", content="\n".join([json.dumps(HEADER), *removals])
        ).raise_for_status()
        third = run("draft", "release", name, *where).splitlines()[-1]
        items = paula.get(f"/v1/assets/{name}/versions/{third}/manifest").json()["items"]
        assert [item["path"] for item in items] == ["README.md", "faces/more.txt"]
        assert "configs" not in cards.read(paula.get(f"/v1/assets/{name}/versions/{third}/files/README.md").text)
    assert scene.gateway.run("verify").startswith("clean")


@pytest.mark.parametrize("afar", [True, False])
def test_whoever_releases_decides_about_packing(scene: Scene, afar: bool) -> None:
    run, where = scene.gateway.run, scene.remote if afar else ("--as", "paula")
    few, many = (
        scene.sends(("README.md", CARD.encode()), *((f"faces/{n:03}.txt", b"%03d" % n) for n in range(count)))
        for count in (3, PACK_FROM)
    )
    run("draft", "release", few, "--pack", *where)
    run("draft", "release", many, "--no-pack", *where)
    with scene.gateway.client(scene.token) as paula:
        for name, packed in ((few, True), (many, False)):
            scene.gateway.accept(scene.token, name)
            items = paula.get(f"/v1/assets/{name}/versions/main/manifest").json()["items"]
            assert any(item["path"].startswith("__packed__/") for item in items) is packed


def test_where_shards_lie_nobody_puts_a_file(scene: Scene) -> None:
    name = scene.sends(("README.md", CARD.encode()))
    body = "\n".join(map(json.dumps, (HEADER, inside("__packed__/train-00000-0.tar", b"x"))))
    with scene.gateway.client(scene.token) as paula:
        answer = paula.post(f"/api/datasets/{name}/commit/main", content=body)
    assert answer.status_code == 422
    assert "__packed__" in answer.headers["x-error-message"]


def test_a_draft_is_thrown_away_by_the_command(scene: Scene) -> None:
    run = scene.gateway.run
    for where in (scene.remote, ("--as", "paula")):
        name = scene.sends(("a.txt", b"a"))
        run("draft", "discard", name, *where)
        for act in ("show", "release", "discard"):
            assert "There is no draft" in run("draft", act, name, *where, status=1)
        assert name not in run("draft", "list", *where)


def test_what_was_stopped_meanwhile_is_told_of_before_the_release(scene: Scene) -> None:
    run = scene.gateway.run
    name = scene.sends(("README.md", CARD.encode()), ("stopped.txt", secrets.token_bytes(9)), ("a.txt", b"a"))
    run("draft", "release", name, *scene.remote)
    scene.sends(("more.txt", b"more"), name=name)
    run("withhold", f"{name}@main:stopped.txt", "--reason", "rights_complaint")
    lacks = json.loads(run("draft", "show", name, "--json", *scene.remote))["lacks"]
    assert lacks.keys() == {"'stopped.txt'"}
    assert "delete the file from the draft" in lacks["'stopped.txt'"]
    assert "delete them from the draft" in run("draft", "release", name, *scene.remote, status=1)
    removal = json.dumps({"key": "deletedFile", "value": {"path": "stopped.txt"}})
    with scene.gateway.client(scene.token) as paula:
        body = "\n".join([json.dumps(HEADER), removal])
        paula.post(f"/api/datasets/{name}/commit/main", content=body).raise_for_status()
    told = run("draft", "release", name, *scene.remote)
    assert len(told.splitlines()[-1]) == 40


def test_a_folder_published_beside_the_server_does_not_replace_what_a_client_has_sent(
    scene: Scene, tmp_path: Path
) -> None:
    name = scene.sends(("a.txt", b"a"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.txt").write_bytes(b"b")
    file = tmp_path / "warrant.toml"
    file.write_text(as_toml(warrant()), encoding="utf-8")
    publish = ("publish", "dataset", name, str(folder), "--terms", "research-use", "--warrant", str(file))
    assert f"hubgate draft discard {name}" in scene.gateway.run(*publish, status=1)
    files = json.loads(scene.gateway.run("draft", "show", name, "--json"))["files"]
    assert [one["path"] for one in files] == ["a.txt"]
    scene.gateway.run("draft", "discard", name)
    assert len(scene.gateway.run(*publish).splitlines()[-1]) == 40


def test_a_model_whose_card_is_completed_is_released_at_once(scene: Scene) -> None:
    name = f"lab/m-{secrets.token_hex(4)}"
    owner, leaf = name.split("/")
    card = CARD.replace("class: public", "class: model")
    body = "\n".join(map(json.dumps, (HEADER, inside("README.md", card.encode()), inside("weights.bin", b"\0" * 9))))
    with scene.gateway.client(scene.token) as paula:
        paula.post("/api/repos/create", json={"name": leaf, "organization": owner, "type": "model"}).raise_for_status()
        paula.post(f"/api/models/{name}/commit/main", content=body).raise_for_status()
    assert len(scene.gateway.run("draft", "release", name, *scene.remote).splitlines()[-1]) == 40


def test_a_publisher_releases_on_the_page_that_the_client_named(scene: Scene) -> None:
    name = scene.sends(("a.txt", b"a"))
    headers = {"origin": scene.gateway.url, "accept-language": "en"}
    with httpx2.Client(base_url=scene.gateway.url, headers=headers, follow_redirects=True) as browser:
        browser.post("/sign-in", data={"name": "paula", "password": PASSWORD})
        page = browser.get(f"/datasets/{name}/tree/main/")
        assert page.url.path.startswith("/drafts/")
        assert "It cannot be released yet" in page.text
        assert "<code>lawful_basis</code>: missing" in page.text
        assert "lawful_basis: consent" in browser.get("/problems/warrant-incomplete").text
        assert browser.post(f"{page.url.path}/release").status_code == 422
        scene.sends(("README.md", CARD.encode()), name=name)
        page = browser.get(str(page.url))
        assert "It cannot be released yet" not in page.text
        assert name in browser.get("/drafts").text
        after = browser.post(f"{page.url.path}/release")
        assert after.status_code == 200
        assert after.url.path == f"/assets/{name}"
        gone = scene.sends(("b.txt", b"b"), name=name)
        draft = browser.get(f"/datasets/{gone}/commit/x").url.path
        assert browser.post(f"{draft}/discard").url.path == "/drafts"
        assert "b.txt" not in browser.get(draft).text
    assert scene.tag_of(name) == "v1"


def test_a_page_of_a_draft_is_for_nobody_else(scene: Scene) -> None:
    name = scene.sends(("secret-name.txt", b"a"))
    scene.gateway.run("account", "create", f"r-{secrets.token_hex(3)}", "--role", "researcher")
    version = json.loads(scene.gateway.run("draft", "show", name, "--json"))["id"]
    other = scene.gateway.account(f"p-{secrets.token_hex(3)}", "publisher")
    for token in (None, other):
        with scene.gateway.client(token) as client:
            for address in (f"/drafts/{version}", f"/datasets/{name}/tree/main/", "/drafts", f"/assets/{name}"):
                answer = client.get(address, follow_redirects=True)
                assert "secret-name.txt" not in answer.text
                assert name not in answer.text or answer.status_code == 404
