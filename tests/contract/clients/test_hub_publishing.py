"""A publisher with the Hub's own client: what it sends becomes a draft, and what it is told when it may not."""

from __future__ import annotations

import hashlib
import random
import secrets
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from catalog.vocabulary import Role
from tests.contract.clients.people import Person
from tests.houses import House, picture

MIB = 1024 * 1024
FROM_HUB = "from huggingface_hub import *\napi = HfApi(token=token)\n"
CARD = """---
license: cc-by-4.0
hubgate:
  terms: {terms}
  title: {{en: Street faces, zh: 街头人脸}}
  class: public
  lawful_basis: consent
  source: https://example.org/street-faces
  persons: none
  residency: any
  contact: data@example.org
---
# Street faces
"""


def folder(where: Path, house: House, big: int = 3 * MIB) -> tuple[Path, dict[str, bytes]]:
    """A folder with small and large files of text and bytes, under terms that are in force."""
    terms = f"terms-{secrets.token_hex(4)}"
    house.new_terms(terms)
    files = {
        "README.md": CARD.format(terms=terms).encode(),
        "a.png": picture(0),
        "人脸/b c#%.txt": "字".encode(),
        "deep/er/notes.txt": secrets.token_bytes(200_000).hex().encode(),
        "deep/big.bin": secrets.token_bytes(big),
        "empty.txt": b"",
    }
    made = where / "folder"
    for path, content in files.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes(content)
    return made, files


def fresh_name() -> str:
    return f"lab/up-{secrets.token_hex(5)}"


UPLOAD = FROM_HUB + (
    "made = api.create_repo(name, repo_type='dataset', exist_ok=True)\n"
    "done = api.upload_folder(repo_id=name, folder_path=path, repo_type='dataset')\n"
    "[made.repo_id, done.oid, done.commit_url]"
)


def names_of(name: str, token: str, path: Path) -> dict[str, str]:
    return {"name": name, "token": token, "path": str(path)}


def test_a_folder_becomes_a_draft_that_nobody_else_sees(publisher: Person, house: House, tmp_path: Path) -> None:
    owner, token = house.account(Role.PUBLISHER)
    path, files = folder(tmp_path, house)
    name = fresh_name()
    made, oid, url = publisher.gets(UPLOAD, **names_of(name, token, path))
    assert made == name
    assert url == f"{house.url}/datasets/{name}/commit/{oid}"
    assert house.draft(name) == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    assert house.draft_of(name) == (owner, oid)

    _, other = house.account(Role.PUBLISHER)
    _, reader = house.account()
    for someone in (other, reader, None):
        with house.gateway.client(someone) as client:
            for address in (
                f"/api/datasets/{name}",
                f"/api/datasets/{name}/revision/main",
                f"/api/datasets/{name}/revision/{oid}",
                f"/api/datasets/{name}/tree/{oid}",
                f"/datasets/{name}/resolve/{oid}/README.md",
                f"/datasets/{name}/resolve/main/README.md",
                f"/v1/assets/{name}",
                f"/assets/{name}",
            ):
                assert client.get(address).status_code in {401, 404}, (someone, address)
    with house.gateway.client(token) as client:  # its publisher learns that it is there, and is served nothing
        assert client.get(f"/api/datasets/{name}").json()["private"] is True
        for address in (f"/datasets/{name}/resolve/{oid}/README.md", f"/v1/assets/{name}/versions/{oid}/files/a.png"):
            assert client.get(address).status_code == 404


def test_the_same_again_sends_nothing_and_the_command_says_where_it_is(
    publisher: Person, house: House, tmp_path: Path
) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, _ = folder(tmp_path, house)
    name = fresh_name()
    first = publisher.runs("upload", name, str(path), "--repo-type", "dataset", token=token)
    assert first.status == 0, first.text
    assert name in first.text
    if tuple(map(int, publisher.client.hub.split("."))) >= (1, 5):
        assert f"release it at {house.url}/drafts/" in first.text
    before = house.draft(name)
    again = publisher.gets(UPLOAD, **names_of(name, token, path))
    assert again[1] == house.draft_of(name)[1]
    assert house.draft(name) == before


