"""Which gateway and which token a Hub uses, and what it lets out."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from gateway.sdk import Hub, Misused, NotAGateway, Unreachable
from gateway.sdk.client import resolve
from gateway.sdk.logins import Login, Logins
from tests.unit.sdk.origin import Answer, Asked, Origin

A, B = "https://a.example.org", "https://b.example.org"


@pytest.fixture
def signed_in(tmp_path: Path) -> dict[str, str]:
    """An environment with a sign-in for A, then one for B."""
    logins = Logins(tmp_path)
    logins.add(Login(origin=A, token="hbg_a", account="ann"))
    logins.add(Login(origin=B, token="hbg_b", account="ann"))
    return {"HUBGATE_HOME": str(tmp_path)}


def test_arguments_come_first(signed_in: dict[str, str]) -> None:
    assert resolve(A, "hbg_x", {**signed_in, "HUBGATE_URL": B, "HUBGATE_TOKEN": "hbg_y"}) == (A, "hbg_x")


def test_the_environment_comes_before_the_sign_ins(signed_in: dict[str, str]) -> None:
    assert resolve(None, None, {**signed_in, "HUBGATE_URL": A, "HUBGATE_TOKEN": "hbg_y"}) == (A, "hbg_y")


def test_the_last_sign_in_is_used_when_nothing_is_named(signed_in: dict[str, str]) -> None:
    assert resolve(None, None, signed_in) == (B, "hbg_b")


def test_a_named_gateway_gets_its_own_sign_in(signed_in: dict[str, str]) -> None:
    assert resolve(A, None, signed_in) == (A, "hbg_a")


def test_a_gateway_never_gets_a_token_that_was_meant_for_another(signed_in: dict[str, str]) -> None:
    other = "https://other.example.org"
    assert resolve(other, None, signed_in) == (other, None)
    assert resolve(other, None, {**signed_in, "HUBGATE_URL": A, "HUBGATE_TOKEN": "hbg_y"}) == (other, None)


def test_without_any_address_it_says_how_to_sign_in(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="hubgate login"):
        resolve(None, None, {"HUBGATE_HOME": str(tmp_path)})


def test_a_token_does_not_travel_in_clear() -> None:
    with pytest.raises(Misused, match="https://"):
        Hub("http://gw.example.org", "hbg_secret")
    Hub("http://gw.example.org")


@pytest.mark.parametrize("token", ["secret", "hbg_a b", "hbg_a\n", "hbg_é"])
def test_what_is_no_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(Misused) as caught:
        Hub("https://gw.example.org", token)
    assert token not in str(caught.value)


def test_the_token_is_not_shown() -> None:
    assert "hbg_secret" not in repr(Hub("https://gw.example.org", "hbg_secret"))


@pytest.mark.parametrize("name", ["", "a", "a/b/c", "a/..", "/b", "a/", "a--b/c", "a/b.git", "a/b?x"])
def test_what_is_no_name_of_an_asset_is_refused(name: str) -> None:
    with pytest.raises(Misused):
        Hub("https://gw.example.org").dataset(name)


def test_a_redirect_is_told_and_not_followed(origin: Origin) -> None:
    origin.script = lambda asked: Answer(302, headers={"Location": "https://elsewhere.example.org/"})
    with Hub(origin.url, "hbg_secret") as hub, pytest.raises(NotAGateway, match=r"elsewhere\.example\.org"):
        hub.search()
    assert len(origin.asked) == 1


def test_a_page_in_place_of_json_is_told_plainly(origin: Origin) -> None:
    origin.script = lambda asked: Answer(200, b"<html>", {"Content-Type": "text/html"})
    with Hub(origin.url) as hub, pytest.raises(NotAGateway, match="Check the address"):
        hub.search()


def test_a_gateway_that_is_not_there_is_told_plainly(origin: Origin) -> None:
    url = origin.url.rsplit(":", 1)[0] + ":1"
    with Hub(url) as hub, pytest.raises(Unreachable, match="does not answer"):
        hub.search()


def test_a_proxy_of_the_environment_does_not_see_what_is_meant_for_this_machine(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    origin.script = lambda asked: Answer(200, b'{"items": [], "next": null}')
    with Hub(origin.url, "hbg_secret") as hub:
        assert hub.search() == []


def test_a_search_turns_all_pages_and_asks_again_after_a_busy_moment(origin: Origin) -> None:
    def script(asked: Asked) -> Answer:
        if len(origin.asked) == 1:
            return Answer(503, headers={"Retry-After": "0"})
        second = "cursor=one" in asked.path
        body = {"items": [{"name": "b" if second else "a"}], "next": None if second else "one"}
        return Answer(200, json.dumps(body).encode())

    origin.script = script
    with Hub(origin.url, "hbg_t") as hub:
        assert [asset["name"] for asset in hub.search("face", kind="dataset")] == ["a", "b"]
    assert all("q=face" in asked.path and "kind=dataset" in asked.path for asked in origin.asked)
    assert {asked.headers["authorization"] for asked in origin.asked} == {"Bearer hbg_t"}
    assert origin.asked[0].headers["user-agent"].startswith("hubgate/")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_connections_of_its_own(origin: Origin) -> None:
    def script(asked: Asked) -> Answer:
        text = asked.path.rpartition("q=")[2]
        return Answer(200, json.dumps({"items": [{"name": text}], "next": None}).encode())

    def all_answers_are_ours(hub: Hub, who: str) -> bool:
        return all(hub.search(f"{who}{n}") == [{"name": f"{who}{n}"}] for n in range(30))

    origin.script = script
    with Hub(origin.url) as hub:
        hub.search("before")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if all_answers_are_ours(hub, "child") else 1
            finally:  # nothing of the test run goes on in the child
                os._exit(status)
        assert all_answers_are_ours(hub, "parent")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


BAD = os.fsdecode(b"bad\xffname")


@pytest.mark.skipif(sys.platform != "linux", reason="there names are bytes")
def test_a_folder_that_cannot_be_listed_is_refused_before_anything_is_asked(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / BAD).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / BAD)
    with Hub(origin.url, "hbg_t") as hub:
        for to in (tmp_path / BAD / "x", tmp_path / "link" / "x"):
            with pytest.raises(Misused, match=r"bad\\xffname.* is not a name in UTF-8.*--to"):
                hub.dataset("lab/set").fetch(to)
            with pytest.raises(Misused, match="not known as a file"):
                hub.extract(to / "pack.tar")
        monkeypatch.chdir(tmp_path / BAD)
        with pytest.raises(Misused, match="--to"):
            hub.dataset("lab/set").fetch()
    assert origin.asked == []
    monkeypatch.setenv("HUBGATE_HOME", str(tmp_path / BAD))
    with pytest.raises(Misused, match=r"bad\\xffname.*HUBGATE_HOME"):
        Hub(origin.url, "hbg_t")
    monkeypatch.setenv("HUBGATE_HOME", "here")  # in a folder that is none
    with pytest.raises(Misused, match=r"bad\\xffname.*HUBGATE_HOME"):
        Hub(origin.url, "hbg_t")
