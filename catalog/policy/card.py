"""A card's front matter: the YAML between two lines of dashes at the head of README.md, read with care.

A card is written by a publisher and read by the server: no tags that make objects, no aliases (a few hundred bytes of
them unfold to gigabytes), a bound on its length; and what comes out is plain JSON, whatever YAML makes of a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import yaml

MAX_HEAD = 64 * 1024  # characters
MAX_DEPTH = 16
FENCE = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class BadFrontMatter(ValueError):
    """The head of a card cannot be read; says why."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package has no types
    """Safe, and without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise BadFrontMatter("it has an alias (*name): write the value out")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def split(card: str) -> tuple[str | None, str]:
    """The front matter's text, None when there is none, and what follows it: what people read."""
    found = FENCE.match(card)
    return (None, card) if found is None else (found.group(1), card[found.end() :])


def read(card: str) -> dict[str, Json]:
    """The keys of the front matter; {} when there is none. Raises BadFrontMatter."""
    head, _ = split(card)
    if head is None:
        return {}
    if len(head) > MAX_HEAD:
        raise BadFrontMatter(f"it is longer than {MAX_HEAD} characters")
    try:
        found = yaml.load(head, _Loader)  # noqa: S506  a SafeLoader, and stricter
    except yaml.YAMLError as error:
        raise BadFrontMatter(" ".join(str(error).split())) from error
    except (ValueError, RecursionError) as error:  # a date that is none; nesting beyond reason
        raise BadFrontMatter(str(error)) from error
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise BadFrontMatter("expects keys and values")
    return {str(key): _plain(value, 1) for key, value in found.items()}


def told(card: str) -> dict[str, Json]:
    """The same for a card that was released long ago: one that cannot be read says nothing."""
    try:
        return read(card)
    except BadFrontMatter:
        return {}


def _plain(value: object, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise BadFrontMatter("it is nested too deep")
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner, depth + 1) for inner in value]
    return str(value)  # dates and bytes