def released(house: House, name: str, token: str) -> httpx2.Response:
    """The publisher's own act, over the API."""
    with house.gateway.client(token) as client:
        drafts = {one["asset"]: one["id"] for one in client.get("/v1/drafts").json()["items"]}
        return client.post(f"/v1/drafts/{drafts[name]}/release", json={})


def served(house: House, name: str, token: str) -> dict[str, bytes]:
    """What a reader gets of the asset's newest version."""
    assert house.gateway.accept(token, name).status_code in {200, 201}
    with house.gateway.client(token) as client:
        items = client.get(f"/v1/assets/{name}/versions/main/manifest").raise_for_status().json()["items"]
        base = f"/v1/assets/{name}/versions/main/files/"
        return {item["path"]: client.get(base + quote(item["path"])).raise_for_status().content for item in items}


def test_what_was_sent_is_served_after_its_release_and_changed_by_the_next(
    publisher: Person, house: House, tmp_path: Path
) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, files = folder(tmp_path, house)
    name = fresh_name()
    publisher.gets(UPLOAD, **names_of(name, token, path))
    done = released(house, name, token)
    assert done.status_code == 201, done.text
    first = done.json()["version"]
    _, reader = house.account()
    got = served(house, name, reader)
    card = got.pop("README.md")
    assert got == {one: content for one, content in files.items() if one != "README.md"}
    assert b"extra_gated_prompt" in card
    assert card.endswith(b"# Street faces\n")
    fetched = publisher.gets(
        FROM_HUB + "snapshot_download(name, repo_type='dataset', token=token, cache_dir=path)",
        name=name, token=reader, path=str(tmp_path / "cache"),
    )  # fmt: skip
    assert (Path(fetched) / "deep/big.bin").read_bytes() == files["deep/big.bin"]

    changes = (
        FROM_HUB + "ops = [CommitOperationAdd('new.txt', b'new'), CommitOperationDelete('deep/', is_folder=True),"
        " CommitOperationDelete('a.png')]\n"
        "api.create_commit(name, ops, commit_message='m', repo_type='dataset', parent_commit=parent).oid"
    )
    second = publisher.gets(changes, name=name, token=token, parent=first)
    assert second != first
    assert served(house, name, reader).keys() == files.keys(), "until the release the former version is served"
    assert released(house, name, token).json() == {"version": second, "new": True, "warnings": {}}
    assert served(house, name, reader).keys() == {"README.md", "人脸/b c#%.txt", "empty.txt", "new.txt"}
    old = publisher.types(changes, name=name, token=token, parent="0" * 40)
    assert "is no longer at the commit that yours was made on" in old.says


def test_what_is_of_the_other_kind_is_said_with_the_option_to_give(
    publisher: Person, house: House, tmp_path: Path
) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, _ = folder(tmp_path, house)
    make = FROM_HUB + "api.create_repo(name, repo_type=kind)\nNone"
    for kind, wrong, says in (
        ("dataset", (), 'is a dataset: give --repo-type dataset (in Python repo_type="dataset")'),
        ("model", ("--repo-type", "dataset"), "is a model: leave --repo-type out (in Python repo_type)"),
    ):
        name = fresh_name()
        publisher.gets(make, name=name, token=token, kind=kind)
        ran = publisher.runs("upload", name, str(path), *wrong, token=token)
        assert ran.status == 1
        assert f"{name} {says} and run the same again" in ran.text
        assert "KeyError" not in ran.text
        assert house.draft(name) == {}


def test_many_commits_grow_one_draft(publisher: Person, house: House, tmp_path: Path) -> None:
    _, token = house.account(Role.PUBLISHER)
    name = fresh_name()
    code = (
        FROM_HUB + "api.create_repo(name, repo_type='dataset')\n"
        "oids = {api.upload_file(path_or_fileobj=bytes([n]) * 70_000, path_in_repo=f'{n}.bin', repo_id=name,"
        " repo_type='dataset').oid for n in range(3)}\n"
        "api.delete_file('1.bin', name, repo_type='dataset')\n"
        "sorted(oids)"
    )
    oids = publisher.gets(code, name=name, token=token)
    assert oids == [house.draft_of(name)[1]]
    assert house.draft(name).keys() == {"0.bin", "2.bin"}


