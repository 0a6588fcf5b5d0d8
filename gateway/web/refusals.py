"""What a refusal tells, before it takes the form that a client reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from catalog.errors import Flaw
from gateway.web.words import Words


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to tell: `code` is stable, `links` are members of the problem, `fields` name wrong input."""

    status: HTTPStatus
    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Flaw] = field(default_factory=dict)

    def title(self, words: Words) -> str:
        return words(f"error.{self.code}.title")

    def flaws(self, words: Words) -> dict[str, str]:
        """What is wrong with each field, said."""
        return {name: words(f"wrong.{flaw}", **flaw.params) for name, flaw in self.fields.items()}

    def detail(self, words: Words) -> str:
        known = {"asset": "", "notice": "", **self.params}
        if self.fields:
            known["fields"] = ", ".join(f"{name} ({why})" for name, why in self.flaws(words).items())
        if "roles" in self.params:
            known["roles"] = words("role.or").join(words(f"role.{role}") for role in self.params["roles"].split())
        if "scope" in self.params:
            known["scope"] = words(f"scope.{self.params['scope']}")
        return words(f"error.{self.code}.detail", **known)
