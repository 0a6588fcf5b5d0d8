"""Every error the catalogue raises on purpose. Each has a code, and a hint that says what to do next.

CatalogError
├── CatalogUnavailable    the catalogue cannot be read or written now
├── Denied                a decision was "no"; carries the Decision
├── NotFound              nothing of that name is there for this actor
├── Conflict              the request does not fit the present state
├── Invalid               the request itself is wrong; names the fields
└── TooMany               a limit of the policy was reached
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.vocabulary import Decision


class CatalogError(Exception):
    """The family; `code` is stable and goes to clients, `params` fill the sentence of the caller's language."""

    code = "error"

    def __init__(self, code: str | None = None, /, **params: str) -> None:
        self.code = code or self.code
        self.params: Mapping[str, str] = params
        super().__init__(self.code if not params else f"{self.code}: {params}")


class CatalogUnavailable(CatalogError):
    """The catalogue cannot be asked; nothing may be served on the strength of it."""

    code = "state-unavailable"


class Denied(CatalogError):
    """A decision was "no"."""

    code = "denied"

    def __init__(self, decision: Decision, /, **params: str) -> None:
        self.decision = decision
        super().__init__(decision.reason.value, **params)


class NotFound(CatalogError):
    """Absent, a draft, or not visible to this actor: the three look the same."""

    code = "not-found"


class Conflict(CatalogError):
    """The request does not fit the present state."""

    code = "conflict"


class Invalid(CatalogError):
    """The request is wrong. `fields` names each wrong field and why, in codes."""

    code = "invalid"

    def __init__(self, fields: Mapping[str, str], code: str | None = None, /) -> None:
        self.fields = dict(fields)
        super().__init__(code, fields=", ".join(f"{name} ({why})" for name, why in self.fields.items()))


class TooMany(CatalogError):
    """A limit of the policy was reached; it frees itself with time."""

    code = "too-many"
