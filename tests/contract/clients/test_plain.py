"""Programs that know nothing of us fetch, resume, are refused in words and are cut; the ledger counts what they did."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.clients.environments import CannotMake, made
from tests.contract.clients.plain import ARIA2, CURL, PROGRAMS, WGET, Program, Terminal
from tests.contract.sdk.relay import Relay
from tests.houses import House, Set

BIG = 12 * 1024 * 1024
TABLE = b"1,a\n2,b\n3,c\n"
RESUMING = [program for program in PROGRAMS if program.resumes]

pytestmark = [pytest.mark.clients, pytest.mark.needs("curl", "wget", "aria2c")]


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return made("plain", ("requests", "pandas")) / "python"
    except CannotMake as error:
        pytest.skip(f"the packages of these programs cannot be had here: {error}")


@pytest.fixture(params=PROGRAMS, ids=str)
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.param
    return found


@pytest.fixture
def someone(house: House, tmp_path: Path, python: Path) -> tuple[str, str, Terminal]:
    """A new account, its token, and a terminal with it."""
    account, token = house.account()
    return account, token, Terminal(tmp_path, token, python)


def address(url: str, each: Set, path: str, version: str = "main") -> str:
    return f"{url}/v1/assets/{each.name}/versions/{version}/files/{path}"


def fresh() -> dict[str, bytes]:
    """Bytes that were never published before, a table among them."""
    return {"table.csv": TABLE + secrets.token_hex(8).encode() + b",d\n", "other.txt": secrets.token_bytes(8)}


def downloads(house: House, token: str) -> list[dict[str, Any]]:
    with house.gateway.client(token) as client:
        return list(client.get("/v1/me").json()["downloads"])


def settled(house: House, token: str, count: int) -> list[dict[str, Any]]:
    """The account's downloads once so many are there and none runs."""
    for _ in range(600):
        found = downloads(house, token)
        if len(found) >= count and all(one["end"] for one in found):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def refused(program: Program, terminal: Terminal, url: str, status: int, *words: str) -> None:
    """It fails, leaves no file that could be taken for the item, and shows why where it shows anything."""
    to = terminal.folder / "refused.csv"
    ran = terminal.types(program.fetch(url, str(to)))
    assert ran.status != 0
    assert str(status) in ran.text
    if program.says:
        assert all(word in ran.text for word in words), ran.text
    assert not to.exists() or to.stat().st_size == 0
    # Whoever sees the number alone asks again without --fail and reads it.
    whole = terminal.types(["curl", "-sSi", "--netrc", url]).text
    assert all(word in whole for word in words), whole


def test_before_acceptance_each_is_told_where_to_accept_and_after_it_works(
    program: Program, house: House, someone: tuple[str, str, Terminal]
) -> None:
    files = fresh()
    each = house.publish(files)
    _, token, terminal = someone
    url = address(house.url, each, "table.csv")
    refused(program, terminal, url, 403, "read and accept its terms", f"{house.url}/assets/{each.name}/terms")
    house.accept(token, each)
    to = terminal.folder / "table.csv"
    ran = terminal.types(program.fetch(url, str(to)))
    assert ran.status == 0, ran.text
    assert to.read_bytes() == files["table.csv"]


def test_when_the_terms_change_each_is_told_where_to_accept_anew(
    program: Program, house: House, someone: tuple[str, str, Terminal]
) -> None:
    each = house.publish(fresh())
    _, token, terminal = someone
    house.accept(token, each)
    house.changes_terms(each, token)
    url = address(house.url, each, "table.csv")
    refused(program, terminal, url, 403, "have changed", f"{house.url}/assets/{each.name}/terms")


def test_an_item_that_was_taken_out_is_named_and_the_rest_is_served(
    program: Program, house: House, someone: tuple[str, str, Terminal]
) -> None:
    files = fresh()
    each = house.publish({**files, "more.csv": b"x," + secrets.token_hex(8).encode() + b"\n"})
    _, token, terminal = someone
    house.accept(token, each)
    notice = house.stops("withholdings", f"{each.name}@main:table.csv")["notice"]
    url = address(house.url, each, "table.csv", each.version)
    refused(program, terminal, url, 451, "was taken out for good", f"{house.url}/notices/{notice}")
    to = terminal.folder / "more.csv"
    assert terminal.types(program.fetch(address(house.url, each, "more.csv"), str(to))).status == 0
    assert to.read_bytes().startswith(b"x,")


@pytest.mark.parametrize(("act", "says"), [("revocations", "was revoked"), ("holds", "is on hold")])
def test_after_a_stop_each_is_told_why(
    program: Program, house: House, someone: tuple[str, str, Terminal], act: str, says: str
) -> None:
    each = house.publish(fresh())
    _, token, terminal = someone
    house.accept(token, each)
    notice = house.stops(act, each.name)["notice"]
    refused(program, terminal, address(house.url, each, "table.csv"), 451, says, f"{house.url}/notices/{notice}")


