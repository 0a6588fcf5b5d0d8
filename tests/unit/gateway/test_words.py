"""English and Chinese are equals: the same keys, the same names to fill, and every refusal has its words."""

from __future__ import annotations

import string
import tomllib
from http import HTTPStatus

import pytest

from catalog.vocabulary import Reason
from gateway.web.errors import STATUS_OF_REASON
from gateway.web.refusals import Refusal
from gateway.web.words import FILES, LOCALE, flat, preferred, words_for


def sentences(language: str) -> dict[str, str]:
    return flat(tomllib.loads((LOCALE / FILES[language]).read_text(encoding="utf-8")))


def test_both_languages_have_the_same_keys() -> None:
    assert sentences("en").keys() == sentences("zh").keys()


def test_both_languages_fill_the_same_names() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    zh = sentences("zh")
    assert [key for key, text in sentences("en").items() if names(text) != names(zh[key])] == []


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.GRANTED}))
def test_every_reason_to_refuse_has_a_status_and_words(reason: Reason) -> None:
    assert reason in STATUS_OF_REASON
    assert {f"error.{reason.value}.title", f"error.{reason.value}.detail"} <= sentences("en").keys()


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("fr, zh;q=0.5", "zh"), ("en;q=0.2, zh;q=0.7", "zh"), ("q", "en")],
)
def test_the_language_is_the_one_the_visitor_prefers(header: str, language: str) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize(
    ("language", "roles", "scope"), [("en", "Publisher or Operator", "publish"), ("zh", "发布者或管理员", "发布")]
)
def test_what_an_account_or_a_token_lacks_is_named(language: str, roles: str, scope: str) -> None:
    words, params = words_for(language), {"roles": "publisher operator", "scope": "publish"}
    told = {
        code: Refusal(HTTPStatus.FORBIDDEN, code, params).detail(words) for code in ("role-missing", "scope-missing")
    }
    assert roles in told["role-missing"]
    assert scope in told["scope-missing"]
