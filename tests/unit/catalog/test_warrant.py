"""The warrant: every gap has a name, minors are never talked away, and what is read can be written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Wrong
from catalog.policy.warrant import KEYS, PARENT, as_dict, read, stored
from catalog.vocabulary import DataClass, LawfulBasis, Persons
from tests.builders import warrant

words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).filter(lambda text: bool(text.strip()))
warrants = st.fixed_dictionaries(
    {
        "title": st.fixed_dictionaries({"en": words, "zh": words}),
        "class": st.sampled_from([kept.value for kept in DataClass]),
        "lawful_basis": st.sampled_from([basis.value for basis in LawfulBasis]),
        "source": words,
        "persons": st.sampled_from([persons.value for persons in Persons]),
        "licence": st.sampled_from(["CC-BY-4.0", "cc0-1.0", "MIT OR Apache-2.0", "LicenseRef-our.own"]),
        "residency": st.sampled_from(["any", "CN", "DE"]),
        "contact": words,
        "pia": words,
        "derived_from": st.lists(st.from_regex(PARENT, fullmatch=True), max_size=3),
    }
)
values = (
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())
)


@given(warrants)
def test_a_warrant_is_written_back_as_it_was_read(raw: dict[str, object]) -> None:
    checked, wrong = read(raw)
    assert wrong == {}
    assert checked is not None
    assert set(as_dict(checked)) == KEYS
    assert read(as_dict(checked)) == (checked, {})
    assert stored(as_dict(checked)) == checked


@given(warrants, st.sampled_from([kept.value for kept in DataClass]))
def test_persons_minors_is_class_minor_whatever_else_is_said(raw: dict[str, object], override: str) -> None:
    checked, wrong = read({**raw, "persons": "minors"}, override)
    assert (checked is not None, wrong) == (True, {})
    assert checked is not None
    assert checked.data_class is DataClass.MINOR


@given(warrants, st.sampled_from([kept.value for kept in DataClass]))
def test_the_override_is_the_class_otherwise(raw: dict[str, object], override: str) -> None:
    checked, _ = read({**raw, "persons": "adults"}, override)
    assert checked is not None
    assert checked.data_class.value == override


@pytest.mark.parametrize("key", sorted(KEYS - {"title", "derived_from"}))
@pytest.mark.parametrize("gap", [None, ""])
def test_each_missing_key_is_named_as_missing(key: str, gap: object) -> None:
    absent = {kept: value for kept, value in warrant().items() if kept != key}
    for raw in (absent, warrant(**{key: gap})):
        assert read(raw) == (None, {key: "missing"})


@pytest.mark.parametrize("title", [None, {}, "Street faces", {"en": "", "zh": " "}])
def test_a_title_is_needed_in_both_languages(title: object) -> None:
    checked, wrong = read(warrant(title=title))
    assert checked is None
    assert set(wrong) == {"title.en", "title.zh"}


def test_an_empty_warrant_names_everything_that_a_warrant_needs() -> None:
    checked, wrong = read({})
    assert checked is None
    # Without a class the gravest is assumed, and that one needs an assessment.
    assert set(wrong) == (KEYS - {"title", "derived_from"}) | {"title.en", "title.zh"}


@pytest.mark.parametrize("data_class", DataClass)
def test_an_impact_assessment_is_needed_from_class_2_on(data_class: DataClass) -> None:
    checked, wrong = read(warrant(**{"class": data_class.value, "pia": None}))
    if data_class.level >= 2:
        assert (checked, wrong) == (None, {"pia": "missing"})
    else:
        assert checked is not None


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("class", "secret", Wrong.ONE_OF),
        ("class", "FACE", Wrong.ONE_OF),
        ("lawful_basis", "because", Wrong.ONE_OF),
        ("persons", "children", Wrong.ONE_OF),
        ("residency", "China", Wrong.RESIDENCY),
        ("residency", "cn", Wrong.RESIDENCY),
        ("residency", "ZZ", Wrong.RESIDENCY),
        ("licence", "free for friends", Wrong.LICENCE),
        ("licence", "CC-BY-9.9", Wrong.LICENCE),
        ("residency", "CN\n\n!", Wrong.RESIDENCY),
        ("derived_from", "demo/a@v1", Wrong.DERIVED_FROM),
        ("derived_from", ["demo/a"], Wrong.DERIVED_FROM),
        ("derived_from", [1], Wrong.DERIVED_FROM),
        ("source", 5, Wrong.NOT_TEXT),
        ("licence", ["CC0"], Wrong.NOT_TEXT),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, why: Wrong) -> None:
    assert read(warrant(**{key: value})) == (None, {key: why})


def test_a_misspelt_key_is_named_and_not_passed_over() -> None:
    checked, wrong = read(warrant(license="CC-BY-4.0"))
    assert checked is None
    assert wrong == {"license": "unknown-key"}


@given(st.dictionaries(st.sampled_from(sorted(KEYS)) | st.text(), values), st.none() | st.text())
def test_no_warrant_breaks_the_reading_and_none_passes_with_something_wrong(
    raw: dict[str, object], override: str | None
) -> None:
    checked, wrong = read(raw, override)
    assert (checked is None) is bool(wrong)


@given(warrants, st.sampled_from(sorted(KEYS)), values)
def test_what_passes_with_any_one_value_can_be_kept(raw: dict[str, object], key: str, value: object) -> None:
    checked, _ = read({**raw, key: value})
    if checked is not None:
        assert read(as_dict(checked)) == (checked, {})
