"""A gateway with something of everything, and a browser that writes down whatever it should not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.gateways import Gateway
from tests.machines import Machine

PICTURES = Path(__file__).parents[2] / "gateway" / "demo" / "pictures"
PASSWORD = "correct horse battery staple"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg/onload=alert(3)>",
    "[click](javascript:alert(4))",
    "<a href='data:text/html,<script>alert(5)</script>'>x</a>",
    "![p](https://foreign.example/track.png)",
    "<style>@import url(https://foreign.example/x.css)</style>",
    "{{ 7*7 }} ${alert(6)} '-alert(7)-'",
)


@dataclass
class Site:
    """A serving gateway; `held` and `hostile` are assets, `case` a complaint that names hostile things."""

    gateway: Gateway
    version: str
    notice: str = ""
    case: str = ""
    recall: str = ""  # of demo/recalled, which the reader has fetched
    draft: str = ""  # of demo/draft, with a warrant that lacks most
    task: str = ""  # for the publisher of demo/derived, which was made from it

    def url(self, path: str) -> str:
        return self.gateway.url + path


@dataclass
class Watched:
    """What a page did that it must not do."""

    site: Site
    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> Page:
        def dialog(shown: object) -> None:
            self.dialogs.append(str(shown))

        page.on("dialog", dialog)
        page.on("request", lambda request: self._requested(request.url))
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _requested(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.site.gateway.url).netloc:
            self.foreign.append(url)

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "status of 4" not in text:  # the console also notes each 404 and 451
            self.complaints.append(text)

    def nothing(self) -> None:
        assert self.dialogs == []
        assert self.foreign == []
        assert self.complaints == []


def person(gateway: Gateway, name: str, role: str) -> None:
    gateway.run("account", "create", name, "--role", role, "--password-stdin", stdin=f"{PASSWORD}\n")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    gateway = Gateway(folder / "data")
    for name, role in (
        ("reader", "researcher"),
        ("guessed", "researcher"),
        ("keeper", "operator"),
        ("second", "operator"),
    ):
        person(gateway, name, role)
    gateway.terms(folder, text="# Research use\n\n1. Be kind.\n2. Identify nobody.\n")
    faces = folder / "faces"
    faces.mkdir()
    for picture in ("grace_hopper.jpg", "astronaut.png"):
        Image.open(PICTURES / picture).convert("RGB").save(faces / f"{Path(picture).stem}.jpg")
    (faces / "README.md").write_text("# Street faces\n\nTwo portraits.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "utf-8")
    version = gateway.publish(faces, "demo/street-faces", "--tag", "v1", "--wait-previews")
    hostile = folder / "hostile"
    hostile.mkdir()
    (hostile / "README.md").write_text("\n\n".join(HOSTILE), encoding="utf-8")
    (hostile / "<img src=x onerror=alert(8)>.txt").write_text("x", encoding="utf-8")
    title = {"en": HOSTILE[0] + HOSTILE[1], "zh": HOSTILE[2]}
    gateway.publish(hostile, "demo/hostile", title=title, source=HOSTILE[1], contact=HOSTILE[0])
    held = folder / "held"
    held.mkdir()
    (held / "one.txt").write_text("x", encoding="utf-8")
    gateway.publish(held, "demo/held")
    gateway.publish(held, "demo/minors", **{"persons": "minors", "class": "minor"})
    draft = folder / "draft.toml"
    draft.write_text('title = { en = "Draft", zh = "草稿" }\nclass = "face"\n', encoding="utf-8")
    gateway.run(
        "publish", "dataset", "demo/draft", str(held), "--terms", "research-use", "--warrant", str(draft), status=1
    )
    with gateway.serving():
        made = Site(gateway, version)
        made.draft = str(json.loads(gateway.run("draft", "show", "demo/draft", "--json"))["id"])
        _complain_and_hold(made)
        _call_back(made, folder)
        yield made


def _call_back(site: Site, folder: Path) -> None:
    """A set that the reader fetched and a set made from it; one item of the first is withheld, then its version."""
    gateway = site.gateway
    pictures = folder / "recalled"
    pictures.mkdir()
    for name in ("one.txt", "two.txt"):
        (pictures / name).write_text(name, encoding="utf-8")
    version = gateway.publish(pictures, "demo/recalled")
    derived = folder / "derived"
    derived.mkdir()
    (derived / "weights.txt").write_text("weights", encoding="utf-8")
    gateway.publish(derived, "demo/derived", derived_from=[f"demo/recalled@{version}"])
    token = gateway.run("token", "create", "reader")
    gateway.accept(token, "demo/recalled").raise_for_status()
    with gateway.client(token) as client:
        machine = Machine(client, "reader", "the laboratory's server")
        machine.register().raise_for_status()
        for path in ("files/one.txt", "archive.tar"):
            client.get(f"/v1/assets/demo/recalled/versions/main/{path}").raise_for_status()
        with gateway.client(gateway.token) as operator:
            item = {"subject": "demo/recalled@main:one.txt", "reason": "rights_complaint", "case": site.case}
            site.recall = operator.post("/v1/operator/withholdings", json=item).raise_for_status().json()["notice"]
            site.task = operator.get("/v1/operator/tasks").json()["items"][0]["id"]
            whole = {"subject": f"demo/recalled@{version}", "reason": "licence"}
            operator.post("/v1/operator/revocations", json=whole).raise_for_status()
        first, _ = machine.read()
        machine.answer(first, ["modified"]).raise_for_status()


def _complain_and_hold(site: Site) -> None:
    complaint = {
        "name": HOSTILE[0],
        "contact": HOSTILE[1],
        "request": "\n".join(HOSTILE),
        "kind": "self",
        "links": ["https://foreign.example/picture.jpg", "javascript:alert(9)"],
        "asset": "demo/hostile",
        "items": ["<img src=x onerror=alert(8)>.txt", {"version": "main", "preview": 1}],
    }
    with site.gateway.client() as client:
        site.case = client.post("/v1/complaints", json=complaint).json()["case"]
    stop = {"subject": "demo/held", "reason": "licence"}
    with site.gateway.client(site.gateway.token) as client:
        site.notice = client.post("/v1/operator/holds", json=stop).json()["notice"]
        client.post("/v1/operator/releases", json={"subject": "demo/held", "reason": "error"}).raise_for_status()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def watched(site: Site) -> Watched:
    return Watched(site)


def visit(browser: Browser, *, lang: str = "en", width: int = 1280, dark: bool = False) -> BrowserContext:
    """A visitor of their own: cookies, language, window."""
    return browser.new_context(
        viewport={"width": width, "height": 900},
        locale="zh-CN" if lang == "zh" else "en-GB",
        color_scheme="dark" if dark else "light",
    )


def sign_in(page: Page, site: Site, name: str) -> None:
    page.goto(site.url("/sign-in"))
    page.fill("#f-name", name)
    page.fill("#f-password", PASSWORD)
    page.click("main button")
    page.wait_for_url(site.url("/"))