def test_a_suspended_account_is_told_so_and_where_to_appeal(
    program: Program, house: House, someone: tuple[str, str, Terminal]
) -> None:
    each = house.publish(fresh())
    account, token, terminal = someone
    house.accept(token, each)
    house.suspends(account)
    url = address(house.url, each, "table.csv")
    refused(program, terminal, url, 403, "suspended", f"{house.url}/complaints/new")


def test_without_a_token_each_is_told_that_one_is_needed(house: House, tmp_path: Path, python: Path) -> None:
    each = house.publish(fresh())
    terminal = Terminal(tmp_path, "hbg_" + "a" * 38, python)
    for program in PROGRAMS:
        ran = terminal.types(program.fetch(address(house.url, each, "table.csv"), str(tmp_path / "x.csv")))
        assert ran.status != 0
        assert "401" in ran.text or "uthoriz" in ran.text or "uthenticat" in ran.text


def test_a_revocation_cuts_the_transfer_and_the_next_try_says_why(
    program: Program, house: House, relay: Relay, someone: tuple[str, str, Terminal]
) -> None:
    rows = b"".join(b"%d,%s\n" % (n, secrets.token_hex(24).encode()) for n in range(BIG // 60))
    each = house.publish({"big.csv": rows})
    _, token, terminal = someone
    house.accept(token, each)
    to = terminal.folder / "big.csv"
    with ThreadPoolExecutor(1) as pool:
        relay.hold_after(2 * 1024 * 1024)
        running = pool.submit(terminal.types, program.fetch(address(relay.url, each, "big.csv"), str(to)))
        relay.wait_held()
        stopped = house.stops("revocations", each.name)
        relay.release()
        ran = running.result(120)
    assert stopped["streams_cut"] >= 1
    assert ran.status != 0, ran.text
    assert not to.exists() or to.read_bytes() != rows
    again = terminal.types(program.fetch(address(house.url, each, "big.csv"), str(to)))
    assert again.status != 0
    assert "451" in again.text
    assert not program.says or f"{house.url}/notices/{stopped['notice']}" in again.text


@pytest.mark.parametrize("program", RESUMING, ids=str)
def test_what_was_broken_off_goes_on_where_it_was_and_counts_once(
    program: Program, house: House, relay: Relay, someone: tuple[str, str, Terminal]
) -> None:
    content = secrets.token_bytes(BIG)
    each = house.publish({"big.bin": content})
    _, token, terminal = someone
    house.accept(token, each)
    to = terminal.folder / "big.bin"
    with ThreadPoolExecutor(1) as pool:
        relay.hold_after(5 * 1024 * 1024)
        running = pool.submit(
            terminal.types, ["timeout", "-s", "KILL", "3", *program.fetch(address(relay.url, each, "big.bin"), str(to))]
        )
        relay.wait_held()
        broken = running.result(60)
        relay.release()
    assert broken.status != 0
    assert not (to.exists() and to.read_bytes() == content)
    ran = terminal.types(program.fetch(address(relay.url, each, "big.bin"), str(to)))
    assert ran.status == 0, ran.text
    assert to.read_bytes() == content
    (fetch,) = settled(house, token, 1)
    assert fetch["parts"] > 1
    assert (fetch["path"], fetch["start"], fetch["stop"]) == ("big.bin", 0, BIG)
    assert fetch["bytes"] >= BIG - 4 * 1024 * 1024  # what lay in the held wire came twice, or once

    # Once more: it is all there. curl and wget ask for nothing more of it, aria2 asks and hangs up.
    again = terminal.types(program.fetch(address(house.url, each, "big.bin"), str(to)))
    assert again.status == 0 or "416" in again.text  # curl calls it an error, and leaves the file as it is
    assert to.read_bytes() == content
    more = settled(house, token, 1)[:-1]
    assert not more or (program is ARIA2 and more[0]["end"] == "gone")


def test_eight_connections_are_one_download(house: House, someone: tuple[str, str, Terminal]) -> None:
    content = secrets.token_bytes(2 * BIG)
    each = house.publish({"big.bin": content})
    account, token, terminal = someone
    house.accept(token, each)
    for number in range(2):
        to = terminal.folder / str(number) / "big.bin"
        to.parent.mkdir()
        assert terminal.types(ARIA2.fetch(address(house.url, each, "big.bin"), str(to))).status == 0
        assert to.read_bytes() == content
    fetches = settled(house, token, 2)
    assert [fetch["path"] for fetch in fetches] == ["big.bin"] * 2
    assert max(fetch["parts"] for fetch in fetches) > 1
    assert {fetch["end"] for fetch in fetches} == {"complete"}
    with house.gateway.client(house.gateway.token) as operator:
        found = operator.get("/v1/operator/holders", params={"subject": each.name}).json()
    (holder,) = found["items"]
    assert (holder["account"], holder["fetches"]) == (account, 2)


def test_a_version_is_fetched_by_its_lists(house: House, someone: tuple[str, str, Terminal]) -> None:
    files = {
        "readme first.txt": secrets.token_bytes(8), "人脸/é #?.bin": secrets.token_bytes(70_000),
        "-dash/'quoted' \"name\".txt": secrets.token_bytes(9), "out=x/~home.txt": secrets.token_bytes(10),
    }  # fmt: skip
    each = house.publish({**files, "gone.txt": secrets.token_bytes(11)})
    _, token, terminal = someone
    house.accept(token, each)
    house.stops("withholdings", f"{each.name}@main:gone.txt")
    for name in ("SHA256SUMS", "aria2.txt", "urls.txt"):
        got = terminal.types(
            ["curl", "-sS", "--fail", "--netrc", "-O", f"{house.url}/v1/assets/{each.name}/versions/main/{name}"]
        )
        assert got.status == 0, got.text
        text = (terminal.folder / name).read_text()
        assert "gone.txt" not in text
        assert token not in text
    assert f"/versions/{each.version}/" in (terminal.folder / "urls.txt").read_text()

    assert terminal.types(["aria2c", "--no-conf", "-q", "-i", "aria2.txt", "-d", "by-aria2"]).status == 0
    wget = ["wget", "-nv", "-x", "-nH", "--cut-dirs=7", "-P", "by-wget", "-i", "urls.txt"]
    assert terminal.types(wget).status == 0
    for folder in ("by-aria2", "by-wget"):
        there = tree(terminal.folder / folder)
        assert there == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        checked = terminal.types(["sh", "-c", f"cd {folder} && sha256sum --strict -c ../SHA256SUMS"])
        assert (checked.status, checked.text.count(": OK")) == (0, len(files))


def test_no_name_leads_out_of_the_folder(house: House, someone: tuple[str, str, Terminal]) -> None:
    names = ["%2e%2e/%2e%2e/a.txt", "%2e%2e%2f%2e%2e%2fb.txt", "%252e%252e/c.txt", "%2Fetc%2Fd", "~/e.txt", "$HOME/f"]
    each = house.publish({name: secrets.token_bytes(8) for name in names})
    _, token, terminal = someone
    house.accept(token, each)
    within = terminal.folder / "a" / "b" / "c"
    within.mkdir(parents=True)
    for name in ("aria2.txt", "urls.txt"):
        url = f"{house.url}/v1/assets/{each.name}/versions/main/{name}"
        assert terminal.types(["curl", "-sS", "--fail", "--netrc", "-o", f"a/{name}", url]).status == 0
    assert terminal.types(["aria2c", "--no-conf", "-q", "-i", "a/aria2.txt", "-d", "a/b/c/by-aria2"]).status == 0
    wget = ["wget", "-nv", "-x", "-nH", "--cut-dirs=7", "-P", "a/b/c/by-wget", "-i", "a/urls.txt"]
    assert terminal.types(wget).status == 0
    assert set(tree(within / "by-aria2")) == set(names)
    assert len(tree(within / "by-wget")) == len(names)  # wget reads percent signs in names; it stays in its folder
    outside = {path for path in tree(terminal.folder) if not path.startswith("a/b/c/")}
    assert outside - {".wget-hsts"} == {".netrc", "a/aria2.txt", "a/urls.txt"}


def test_lists_are_for_those_who_accepted(house: House, someone: tuple[str, str, Terminal]) -> None:
    each = house.publish(fresh())
    _, _, terminal = someone
    for name in ("SHA256SUMS", "aria2.txt", "urls.txt"):
        refused(WGET, terminal, f"{house.url}/v1/assets/{each.name}/versions/main/{name}", 403, "accept its terms")


def test_the_bytes_at_an_address_stay_when_a_new_version_is_released(
    house: House, someone: tuple[str, str, Terminal]
) -> None:
    first = fresh()
    each = house.publish(first)
    _, token, terminal = someone
    house.accept(token, each)
    pinned = address(house.url, each, "table.csv", each.version)
    house.publish({**first, "table.csv": b"9,z\n"}, base=each)
    for name, url, content in (
        ("old.csv", pinned, first["table.csv"]),
        ("new.csv", address(house.url, each, "table.csv"), b"9,z\n"),
    ):
        assert terminal.types(CURL.fetch(url, str(terminal.folder / name))).status == 0
        assert (terminal.folder / name).read_bytes() == content


def tree(folder: Path) -> Mapping[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
