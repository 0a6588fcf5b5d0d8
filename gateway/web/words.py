"""The words of the interface, in English and Chinese as equals.

Each language is a TOML file of keys in locale/; a sentence may have {names} to fill. A key that is
missing is an error, never an empty page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import HTTPConnection

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "zh")
FILES = {"en": "en.toml", "zh": "zh_CN.toml"}
HTML_LANG = {"en": "en", "zh": "zh-CN"}
COOKIE = "lang"


class Words:
    """One language's sentences: `words("catalogue.title")`, `words("error.held", since="…")`."""

    def __init__(self, language: str, sentences: Mapping[str, str]) -> None:
        self.language = language
        self.html_lang = HTML_LANG[language]
        self._sentences = sentences

    def __call__(self, key: str, /, **params: object) -> str:
        return self._sentences[key].format_map(params) if params else self._sentences[key]

    def __contains__(self, key: str) -> bool:
        return key in self._sentences

    def all_keys(self) -> frozenset[str]:
        return frozenset(self._sentences)

    def pick(self, *, en: str, zh: str) -> str:
        """Of a text that exists in both languages, the one to show."""
        return zh if self.language == "zh" else en


@cache
def words_for(language: str) -> Words:
    tree = tomllib.loads((LOCALE / FILES[language]).read_text(encoding="utf-8"))
    return Words(language, flat(tree))


def flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested tables → dotted keys."""
    found: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = str(value)
    return found


def language_of(request: HTTPConnection) -> str:
    """The visitor's choice (cookie), else the first of ours in Accept-Language, else English."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> str:
    """RFC 9110 §12.5.4: the language of ours with the highest weight; a tie goes to the one named first."""
    best, best_weight = "en", 0.0
    for part in accept_language[:500].split(","):
        tag, _, q = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(q.strip().removeprefix("q=")) if q else 1.0
        except ValueError:
            weight = 0.0
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best
