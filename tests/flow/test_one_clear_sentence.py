"""What goes wrong on the command line ends in one clear sentence and exit status 1, never in a traceback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.builders import warrant
from tests.gateways import Gateway, as_toml

NOT_UTF8 = b"\xff\xfe\x00"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    folder = tmp_path_factory.mktemp("sentences")
    made = Gateway(folder / "data")
    made.terms(folder)
    return made


def one_sentence(told: str) -> str:
    assert len(told.splitlines()) == 1, told
    return told


def test_a_port_that_is_taken_is_said_before_anything_is_served(gateway: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for command in (("serve",), ("demo", "--data", str(gateway.data / "demo"))):
            told = one_sentence(gateway.run(*command, "--port", port, status=1))
            assert port in told
            assert "--port" in told


@pytest.mark.parametrize("address", [("--port", "99999"), ("--port", "-1"), ("--host", "no.such.host.invalid")])
def test_an_address_that_cannot_be_had_is_named(gateway: Gateway, address: tuple[str, str]) -> None:
    assert address[1] in one_sentence(gateway.run("serve", *address, status=1))


def test_files_that_are_not_utf8_are_named(gateway: Gateway, tmp_path: Path) -> None:
    bad, good, folder = tmp_path / "bad", tmp_path / "good.toml", tmp_path / "set"
    bad.write_bytes(NOT_UTF8)
    good.write_text(as_toml(warrant()), encoding="utf-8")
    folder.mkdir()
    (folder / "a.txt").write_text("a", encoding="utf-8")
    publish = ("publish", "dataset", "demo/small", str(folder), "--terms", "research-use", "--warrant")
    assert str(bad) in one_sentence(gateway.run("terms", "publish", "t", "--zh", str(bad), "--en", str(good), status=1))
    assert str(bad) in one_sentence(gateway.run(*publish, str(bad), status=1))
    (folder / "provenance.hubgate.csv").write_bytes(NOT_UTF8)
    assert "provenance.hubgate.csv" in one_sentence(gateway.run(*publish, str(good), status=1))


def test_check_prints_one_json_document(gateway: Gateway) -> None:
    checked = json.loads(gateway.run("check", "--json"))
    assert checked["settings"]["data"] == str(gateway.data)
    assert checked["originals"] == "ok"


def test_a_refusal_is_written_as_the_terminals_language_is(gateway: Gateway) -> None:
    chinese = Gateway.__new__(Gateway)
    chinese.environ = {**gateway.environ, "LC_ALL": "zh_CN.UTF-8"}
    told = one_sentence(chinese.run("recalls", "N-0", status=1))
    assert "N-0" in told
    assert ". " not in told
    assert told.count("。") == 2
