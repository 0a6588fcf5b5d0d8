"""The head of a card: read as plain JSON, and refused rather than trusted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.policy.card import MAX_HEAD, BadFrontMatter, read, split, told


def test_the_head_is_read_and_the_rest_is_what_people_see() -> None:
    card = "---\nlicense: cc-by-4.0\nlanguage: [en, zh]\n---\n# Faces\n\n---\nnot a head\n"
    assert read(card) == {"license": "cc-by-4.0", "language": ["en", "zh"]}
    assert split(card)[1] == "# Faces\n\n---\nnot a head\n"


@pytest.mark.parametrize("card", ["", "# Faces\n", "--- \n---\n# x", "---\r\n---\r\nx", "# x\n---\na: b\n---\n"])
def test_a_card_without_keys_says_nothing(card: str) -> None:
    assert read(card) == {}


def test_what_yaml_makes_of_words_comes_out_as_json() -> None:
    found = read("---\nday: 2026-01-02\nnan: .nan\n1: one\nyes_: yes\nset: !!set {a, b}\n---\n")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["day"] == "2026-01-02"
    assert found["1"] == "one"


@pytest.mark.parametrize(
    "head",
    [
        "a: &x [1]\nb: *x",
        "a: !!python/object/apply:os.system ['true']",
        "a: [",
        "- a list",
        "just words",
        "a: 2026-13-45",
        "a: " + "[" * 2000,
        "a: " + "[" * 40 + "]" * 40,
        "a: " + "x" * MAX_HEAD,
        "a: \x00",
    ],
)
def test_what_cannot_be_trusted_is_refused_and_an_old_one_says_nothing(head: str) -> None:
    card = f"---\n{head}\n---\n# x"
    with pytest.raises(BadFrontMatter):
        read(card)
    assert told(card) == {}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(head: str) -> None:
    assert isinstance(told(f"---\n{head}\n---\n"), dict)
