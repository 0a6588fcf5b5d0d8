"""What must be vouched for before a version may be released. What is missing or wrong is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from catalog.errors import Flaw, Wrong
from catalog.policy.countries import COUNTRIES
from catalog.vocabulary import DataClass, LawfulBasis, Persons, Title, Warrant

E = TypeVar("E", bound=StrEnum)

PARENT = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+@[A-Za-z0-9._-]+")  # ns/name@version

KEYS = frozenset(
    ["title", "class", "lawful_basis", "source", "persons", "licence", "residency", "contact", "pia", "derived_from"],
)
SENSITIVE = 2  # the level from which a privacy impact assessment is required


def read(raw: Mapping[str, object], class_override: str | None = None) -> tuple[Warrant | None, dict[str, Flaw]]:
    """Read a warrant's keys. Gives (warrant, {}) or (None, what is wrong by key)."""
    wrong: dict[str, Flaw] = {key: Flaw(Wrong.UNKNOWN_KEY) for key in raw if key not in KEYS}

    def text(key: str, value: object) -> str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        wrong.setdefault(key, Flaw(Wrong.MISSING if value in (None, "") else Wrong.NOT_TEXT))
        return ""

    def one_of(kind: type[E], key: str, value: object, fallback: E) -> E:
        word = text(key, value)
        if word in {str(member) for member in kind}:
            return kind(word)
        wrong.setdefault(key, Flaw(Wrong.ONE_OF, values=", ".join(kind)))
        return fallback

    title = raw.get("title")
    titles = title if isinstance(title, Mapping) else {}
    data_class = one_of(DataClass, "class", class_override or raw.get("class"), DataClass.MINOR)
    persons = one_of(Persons, "persons", raw.get("persons"), Persons.UNKNOWN)
    if persons is Persons.MINORS:
        data_class = DataClass.MINOR
    pia = raw.get("pia")
    if data_class.level >= SENSITIVE:
        pia = text("pia", pia)
    residency = text("residency", raw.get("residency"))
    if residency and residency != "any" and residency not in COUNTRIES:
        wrong.setdefault("residency", Flaw(Wrong.RESIDENCY))
    licence = text("licence", raw.get("licence"))
    try:
        licence = canonicalize_license_expression(licence) if licence else licence
    except InvalidLicenseExpression:
        wrong.setdefault("licence", Flaw(Wrong.LICENCE))
    parents = raw.get("derived_from", [])
    if not isinstance(parents, list) or not all(
        isinstance(parent, str) and PARENT.fullmatch(parent) for parent in parents
    ):
        wrong["derived_from"] = Flaw(Wrong.DERIVED_FROM)
        parents = []
    warrant = Warrant(
        title=Title(en=text("title.en", titles.get("en")), zh=text("title.zh", titles.get("zh"))),
        data_class=data_class,
        lawful_basis=one_of(LawfulBasis, "lawful_basis", raw.get("lawful_basis"), LawfulBasis.OTHER_LAW),
        source=text("source", raw.get("source")),
        persons=persons,
        licence=licence,
        residency=residency,
        contact=text("contact", raw.get("contact")),
        pia=pia if isinstance(pia, str) and pia else None,
        derived_from=tuple(parents),
    )
    return (None, wrong) if wrong else (warrant, {})


def stored(raw: Mapping[str, Any]) -> Warrant:
    """What `as_dict` gave, as it was vouched for: rules that have become stricter since do not unsay it."""
    return Warrant(
        title=Title(en=raw["title"]["en"], zh=raw["title"]["zh"]),
        data_class=DataClass(raw["class"]),
        lawful_basis=LawfulBasis(raw["lawful_basis"]),
        source=raw["source"],
        persons=Persons(raw["persons"]),
        licence=raw["licence"],
        residency=raw["residency"],
        contact=raw["contact"],
        pia=raw["pia"],
        derived_from=tuple(raw["derived_from"]),
    )


def as_dict(warrant: Warrant) -> dict[str, object]:
    """The warrant's keys as a publisher writes them; `read` gives the same warrant back."""
    return {
        "title": {"en": warrant.title.en, "zh": warrant.title.zh},
        "class": warrant.data_class.value,
        "lawful_basis": warrant.lawful_basis.value,
        "source": warrant.source,
        "persons": warrant.persons.value,
        "licence": warrant.licence,
        "residency": warrant.residency,
        "contact": warrant.contact,
        "pia": warrant.pia,
        "derived_from": list(warrant.derived_from),
    }
