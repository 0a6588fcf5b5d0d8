"""The head of a card: read as plain JSON, and refused rather than trusted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.policy.card import MAX_HEAD, complete, doubts, read, split, told, with_packed, without_packed
from catalog.policy.warrant import read as read_warrant
from catalog.vocabulary import Warrant
from tests.builders import warrant


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
    with pytest.raises(Invalid):
        read(card)
    assert told(card) == {}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(head: str) -> None:
    assert isinstance(told(f"---\n{head}\n---\n"), dict)


def vouched(**keys: object) -> Warrant:
    found, wrong = read_warrant(warrant(**keys))
    assert found is not None, wrong
    return found


def test_what_the_head_lacks_is_added_and_what_it_says_is_kept() -> None:
    card = "---\n# by hand\nlanguage: [en]\npretty_name: My faces\n---\n# Faces\n"
    made = complete(card, vouched(), "research-use")
    assert made.startswith("---\n# by hand\nlanguage: [en]\npretty_name: My faces\n")
    assert made.endswith("---\n# Faces\n")
    assert read(made)["license"] == "cc-by-4.0"
    assert read(made)["pretty_name"] == "My faces"
    assert "research-use" in str(read(made)["extra_gated_prompt"])
    assert complete(made, vouched(), "research-use") == made


@pytest.mark.parametrize("card", ["# Faces\n", "", "---\n---\n# Faces", "---\nextra_gated_prompt:\n---\r\nx"])
def test_a_card_is_completed_once_and_its_text_stays(card: str) -> None:
    made = complete(card, vouched(), "t")
    assert split(made)[1] == split(card)[1]
    assert read(made).items() >= read(card).items()
    assert complete(made, vouched(), "t") == made


def test_a_licence_of_ones_own_is_written_by_its_name() -> None:
    made = read(complete("# x", vouched(licence="LicenseRef-Lab-1"), "t"))
    assert (made["license"], made["license_name"]) == ("other", "lab-1")
    both = read(complete("# x", vouched(licence="MIT OR Apache-2.0"), "t"))
    assert (both["license"], both["license_name"]) == ("other", "mit or apache-2.0")


def test_a_head_in_one_pair_of_braces_cannot_be_completed() -> None:
    with pytest.raises(Invalid):
        complete("---\n{language: en}\n---\n", vouched(), "t")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("license: CC-BY-4.0", []),
        ("license: [mit, cc-by-4.0]", []),
        ("license: other\nlicense_name: CC-BY-4.0", []),
        ("license: mit", ["licence-differs"]),
        ("license: other", ["licence-differs"]),
        ("configs: [{data_files: 'data/*.parquet'}]", []),
        ("configs: [{data_dir: data, data_files: [{split: train, path: ['a.parquet']}]}]", []),
        ("configs: [{data_files: {train: './data/a.parquet', test: 'hf://x/y'}}]", []),
        ("configs: [{data_files: {train: data/none.parquet}}]", ["config-without-files"]),
        ("configs: nonsense", []),
    ],
)
def test_what_differs_from_the_warrant_and_the_files_is_doubted(head: str, found: list[str]) -> None:
    assert doubts(f"---\n{head}\n---\n", vouched(), ["data/a.parquet"]) == found


def test_shards_become_the_default_configuration_of_a_card_that_has_none() -> None:
    globs = {"train": "__packed__/train-*.tar", "test": "__packed__/test-*.tar"}
    config = {
        "config_name": "packed",
        "data_files": [{"split": split, "path": glob} for split, glob in globs.items()],
        "default": True,
    }
    for card in ("", "# Faces\n", "---\nlanguage: zh  # a remark\n---\n# 人脸\n"):
        made = with_packed(card, globs)
        assert made is not None
        assert read(made) == {**read(card), "configs": [config]}
        assert split(made)[1] == split(card)[1]
        assert doubts(made, vouched(), ["__packed__/train-00000-0.tar", "__packed__/test-00001-0.tar"]) == []
        assert doubts(made, vouched(), ["a.jpg"]) == ["config-without-files"]
    assert "a remark" in str(with_packed("---\nlanguage: zh  # a remark\n---\n", globs))
    assert with_packed("---\nconfigs:\n- config_name: mine\n---\n", globs) is None
    assert with_packed("---\nconfigs: []\n---\n", globs) is None


@pytest.mark.parametrize("card", ["", "# A\n", "---\nlanguage: zh  # a remark\n---\n# A\n", "---\n\n---\n"])
def test_the_packed_configuration_is_taken_back_wherever_it_stands(card: str) -> None:
    made = with_packed(card, {"train": "p/train-*.tar", "test": "p/test-*.tar"})
    assert made is not None
    assert (read(without_packed(made)), split(without_packed(made))[1]) == (read(card), split(card)[1])
    head, rest = split(made)
    below = f"---\n{head}\nlicense: mit\n---\n{rest}"
    assert read(without_packed(below)) == {**read(card), "license": "mit"}


@pytest.mark.parametrize(
    "head",
    [
        "configs:\n- config_name: mine\n  data_files: a.csv",
        "configs:\n- {config_name: packed, data_files: p/*.tar}",  # written by hand: it stays
        "configs:\n- config_name: packed\n  default: true\n- config_name: mine",
        "configs: packed",
        "language: zh",
    ],
)
def test_what_a_publisher_wrote_stays(head: str) -> None:
    card = f"---\n{head}\n---\n# A\n"
    assert without_packed(card) == card