def test_a_large_file_comes_in_parts(publisher: Person, house: House, tmp_path: Path) -> None:
    """Newer clients send up to 100 MB inside a commit, and by this way what is larger when they are told to."""
    _, token = house.account(Role.PUBLISHER)
    name = fresh_name()
    one_way = tuple(map(int, publisher.client.hub.split("."))) >= (1, 20)
    content = random.Random(name).randbytes((110 if one_way else 70) * MIB)
    file = tmp_path / "large.bin"
    file.write_bytes(content)
    done = publisher.runs(
        "upload", name, str(file), "large.bin", "--repo-type", "dataset", token=token, HF_HUB_DISABLE_XET="1"
    )
    assert done.status == 0, done.text
    assert house.draft(name) == {"large.bin": hashlib.sha256(content).hexdigest()}
    assert house.staged() == []


def test_a_newer_client_is_told_how_to_send_what_is_too_large(publisher: Person, house: House, tmp_path: Path) -> None:
    if tuple(map(int, publisher.client.hub.split("."))) < (1, 20):
        pytest.skip("this client sends large files by Git LFS")
    _, token = house.account(Role.PUBLISHER)
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(110 * MIB)
    done = publisher.runs("upload", fresh_name(), str(tmp_path / "large.bin"), "--repo-type", "dataset", token=token)
    assert done.status == 1
    assert "Set HF_HUB_DISABLE_XET=1 and run the same again" in done.text
    assert "Set HF_HUB_DISABLE_XET=1 and run the same again" in done.errors.strip().splitlines()[-1]


def test_without_the_right_to_publish_nothing_is_made(publisher: Person, house: House, tmp_path: Path) -> None:
    path, _ = folder(tmp_path, house)
    owner, owners = house.account(Role.PUBLISHER)
    theirs = fresh_name()
    publisher.gets(UPLOAD, **names_of(theirs, owners, path))
    before = house.draft(theirs)
    _, narrow = house.account(Role.PUBLISHER)
    with house.gateway.client(narrow) as client:
        made = client.post("/v1/me/tokens", json={"scopes": ["read"]})
        narrow = made.raise_for_status().json()["token"]
    researcher = house.account()[1]
    for token, name, says in (
        (
            researcher,
            fresh_name(),
            "This needs the role Publisher or Operator. Ask an operator of this gateway for it.",
        ),
        (researcher, theirs, "This needs the role Publisher or Operator. Ask an operator of this gateway for it."),
        (narrow, fresh_name(), "This token lacks the scope publish. Make one that has it on your account page."),
        (house.account(Role.PUBLISHER)[1], theirs, f"{theirs} is another publisher's. Choose another name"),
    ):
        ran = publisher.runs("upload", name, str(path), "--repo-type", "dataset", token=token)
        assert ran.status == 1
        assert f"403 Forbidden: {says}" in ran.text
        assert ".." not in ran.text.partition("403 Forbidden")[2]
        assert "gated" not in ran.text.lower()
    # Without asking to create it there is nothing that others could see.
    add = FROM_HUB + "api.upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id=name, repo_type='dataset')"
    _, token = house.account(Role.PUBLISHER)
    assert "RepositoryNotFoundError" in publisher.types(add, name=theirs, token=token).error
    assert house.draft(theirs) == before
    assert house.draft_of(theirs)[0] == owner


def test_a_revoked_token_sends_nothing(publisher: Person, house: House, tmp_path: Path) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, _ = folder(tmp_path, house)
    name = fresh_name()
    publisher.gets(FROM_HUB + "api.create_repo(name, repo_type='dataset')\nNone", name=name, token=token)
    with house.gateway.client(token) as client:
        (own,) = client.get("/v1/me").json()["tokens"]
        assert client.delete(f"/v1/me/tokens/{own['id']}").status_code == 200
    seen = publisher.types(UPLOAD, **names_of(name, token, path))
    assert "HfHubHTTPError" in seen.error
    assert "401" in seen.says
    assert "Invalid credentials in Authorization header" in seen.says
    assert house.draft(name) == {}


