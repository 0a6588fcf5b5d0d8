"""What loading a published model would run: refused, told on its page, and its safetensors twin stopped with it."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load

from catalog.errors import Conflict
from catalog.vocabulary import Kind
from tests.builders import warrant
from tests.gateways import Gateway, as_toml
from tests.houses import House, Set, running
from tests.torchfiles import Tensor, torch_zip  # fmt: skip
from tests.torchfiles import running as calling

MODEL = {"class": "model", "persons": "none"}
TWIN = "net.safetensors"


def weights(first: float) -> bytes:
    return torch_zip({"w": Tensor(struct.pack("<3f", first, 2, 3), (3,))})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as made:
        yield made


def manifest(house: House, each: Set, token: str) -> dict[str, dict[str, Any]]:
    with house.gateway.client(token) as reader:
        items = reader.get(f"/v1/assets/{each.name}/versions/{each.version}/manifest").json()["items"]
    return {item["path"]: item for item in items}


def status(house: House, each: Set, token: str, path: str) -> int:
    with house.gateway.client(token) as reader:
        return reader.get(f"/v1/assets/{each.name}/versions/main/files/{path}").status_code


def test_a_model_that_could_run_anything_is_refused_in_both_languages_and_nothing_is_released(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    gateway.terms(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "good.pth").write_bytes(weights(1))
    (folder / "bad.pth").write_bytes(torch_zip({}, calling("os", "system")))
    (folder / "odd.zip").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(99))
    file = tmp_path / "warrant.toml"
    file.write_text(as_toml(warrant(**MODEL)))
    command = ("publish", "model", "lab/net", str(folder), "--terms", "research-use", "--warrant", str(file))
    said = gateway.run(*command, status=1)
    assert "A file of the model may not be loaded" in said
    assert "bad.pth (loading it could run anything: it names os.system." in said
    assert "odd.zip (it is packed in a way that cannot be looked through" in said
    assert "good.pth (" not in said
    gateway.environ["LC_ALL"] = "zh_CN.UTF-8"
    assert "bad.pth (加载它可能执行任意代码：其中引用了 os.system。" in gateway.run(*command, status=1)
    gateway.environ["LC_ALL"] = "C.UTF-8"
    with gateway.serving(), gateway.client() as anyone:
        assert anyone.get("/v1/assets/lab/net").status_code == 404
    # Mended, the same command goes on with the draft that was left.
    for bad in ("bad.pth", "odd.zip"):
        (folder / bad).unlink()
    version = gateway.run(*command).splitlines()[-1]
    assert re.fullmatch("[0-9a-f]{40}", version)
    assert gateway.run(*command).splitlines()[-1] == version, "the twin is made again to the byte"


def test_a_safetensors_twin_stands_beside_a_state_dict_and_holds_the_same_numbers(house: House) -> None:
    model = house.publish({"deep/net.pth": weights(1.5), "README.md": b"# A net\n"}, kind=Kind.MODEL)
    token = house.reader(model)
    items = manifest(house, model, token)
    assert sorted(items) == ["README.md", "deep/net.pth", f"deep/{TWIN}"]
    with house.gateway.client(token) as reader:
        got = reader.get(f"/v1/assets/{model.name}/versions/main/files/deep/{TWIN}").content
    assert load(got)["w"].tolist() == [1.5, 2, 3]


def test_a_publishers_own_safetensors_is_left_as_it_is(house: House) -> None:
    model = house.publish({"net.pth": weights(1.25), "Net.safetensors": b"mine"}, kind=Kind.MODEL)
    assert sorted(manifest(house, model, house.reader(model))) == ["Net.safetensors", "net.pth"]


def test_the_page_says_what_loading_runs_without_naming_files_to_strangers(house: House) -> None:
    files = {
        "secret-name.pth": weights(1.75),
        "whole.pth": torch_zip({}, calling("torch.nn.modules.linear", "Linear", str(model_number()))),
        "hubconf.py": f"dependencies = []  # {model_number()}\n".encode(),
    }
    model = house.publish(files, kind=Kind.MODEL)
    token = house.reader(model)
    with house.gateway.client(token) as reader, house.gateway.client() as anyone:
        record = anyone.get(f"/v1/assets/{model.name}").json()["loading"]
        assert record["counts"] == {"data": 2, "code": 1, "no-pickle": 1}
        assert record["names"] == ["torch.nn.modules.linear.Linear"]
        assert "picklescan" in record["scanner"]
        page = anyone.get(f"/assets/{model.name}").text
        assert "What loading runs" in page
        assert "torch.nn.modules.linear.Linear" in page
        assert "secret-name" not in page
        chinese = anyone.get(f"/assets/{model.name}", headers={"accept-language": "zh"}).text
        assert "加载时会执行什么" in chinese
        assert "会执行其引用的软件包的代码" in chinese
        known = reader.get(f"/assets/{model.name}").text
        assert "made from secret-name.pth" in known
        (address,) = re.findall(r'href="([^"]*/weights/[^"]*/secret-name-[0-9a-f]{8}\.pth)"', known)
        assert reader.get(address).content == files["secret-name.pth"]
    dataset = house.publish({"a.txt": b"a set"})
    with house.gateway.client() as anyone:
        assert anyone.get(f"/v1/assets/{dataset.name}").json()["loading"] is None
        assert "What loading runs" not in anyone.get(f"/assets/{dataset.name}").text


def test_withholding_a_file_withholds_its_twin_and_calls_both_back(house: House) -> None:
    model = house.publish({"net.pth": weights(2.5), "other.txt": str(model_number()).encode()}, kind=Kind.MODEL)
    token = house.reader(model)
    items = manifest(house, model, token)
    assert [status(house, model, token, path) for path in ("net.pth", TWIN, "other.txt")] == [200, 200, 200]
    house.stops("withholdings", f"{model.name}@main:net.pth")
    assert [status(house, model, token, path) for path in ("net.pth", TWIN, "other.txt")] == [451, 451, 200]
    assert {path: item["state"] for path, item in manifest(house, model, token).items()} == {
        "net.pth": "withheld", TWIN: "withheld", "other.txt": "served",
    }  # fmt: skip
    with house.gateway.client(token) as reader:
        feed = reader.get("/v1/recalls", params={"after": 0}).text
    called = [json.loads(base64.b64decode(notice["payload"])) for notice in json.loads(feed)["notices"]]
    digests = {entry["d"] for notice in called for entry in notice["digests"]}
    assert digests == {items["net.pth"]["sha256"], items[TWIN]["sha256"]}


def test_a_hold_on_a_file_holds_its_twin_and_its_release_releases_both(house: House) -> None:
    model = house.publish({"net.pth": weights(3.5)}, kind=Kind.MODEL)
    token = house.reader(model)
    house.stops("holds", f"{model.name}@main:net.pth")
    assert [status(house, model, token, path) for path in ("net.pth", TWIN)] == [451, 451]
    with house.gateway.client(house.gateway.token) as operator:
        alone = operator.post(
            "/v1/operator/releases", json={"subject": f"{model.name}@main:{TWIN}", "reason": "resolved"}
        )
        assert (alone.status_code, alone.json()["code"]) == (409, "held-with-asset")
        both = operator.post(
            "/v1/operator/releases", json={"subject": f"{model.name}@main:net.pth", "reason": "resolved"}
        )
        assert both.status_code in {200, 201}, both.text
    assert [status(house, model, token, path) for path in ("net.pth", TWIN)] == [200, 200]


def test_content_that_was_withheld_does_not_come_back_as_a_twin(house: House) -> None:
    model = house.publish({"net.pth": weights(4.5)}, kind=Kind.MODEL)
    house.stops("withholdings", f"{model.name}@main:net.pth")
    with pytest.raises(Conflict, match="content-stopped"):
        house.publish({"renamed.bin": weights(4.5)}, kind=Kind.MODEL)


_made = iter(range(10**6))


def model_number() -> int:
    """Another each time, so that no two models share a file."""
    return next(_made)
