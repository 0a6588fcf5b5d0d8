"""A publisher with the Hub's own client: what it sends becomes a draft, and what it is told when it may not."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

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