def test_a_card_that_does_not_vouch_is_refused_in_sentences(publisher: Person, house: House, tmp_path: Path) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, _ = folder(tmp_path, house)
    card = (path / "README.md").read_text()
    (path / "README.md").write_text(card.replace("  contact: data@example.org\n", "").replace("public", "face"))
    name = fresh_name()
    seen = publisher.types(UPLOAD, **names_of(name, token, path))
    assert "ValueError" in seen.error
    assert "pia: missing / 缺少此项" in seen.says
    assert "contact: missing / 缺少此项" in seen.says
    assert "README.md must vouch for the data" in seen.says
    assert house.draft(name) == {}
    (path / "README.md").unlink()
    publisher.gets(UPLOAD, **names_of(name, token, path))
    refused = released(house, name, token)
    assert refused.status_code == 422
    assert {"pia", "terms", "class"} <= refused.json()["fields"].keys()
    assert house.draft(name), "it stays a draft"


def test_a_revoked_content_is_refused_with_the_number_of_its_notice(
    publisher: Person, house: House, tmp_path: Path
) -> None:
    small, large = picture(0), secrets.token_bytes(2 * MIB)
    gone = house.publish({"small.png": small, "large.bin": large})
    notice = house.stops("revocations", gone.name)["notice"]
    _, token = house.account(Role.PUBLISHER)
    name = fresh_name()
    add = FROM_HUB + (
        "api.create_repo(name, repo_type='dataset', exist_ok=True)\n"
        "api.upload_file(path_or_fileobj=path, path_in_repo='again.bin', repo_id=name, repo_type='dataset')"
    )
    for content in (small, large):
        (tmp_path / "again.bin").write_bytes(content)
        seen = publisher.types(add, **names_of(name, token, tmp_path / "again.bin"))
        assert seen.error
        assert f"was stopped by notice {notice} and may not come back" in seen.says
    assert house.draft(name) == {}


def test_there_is_one_branch(publisher: Person, house: House, tmp_path: Path) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, _ = folder(tmp_path, house)
    name = fresh_name()
    publisher.gets(UPLOAD, **names_of(name, token, path))
    before = house.draft(name)
    add = "api.upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id=name, repo_type='dataset', {})"
    for how in ("revision='v2'", "create_pr=True"):
        assert publisher.types(FROM_HUB + add.format(how), name=name, token=token).error
    branch = publisher.types(
        FROM_HUB + "api.create_branch(name, branch='v2', repo_type='dataset')", name=name, token=token
    )
    assert "a draft has one branch" in branch.says
    tag = publisher.types(FROM_HUB + "api.create_tag(name, tag='v2', repo_type='dataset')", name=name, token=token)
    assert "a tag is given when the draft is released" in tag.says
    assert house.draft(name) == before


def test_deleting_by_pattern_works_on_what_is_released_and_accepted(
    publisher: Person, house: House, tmp_path: Path
) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, files = folder(tmp_path, house)
    name = fresh_name()
    publisher.gets(UPLOAD, **names_of(name, token, path))
    assert released(house, name, token).status_code == 201
    assert house.gateway.accept(token, name).status_code == 201
    ran = publisher.runs(
        "upload", name, str(path), "--repo-type", "dataset", "--delete", "*.bin", "--exclude", "*.bin", token=token
    )
    assert ran.status == 0, ran.text
    assert house.draft(name).keys() == files.keys() - {"deep/big.bin"}


def test_copies_and_renames_of_what_is_released_need_no_bytes(publisher: Person, house: House, tmp_path: Path) -> None:
    _, token = house.account(Role.PUBLISHER)
    path, files = folder(tmp_path, house)
    name = fresh_name()
    publisher.gets(UPLOAD, **names_of(name, token, path))
    assert released(house, name, token).status_code == 201
    assert house.gateway.accept(token, name).status_code == 201
    copies = (
        FROM_HUB + "ops = [CommitOperationCopy('deep/big.bin', 'copy.bin'), CommitOperationCopy('a.png', 'b.png'),"
        " CommitOperationDelete('a.png')]\n"
        "api.create_commit(name, ops, commit_message='m', repo_type='dataset').oid"
    )
    publisher.gets(copies, name=name, token=token)
    draft = house.draft(name)
    assert draft.keys() == (files.keys() - {"a.png"}) | {"copy.bin", "b.png"}
    assert draft["copy.bin"] == draft["deep/big.bin"]
    assert draft["b.png"] == hashlib.sha256(files["a.png"]).hexdigest()
