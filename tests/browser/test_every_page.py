"""What holds on every page: nothing for axe to find, no sideways scrolling, no foreign request, no dialog."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, Watched, sign_in, visit

pytestmark = pytest.mark.needs("chromium")

PHONE = 360
TAGS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def public(site: Site) -> list[str]:
    return [
        "/",
        "/?q=nothing-of-that-name",
        "/assets/demo/street-faces",
        "/assets/demo/hostile",
        "/assets/demo/held",
        "/assets/demo/derived",
        "/assets/demo/street-faces/terms",
        f"/complaints/new?asset=demo/street-faces&version={site.version}&preview=1",
        "/complaints",
        "/sign-in",
        "/sign-up",
        "/privacy",
        "/problems/terms-required",
        "/problems/warrant-incomplete",
        f"/notices/{site.notice}",
        "/no/such/page",
    ]


def of_reader(site: Site) -> list[str]:
    own = ["/account", f"/account/recalls/{site.recall}", "/device", "/device?code=BBBB-BBBB"]
    return [*own, "/assets/demo/street-faces/terms", "/operator"]


def of_operator(site: Site) -> list[str]:
    subject = quote("demo/street-faces")
    return [
        "/operator",
        "/operator?state=dismissed",
        f"/operator/complaints/{site.case}",
        "/operator/holds",
        "/operator/recalls",
        f"/operator/recalls/{site.recall}",
        f"/operator/recalls/{site.recall}?state=claimed",
        f"/operator/act?act=halt&subject=reader&recall={site.recall}",
        "/operator/tasks",
        f"/tasks/{site.task}",
        "/operator/accounts",
        "/operator/events",
        "/drafts",
        f"/drafts/{site.draft}",
        f"/operator/act?act=revoke&subject={subject}&reason=misuse",
    ]


def found_by_axe(page: Page) -> list[str]:
    result = Axe().run(page, options=TAGS)
    return [
        f"{page.url} {violation['id']}: {node['html'][:160]}"
        for violation in result.response["violations"]
        for node in violation["nodes"]
    ]


def check(page: Page, site: Site, paths: list[str], lang: str, who: str, artefacts: Path) -> list[str]:
    """Everything that is wrong on these pages; leaves a picture of each: wide in English, of a phone in Chinese."""
    wrong = []
    for number, path in enumerate(paths):
        page.goto(site.url(path))
        page.evaluate("for (const more of document.querySelectorAll('details')) more.open = true")
        if page.evaluate("document.documentElement.lang") != ("zh-CN" if lang == "zh" else "en"):
            wrong.append(f"{path} is in another language")
        wrong += found_by_axe(page)
        for width in (PHONE, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            seen = page.evaluate("document.documentElement.scrollWidth")
            if seen > width:
                wrong.append(f"{path} is {seen} wide on {width}")
        if lang == "zh":
            page.set_viewport_size({"width": PHONE, "height": 900})
        page.screenshot(path=artefacts / f"{lang}-{who}-{number:02}.png", full_page=True)
    return wrong


@pytest.fixture
def pictures(artefacts: Path) -> Path:
    folder = artefacts / "pages"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize(("lang", "dark"), [("en", False), ("zh", True)])
def test_pages_for_everyone_are_sound(
    browser: Browser, site: Site, watched: Watched, pictures: Path, lang: str, dark: bool
) -> None:
    with visit(browser, lang=lang, dark=dark) as context:
        page = watched.follow(context.new_page())
        assert check(page, site, public(site), lang, "public", pictures) == []
    watched.nothing()


@pytest.mark.parametrize(("lang", "dark"), [("en", True), ("zh", False)])
@pytest.mark.parametrize("who", ["reader", "keeper"])
def test_pages_behind_sign_in_are_sound(
    browser: Browser, site: Site, watched: Watched, pictures: Path, who: str, lang: str, dark: bool
) -> None:
    with visit(browser, lang=lang, dark=dark) as context:
        page = watched.follow(context.new_page())
        sign_in(page, site, who)
        paths = of_reader(site) if who == "reader" else of_operator(site)
        assert check(page, site, paths, lang, who, pictures) == []
    watched.nothing()


def test_the_language_switch_stays_on_the_page_and_is_remembered(browser: Browser, site: Site) -> None:
    with visit(browser) as context:
        page = context.new_page()
        page.goto(site.url("/assets/demo/street-faces?x=1"))
        page.get_by_role("button", name="中文").click()
        assert page.url == site.url("/assets/demo/street-faces?x=1")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.goto(site.url("/"))
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.get_by_role("button", name="English").click()
        assert page.evaluate("document.documentElement.lang") == "en"


def test_everything_works_without_javascript(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False, locale="en-GB") as context:
        page = context.new_page()
        sign_in(page, site, "reader")
        page.goto(site.url("/assets/demo/hostile/terms"))
        page.get_by_label("What will you use it for?").fill("to test <b>bold</b>")
        page.get_by_label("I have read").check()
        page.get_by_role("button", name="Accept the terms").click()
        assert page.url == site.url("/assets/demo/hostile?accepted=1")
        assert page.get_by_text("your acceptance is recorded").is_visible()
        page.goto(site.url("/account"))
        assert page.get_by_text("to test <b>bold</b>").is_visible()


def test_links_of_a_complaint_are_text_that_cannot_be_followed(browser: Browser, site: Site) -> None:
    with visit(browser) as context:
        page = context.new_page()
        sign_in(page, site, "keeper")
        page.goto(site.url(f"/operator/complaints/{site.case}"))
        assert page.get_by_text("hxxps://foreign[.]example/picture[.]jpg").count() == 1
        assert page.locator("main a[href*='foreign'], main a[href^='javascript'], main a[href^='data']").count() == 0


@pytest.mark.parametrize("name", ["demo/street-faces", "demo/hostile"])
def test_a_page_carries_its_record_for_machines_and_the_policy_lets_it_stand(
    browser: Browser, site: Site, watched: Watched, name: str
) -> None:
    with visit(browser) as context:
        page = watched.follow(context.new_page())
        page.goto(site.url(f"/assets/{name}"))
        (record,) = page.evaluate(
            "[...document.querySelectorAll('script[type=\"application/ld+json\"]')].map(s => JSON.parse(s.textContent))"
        )
        assert record["@type"] == "sc:Dataset"
        assert record["url"] == site.url(f"/assets/{name}")
        assert record["name"] == page.locator("h1").inner_text()
        address = page.locator("link[rel=alternate]").get_attribute("href")
        assert page.request.get(site.url(str(address))).json() == record
    watched.nothing()
