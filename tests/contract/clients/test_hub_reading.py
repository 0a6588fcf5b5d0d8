"""What a researcher does with the Hub's own client, once the terms are accepted."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from catalog.vocabulary import Kind
from tests.contract.clients.people import Person
from tests.houses import House, Set, picture

CARD = b"---\nlanguage: [en, zh]\ntask_categories: [image-classification]\ntags: [faces]\n---\n# A set\n"
BIG = 3 * 1024 * 1024
FILES = {
    "README.md": CARD,
    "train/0.png": picture(0),
    "train/1.png": picture(1),
    "train/deep/2.png": picture(2),
    "人脸/a b#%.txt": "字".encode(),
    "big.bin": hashlib.sha256(b"seed").digest() * (BIG // 32),
    "empty.txt": b"",
}
FROM_HUB = "from huggingface_hub import *\n"


@pytest.fixture(scope="module")
def faces(house: House) -> Set:
    return house.publish(FILES, tag="v1")


@pytest.fixture(scope="module")
def token(house: House, faces: Set, model: Set) -> str:
    return house.reader(faces, model)


@pytest.fixture(scope="module")
def model(house: House) -> Set:
    card = b"---\npipeline_tag: image-classification\nlibrary_name: timm\n---\n# A model\n"
    return house.publish({"README.md": card, "weights.bin": b"\0" * 4000}, kind=Kind.MODEL)


def read(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".cache" not in path.parts and ".huggingface" not in path.parts
    }


def test_the_token_says_who_one_is(person: Person, house: House) -> None:
    name, token = house.account()
    assert person.gets(FROM_HUB + "HfApi(token=token).whoami()['name']", token=token) == name


def test_logging_in_keeps_the_token_and_the_command_knows_it(person: Person, house: House, tmp_path: Path) -> None:
    name, token = house.account()
    own = {"HF_HOME": str(tmp_path)}
    words = ("login",) if person.client.command == "huggingface-cli" else ("auth", "login")
    assert person.runs(*words, "--token", token, **own).status == 0
    who = ("whoami",) if person.client.command == "huggingface-cli" else ("auth", "whoami")
    seen = person.runs(*who, **own)
    assert seen.status == 0
    assert name in seen.text


def test_a_dataset_tells_of_itself(person: Person, faces: Set, token: str) -> None:
    told = person.gets(
        FROM_HUB + "i = HfApi(token=token).dataset_info(name, files_metadata=True)\n"
        "files = [[s.rfilename, s.size, s.blob_id, s.lfs and s.lfs['sha256']] for s in i.siblings]\n"
        "[i.id, i.sha, i.gated, i.tags, files, i.card_data.license]",
        name=faces.name, token=token,
    )  # fmt: skip
    assert told[:3] == [faces.name, faces.version, "auto"]
    assert {"language:zh", "task_categories:image-classification", "license:cc-by-4.0", "faces"} <= set(told[3])
    digests = {path: lfs or blob for path, _, blob, lfs in told[4]}
    assert digests["big.bin"] == hashlib.sha256(FILES["big.bin"]).hexdigest()
    text = FILES["人脸/a b#%.txt"]
    assert digests["人脸/a b#%.txt"] == hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest()
    assert {path: size for path, size, _, _ in told[4]} == {path: len(content) for path, content in FILES.items()} | {
        "README.md": told[4][0][1]
    }
    assert told[5] == "cc-by-4.0", "the card lacked it: the warrant knows"


def test_one_asks_for_some_of_it(person: Person, faces: Set, token: str) -> None:
    if person.client.hub < "0.24":
        pytest.skip("this client has no such argument")
    told = person.gets(
        FROM_HUB + "i = HfApi(token=token).dataset_info(name, expand=['gated', 'sha'])\n[i.id, i.gated, i.sha, i.tags]",
        name=faces.name, token=token,
    )  # fmt: skip
    assert told == [faces.name, "auto", faces.version, None]


def test_a_model_tells_of_itself(person: Person, model: Set, token: str) -> None:
    told = person.gets(
        FROM_HUB + "i = HfApi(token=token).model_info(name)\n[i.id, i.pipeline_tag, i.library_name]",
        name=model.name, token=token,
    )  # fmt: skip
    assert told == [model.name, "image-classification", "timm"]
    assert (
        person.gets(
            FROM_HUB + "HfApi(token=token).repo_exists(name, repo_type='dataset')", name=model.name, token=token
        )
        is False
    )


def test_lists_are_searched_filtered_and_paged(person: Person, house: House, faces: Set, model: Set) -> None:
    ask = FROM_HUB + "api = HfApi(token=False)\n"
    assert faces.name in person.gets(ask + "[d.id for d in api.list_datasets(author='lab')]")
    by_tag = "[d.id for d in api.list_datasets(author='lab', filter=['language:zh', 'faces'])]"
    assert faces.name in person.gets(ask + by_tag)
    assert person.gets(ask + "[d.id for d in api.list_datasets(filter='language:xx')]") == []
    found = person.gets(ask + "[d.id for d in api.list_datasets(search=name)]", name=faces.name)
    assert faces.name in found
    assert all(faces.name in other for other in found)
    assert model.name in person.gets(ask + "[m.id for m in api.list_models(author='lab')]")
    newest = person.gets(ask + "[d.id for d in api.list_datasets(sort='last_modified', limit=1)]")
    assert len(newest) == 1


def test_a_tree_is_walked(person: Person, faces: Set, token: str) -> None:
    ask = FROM_HUB + "api = HfApi(token=token)\n"
    names = {"name": faces.name, "token": token}
    whole = person.gets(
        ask + "[f.path for f in api.list_repo_tree(name, repo_type='dataset', recursive=True)]", **names
    )
    assert sorted(whole) == sorted([*FILES, "train", "train/deep", "人脸"])
    below = person.gets(
        ask
        + "[[f.path, f.last_commit.oid] for f in api.list_repo_tree(name, 'train', repo_type='dataset', expand=True)]",
        **names,
    )
    assert below == [[path, faces.version] for path in ("train/0.png", "train/1.png", "train/deep")]
    assert person.gets(ask + "[f.path for f in api.list_repo_tree(name, '人脸', repo_type='dataset')]", **names) == [
        "人脸/a b#%.txt"
    ]
    infos = "[f.path for f in api.get_paths_info(name, ['train', 'big.bin', 'none'], repo_type='dataset')]"
    assert sorted(person.gets(ask + infos, **names)) == ["big.bin", "train"]
    absent = person.types(ask + "list(api.list_repo_tree(name, 'none', repo_type='dataset'))", **names)
    assert "EntryNotFoundError" in absent.error


def test_refs_and_commits_are_told(person: Person, faces: Set, token: str) -> None:
    ask = FROM_HUB + "api = HfApi(token=token)\n"
    names = {"name": faces.name, "token": token}
    refs = "r = api.list_repo_refs(name, repo_type='dataset')\n[[b.name, b.target_commit] for b in r.branches + r.tags]"
    assert person.gets(ask + refs, **names) == [["main", faces.version], ["v1", faces.version]]
    as_ref = "api.dataset_info(name, revision='refs/tags/v1').sha"
    assert person.gets(ask + as_ref, **names) == faces.version
    commits = "[[c.commit_id, c.title] for c in api.list_repo_commits(name, repo_type='dataset')]"
    assert person.gets(ask + commits, **names) == [[faces.version, "Release v1"]]


def test_what_is_there_and_what_is_not(person: Person, faces: Set, token: str) -> None:
    ask = FROM_HUB + "api = HfApi(token=token)\n"
    names = {"name": faces.name, "token": token}
    asked = (
        "[api.repo_exists(name, repo_type='dataset'), api.file_exists(name, file, repo_type='dataset'),"
        " api.revision_exists(name, revision, repo_type='dataset')]"
    )
    assert person.gets(ask + asked, **names, file="big.bin", revision="v1") == [True, True, True]
    assert person.gets(ask + asked, **names, file="none", revision="none") == [True, False, False]
    assert person.gets(ask + "api.repo_exists('lab/none', repo_type='dataset')", **names) is False
    for code, kind in (
        ("hf_hub_download('lab/none', 'x', token=token)", "RepositoryNotFoundError"),
        ("hf_hub_download(name, 'none', repo_type='dataset', token=token)", "EntryNotFoundError"),
        ("hf_hub_download(name, 'x', revision='refs/pr/1', repo_type='dataset', token=token)", "RevisionNotFoundError"),
    ):
        assert kind in person.types(FROM_HUB + code, **names).error


@pytest.mark.parametrize("revision", ["main", "v1", "id"])
def test_a_file_is_downloaded_and_the_second_time_it_is_there(
    person: Person, faces: Set, token: str, empty: str, revision: str
) -> None:
    names = {
        "name": faces.name, "token": token, "cache": empty, "path": "人脸/a b#%.txt",
        "revision": faces.version if revision == "id" else revision,
    }  # fmt: skip
    code = (
        FROM_HUB + "hf_hub_download(name, path, revision=revision, repo_type='dataset', token=token, cache_dir=cache)"
    )
    first, second = person.gets(code, **names), person.gets(code, **names)
    assert first == second
    assert f"/snapshots/{faces.version}/" in first
    assert Path(first).read_bytes() == FILES["人脸/a b#%.txt"]


def test_a_copy_of_everything_has_the_same_bytes(person: Person, faces: Set, token: str, empty: str) -> None:
    names = {"name": faces.name, "token": token, "cache": empty, "here": empty + "-here"}
    code = FROM_HUB + "snapshot_download(name, repo_type='dataset', token=token, cache_dir=cache)"
    folder = person.gets(code, **names)
    found = read(folder)
    assert {path: content for path, content in found.items() if path != "README.md"} == {
        path: content for path, content in FILES.items() if path != "README.md"
    }
    assert b"# A set" in found["README.md"]
    assert person.gets(code.replace("cache_dir=cache", "local_dir=here, allow_patterns='train/*'"), **names)
    assert sorted(read(names["here"])) == ["train/0.png", "train/1.png", "train/deep/2.png"]
    offline = code.replace("cache_dir=cache", "cache_dir=cache, local_files_only=True")
    assert person.gets(offline, **names) == folder


def test_the_file_system_lists_seeks_and_reads_parts(person: Person, faces: Set, token: str) -> None:
    ask = FROM_HUB + "fs = HfFileSystem(token=token, skip_instance_cache=True)\nroot = 'datasets/' + name\n"
    names = {"name": faces.name, "token": token}
    assert person.gets(ask + "sorted(fs.ls(root + '/train', detail=False))", **names) == [
        f"datasets/{faces.name}/train/{leaf}" for leaf in ("0.png", "1.png", "deep")
    ]
    assert len(person.gets(ask + "fs.find(root)", **names)) == len(FILES)
    assert person.gets(ask + "fs.info(root + '/big.bin')['size']", **names) == BIG
    part = ask + "with fs.open(root + '/big.bin') as f:\n    f.seek(1000)\n    got = f.read(32)\ngot.hex()"
    assert person.gets(part, **names) == FILES["big.bin"][1000:1032].hex()
    assert person.gets(ask + "fs.cat_file(root + '/big.bin', 5, 9).hex()", **names) == FILES["big.bin"][5:9].hex()


def test_the_command_downloads(person: Person, faces: Set, token: str, tmp_path: Path) -> None:
    ran = person.runs("download", faces.name, "--repo-type", "dataset", "--local-dir", str(tmp_path / "x"), token=token)
    assert ran.status == 0, ran.text
    assert (tmp_path / "x" / "big.bin").read_bytes() == FILES["big.bin"]


def test_a_check_of_access_says_yes(person: Person, faces: Set, token: str) -> None:
    if person.client.hub < "0.24":
        pytest.skip("this client has no such call")
    ask = FROM_HUB + "HfApi(token=token).auth_check(name, repo_type='dataset')"
    assert person.gets(ask, name=faces.name, token=token) is None
