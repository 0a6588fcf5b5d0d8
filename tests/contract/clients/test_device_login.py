"""`hf auth login` opens our page: the person signs in here, allows it, and the client has its token."""

from __future__ import annotations

import configparser
import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from catalog.actions import credentials
from tests.contract.clients.people import Person
from tests.houses import House

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(house: House) -> Iterator[httpx2.Client]:
    """Signed in as a researcher of their own."""
    name = f"browser{time.monotonic_ns()}"
    house.gateway.run("account", "create", name, "--role", "researcher", "--password-stdin", stdin=PASSWORD)
    with httpx2.Client(base_url=house.url, headers={"origin": house.url}, timeout=30) as client:
        done = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert done.status_code == 303
        client.headers["x-name"] = name
        yield client


@contextlib.contextmanager
def device(person: Person, home: Path) -> Iterator[subprocess.Popen[str]]:
    """`hf auth login`, which prints an address and waits."""
    if person.client.hub < "1.25":
        pytest.skip("this client asks for a token instead")
    with subprocess.Popen(
        [person.programs / "hf", "auth", "login"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**person.environ, "HF_HOME": str(home), "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def shown(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The address and the code that it prints."""
    assert process.stdout is not None
    text = ""
    while "enter the code" not in text:
        line = process.stdout.readline()
        assert line, text
        text += line
    address = re.search(r"http\S+", text)
    code = re.search(r"enter the code:?\s+([A-Z-]+)", text)
    assert address is not None
    assert code is not None
    return address[0], code[1]


def allows(house: House, browser: httpx2.Client, address: str, code: str) -> None:
    """What the person sees and does in the browser, and what nobody else can do."""
    with httpx2.Client(base_url=house.url) as nobody:
        away = nobody.get(address)
        assert away.headers["location"] == f"/sign-in?next=/device%3Fcode%3D{code}"
    page = browser.get(address)
    assert "hf auth login" in page.text
    assert code in page.text
    allow = {"code": code, "scopes": ["read", "accept"], "answer": "allow"}
    assert browser.post("/device", data=allow, headers={"origin": "https://evil.example"}).status_code == 403
    assert browser.post("/device", data={**allow, "scopes": []}).status_code == 422
    assert browser.post("/device", data={**allow, "code": "BBBB-BBBB"}).status_code == 404
    assert "Signed in" in browser.post("/device", data=allow).text
    assert browser.post("/device", data=allow).status_code == 404, "once"


def test_a_person_allows_it_on_our_page_and_the_client_is_signed_in(
    person: Person, house: House, browser: httpx2.Client, tmp_path: Path
) -> None:
    with device(person, tmp_path) as process:
        address, code = shown(process)
        assert address == f"{house.url}/device?code={code}"
        allows(house, browser, address, code)
        process.communicate(timeout=60)
        assert process.returncode == 0
    kept = configparser.ConfigParser()
    kept.read(tmp_path / "stored_tokens")
    (entry,) = [kept[name] for name in kept.sections()]
    assert credentials.well_formed(entry["hf_token"])
    ran = person.runs("auth", "whoami", HF_HOME=str(tmp_path))
    assert ran.status == 0
    assert browser.headers["x-name"] in ran.text
    # When its time nears its end, the client renews it by itself, and the old secret is spent.
    entry["expires_at"] = str(int(time.time()) + 60)
    before = entry["hf_token"]
    with (tmp_path / "stored_tokens").open("w") as file:
        kept.write(file)
    assert person.runs("auth", "whoami", HF_HOME=str(tmp_path)).status == 0
    kept.read(tmp_path / "stored_tokens")
    assert entry["hf_token"] != before


def test_a_person_refuses_and_the_client_says_so(person: Person, browser: httpx2.Client, tmp_path: Path) -> None:
    with device(person, tmp_path) as process:
        _, code = shown(process)
        assert "Refused" in browser.post("/device", data={"code": code, "answer": "refuse"}).text
        output, _ = process.communicate(timeout=60)
        assert process.returncode != 0
    assert "denied" in output
    assert not (tmp_path / "token").exists()
