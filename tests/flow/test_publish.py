"""`hubgate publish` as a publisher meets it: gaps in the warrant, a crash, the same files again, a link."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

from tests.builders import warrant
from tests.gateways import HUBGATE, Gateway, as_toml

FILES = 3000


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    return made


def folder_of(tmp_path: Path, files: int) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(files):
        (folder / f"{number:05}.txt").write_text(f"file {number}", encoding="utf-8")
    return folder


def test_a_publish_that_was_killed_goes_on_and_releases_every_file(gateway: Gateway, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FILES)
    keys = tmp_path / "warrant.toml"
    keys.write_text(as_toml(warrant()), encoding="utf-8")
    command = ["publish", "dataset", "demo/many", str(folder), "--terms", "research-use", "--warrant", str(keys)]
    command.append("--no-pack")
    process = subprocess.Popen(
        [HUBGATE, *command], env=gateway.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    originals = gateway.data / "originals"
    while process.poll() is None and sum(1 for _ in originals.glob("*/*/*")) < FILES // 10:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -9, "the publish ended before it could be killed"
    version = gateway.run(*command).splitlines()[-1]
    assert gateway.run(*command).splitlines()[-1] == version, "equal files give the version that is there"
    token = gateway.account("rosa")
    with gateway.serving(), gateway.client(token) as rosa:
        gateway.accept(token, "demo/many")
        items = rosa.get(f"/v1/assets/demo/many/versions/{version}/manifest").json()["items"]
        assert [item["path"] for item in items] == [f"{number:05}.txt" for number in range(FILES)]
    assert gateway.run("verify") == f"clean: {FILES} originals"


def test_what_a_warrant_lacks_is_named_and_the_version_stays_a_draft(gateway: Gateway, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 1)
    keys = tmp_path / "warrant.toml"
    keys.write_text(as_toml({k: v for k, v in warrant().items() if k not in {"pia", "source"}}), encoding="utf-8")
    command = ("publish", "dataset", "demo/many", str(folder), "--terms", "research-use", "--warrant", str(keys))
    told = gateway.run(*command, status=1)
    assert "pia (missing)" in told
    assert "source (missing)" in told
    with gateway.serving(), gateway.client() as anyone:
        assert anyone.get("/v1/assets/demo/many").status_code == 404
        assert anyone.get("/v1/assets/demo/many").content == anyone.get("/v1/assets/demo/none").content


def test_a_link_is_refused_by_name_and_nothing_is_released(gateway: Gateway, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 1)
    (folder / "passwords").symlink_to("/etc/passwd")
    keys = tmp_path / "warrant.toml"
    keys.write_text(as_toml(warrant()), encoding="utf-8")
    command = ("publish", "dataset", "demo/many", str(folder), "--terms", "research-use", "--warrant", str(keys))
    assert "passwords is a link" in gateway.run(*command, status=1)


def test_the_head_of_a_card_is_completed_before_it_is_stored(gateway: Gateway, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 1)
    text = "---\nlanguage: [en]\nlicense: mit\nconfigs: [{data_files: none.csv}]\n---\n# Many\n\nWords.\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    keys = tmp_path / "warrant.toml"
    keys.write_text(as_toml(warrant()), encoding="utf-8")
    command = [
        HUBGATE,
        "publish",
        "dataset",
        "demo/many",
        str(folder),
        "--terms",
        "research-use",
        "--warrant",
        str(keys),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=gateway.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "warning: licence-differs: " in done.stderr
    assert "warning: config-without-files: " in done.stderr
    token = gateway.account("rosa")
    with gateway.serving(), gateway.client(token) as rosa:
        gateway.accept(token, "demo/many")
        got = rosa.get("/v1/assets/demo/many/versions/main/files/README.md")
        manifest = rosa.get("/v1/assets/demo/many/versions/main/manifest").json()["items"]
        page = rosa.get("/assets/demo/many").text
    (stored,) = [item for item in manifest if item["path"] == "README.md"]
    assert stored["sha256"] == hashlib.sha256(got.content).hexdigest()
    assert got.text.startswith(text.split("---\n# Many")[0])
    assert "pretty_name: Street faces\n" in got.text
    assert "research-use" in got.text
    assert got.text.endswith("---\n# Many\n\nWords.\n")
    assert "Words." in page
    assert "pretty_name" not in page, "people see no YAML"


@pytest.mark.parametrize("content", [b"---\na: *b\n---\n", "# Gesicht".encode("utf-16")])
def test_a_card_that_cannot_be_read_is_refused_by_name(gateway: Gateway, tmp_path: Path, content: bytes) -> None:
    folder = folder_of(tmp_path, 1)
    (folder / "README.md").write_bytes(content)
    keys = tmp_path / "warrant.toml"
    keys.write_text(as_toml(warrant()), encoding="utf-8")
    command = ("publish", "dataset", "demo/many", str(folder), "--terms", "research-use", "--warrant", str(keys))
    assert "README.md" in gateway.run(*command, status=1)
