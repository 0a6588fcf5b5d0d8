"""The whole story in the pages, with the keyboard alone: sign up, accept, fetch; complain; withhold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PASSWORD, Site, Watched, visit
from tests.browser.test_every_page import found_by_axe

pytestmark = pytest.mark.needs("chromium")

MAX_TABS = 150
ASSET = "demo/street-faces"


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus; it must be reached."""
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab on {page.url}")


def type_into(page: Page, selector: str, text: str) -> None:
    tab_to(page, selector)
    page.keyboard.type(text)


def press(page: Page, selector: str, key: str = "Enter") -> None:
    """Go there by Tab and press; waits for the page that follows."""
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_researcher_signs_up_accepts_and_fetches(browser: Browser, site: Site, watched: Watched) -> None:
    with visit(browser) as context:
        page = watched.follow(context.new_page())
        page.goto(site.url("/"))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        press(page, ".card a[href='/assets/demo/street-faces']")
        press(page, f".access a[href='/assets/{ASSET}/terms']")
        press(page, "#content .panel a[href^='/sign-in']")
        press(page, "main a[href^='/sign-up']")
        type_into(page, "#f-name", "Ada")
        type_into(page, "#f-email", "not an address")
        # The browser would keep this form back by itself: here the server's own answer is wanted.
        page.evaluate("document.querySelector('form.panel').noValidate = true")
        type_into(page, "#f-phone", "138 0013 8000")
        type_into(page, "#f-password", PASSWORD)
        press(page, "form.panel button")
        assert page.get_by_text("This is not an e-mail address").is_visible()
        assert page.input_value("#f-name") == "Ada"
        assert page.input_value("#f-password") == ""
        tab_to(page, "#f-email")
        page.keyboard.press("Control+a")
        page.keyboard.type("ada@example.org")
        type_into(page, "#f-password", PASSWORD)
        press(page, "form.panel button")
        assert page.url == site.url(f"/assets/{ASSET}/terms")
        assert not page.is_checked("[name=agree]")
        type_into(page, "#f-purpose", "face detection, a thesis")
        tab_to(page, "[name=agree]")
        page.keyboard.press("Space")
        press(page, "form button:not(.quiet)")
        assert page.get_by_text("your acceptance is recorded").is_visible()
        press(page, "a[href='/account#tokens']")
        press(page, "form.panel button")
        assert found_by_axe(page) == []
        token = page.inner_text(".secret code")
        page.goto(site.url("/account"))
        assert token not in page.content()
        assert page.get_by_text("face detection, a thesis").is_visible()
    with site.gateway.client(token) as client:
        got = client.get(f"/v1/assets/{ASSET}/versions/main/files/astronaut.jpg")
        assert got.status_code == 200
        assert got.headers["content-type"] == "image/jpeg"
    watched.nothing()


def test_a_person_complains_and_an_operator_withholds_the_picture(
    browser: Browser, site: Site, watched: Watched
) -> None:
    with visit(browser, lang="zh", width=360) as context:
        page = watched.follow(context.new_page())
        page.goto(site.url(f"/assets/{ASSET}"))
        press(page, "[href$='preview=1']")
        assert page.input_value("#f-asset") == ASSET
        assert page.input_value("#f-preview") == "1"
        assert page.locator(".named img").evaluate("image => image.naturalWidth") > 0
        tab_to(page, "[name=kind]")
        page.keyboard.press("Space")
        type_into(page, "#f-request", "这是我，请移除。")
        type_into(page, "#f-name", "王小明")
        type_into(page, "#f-contact", "wang@example.org")
        press(page, "form.panel button")
        assert found_by_axe(page) == []
        case, secret = (text.strip() for text in page.locator(".keep code").all_inner_texts())
        assert secret not in page.url
        press(page, f"a[href='/complaints/{case}']")
        assert page.input_value("#f-case") == case
        type_into(page, "#f-secret", "wrong")
        press(page, "form.panel button")
        assert page.get_by_role("alert").is_visible()
        type_into(page, "#f-secret", secret)
        press(page, "form.panel button")
        assert page.get_by_text("待处理").is_visible()
        assert found_by_axe(page) == []

    with visit(browser) as context:
        page = watched.follow(context.new_page())
        page.goto(site.url("/operator"))
        type_into(page, "#f-name", "keeper")
        type_into(page, "#f-password", PASSWORD)
        press(page, "form.panel button")
        assert page.url == site.url("/operator")
        press(page, f"a[href='/operator/complaints/{case}']")
        assert not page.get_by_text("王小明").is_visible()
        press(page, "[name=act][value=withhold]")
        assert page.get_by_text("This cannot be undone").is_visible()
        press(page, "main form button")
        assert re.fullmatch(r"[\d.]+ ms", page.locator(".figures dd").first.inner_text())
        assert found_by_axe(page) == []
        page.goto(site.url(f"/assets/{ASSET}"))
        assert page.locator(".tiles li").first.inner_text().startswith("Taken out")
        assert page.locator(".tiles img").count() == 1
        assert "王小明" not in page.content()

    with site.gateway.client() as client:
        record = client.get(f"/v1/complaints/{case}", auth=(case, secret)).json()
        assert record["state"] == "upheld"
        notice = client.get(f"/notices/{record['acts'][0]['notice']}", headers={"accept": "text/html"})
        assert notice.headers["content-type"].startswith("text/html")
        assert "王小明" not in notice.text
        assert case not in notice.text
    watched.nothing()


def test_a_release_waits_for_a_second_person(browser: Browser, site: Site) -> None:
    with visit(browser) as context:
        page = context.new_page()
        page.goto(site.url("/operator/holds"))
        type_into(page, "#f-name", "second")
        type_into(page, "#f-password", PASSWORD)
        press(page, "form.panel button")
        press(page, "[name=act][value=confirm]")
        press(page, "main form button")
        assert page.get_by_role("heading", name="Released").is_visible()
        page.goto(site.url("/assets/demo/held"))
        assert page.get_by_role("heading", level=1).inner_text() == "Street faces"
