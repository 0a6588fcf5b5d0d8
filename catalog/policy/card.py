"""A card's front matter: the YAML between two lines of dashes at the head of README.md, read with care.

A card is written by a publisher and read by the server: no tags that make objects, no aliases (a few hundred bytes of
them unfold to gigabytes), a bound on its length; and what comes out is plain JSON, whatever YAML makes of a word.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import yaml

from catalog.errors import Flaw, Invalid, Wrong
from catalog.policy.names import CARD
from catalog.vocabulary import Warrant

SECTION = "hubgate"  # of the head: what the publisher vouches for
MAX_HEAD = 64 * 1024  # characters
MAX_DEPTH = 16
FENCE = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)

SPDX_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
PROMPT = "Read and accept the terms {terms} before you fetch. 获取之前，请阅读并接受条款 {terms}。"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def wrong(why: Wrong, **params: object) -> Invalid:
    return Invalid({CARD: Flaw(why, **params)})


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package has no types
    """Safe, and without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise wrong(Wrong.HEAD_ALIAS)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def split(card: str) -> tuple[str | None, str]:
    """The front matter's text, None when there is none, and what follows it: what people read."""
    found = FENCE.match(card)
    return (None, card) if found is None else (found.group(1), card[found.end() :])


def read(card: str) -> dict[str, Json]:
    """The keys of the front matter; {} when there is none. Raises Invalid."""
    head, _ = split(card)
    if head is None:
        return {}
    if len(head) > MAX_HEAD:
        raise wrong(Wrong.HEAD_LONG, most=MAX_HEAD)
    try:
        found = yaml.load(head, _Loader)  # noqa: S506  a SafeLoader, and stricter
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 2  # counted from the first dashes
        raise wrong(Wrong.HEAD_YAML, line=line) from error
    except (yaml.YAMLError, ValueError) as error:  # a character that may not be there; a date that is none
        raise wrong(Wrong.HEAD_YAML, line=1) from error
    except RecursionError as error:
        raise wrong(Wrong.HEAD_DEEP) from error
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise wrong(Wrong.HEAD_KEYS)
    return {str(key): _plain(value, 1) for key, value in found.items()}


def told(card: str) -> dict[str, Json]:
    """The same for a card that was released long ago: one that cannot be read says nothing."""
    try:
        return read(card)
    except Invalid:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What a card's head says for a release: the keys of a warrant, the terms, the tag."""

    warrant: Mapping[str, Json]
    terms_id: str
    tag: str | None


def vouched(card: str) -> Vouched:
    """The section `hubgate` of the head; a licence that is not in it may stand beside it. Raises Invalid."""
    head = read(card)
    section = head.get(SECTION, {})
    if not isinstance(section, dict):
        raise Invalid({SECTION: Flaw(Wrong.HEAD_KEYS)})
    warrant = {key: value for key, value in section.items() if key not in {"terms", "tag"}}
    licence = head.get("license")
    if "licence" not in warrant and isinstance(licence, str) and licence != "other":
        warrant["licence"] = licence
    terms, tag = section.get("terms"), section.get("tag")
    return Vouched(warrant=warrant, terms_id=_word(terms), tag=_word(tag) or None)


def _word(value: Json) -> str:
    """YAML makes numbers of 1 and 1.0."""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def complete(card: str, warrant: Warrant, terms_id: str) -> str:
    """The card with what the warrant knows and its head does not say: licence, title, and that there are terms.

    What the publisher wrote stays as it is. Raises Invalid.
    """
    said = read(card)
    missing: dict[str, Json] = {} if "license" in said else licence_keys(warrant.licence)
    if "pretty_name" not in said:
        missing["pretty_name"] = warrant.title.en
    if "extra_gated_prompt" not in said:
        missing["extra_gated_prompt"] = PROMPT.format(terms=terms_id)
    if not missing:
        return card
    return _with_keys(card, said, missing)


def terms_asked(card: str) -> str:
    """The id of the terms that a released card asks to accept in the words of `complete`; "" in any other words."""
    prompt = str(told(card).get("extra_gated_prompt"))
    terms_id = prompt.removeprefix(PROMPT.partition("{terms}")[0]).partition(" ")[0]
    return terms_id if prompt == PROMPT.format(terms=terms_id) else ""


PACKED = "packed"


def with_packed(card: str, globs: Mapping[str, str]) -> str | None:
    """The card with a configuration of shards, split → glob, as the one that a client takes by default.

    None where the publisher has written configurations: a client reads all of them in the way of the first, so that one
    more would spoil either those or itself. Raises Invalid.
    """
    said = read(card)
    if "configs" in said:
        return None
    files: list[Json] = [{"split": split, "path": glob} for split, glob in globs.items()]
    return _with_keys(card, said, {"configs": [{"config_name": PACKED, "data_files": files, "default": True}]})


def without_packed(card: str) -> str:
    """The card without the configuration that `with_packed` once gave it, where it stands as it was given.

    Raises Invalid.
    """
    said = read(card)
    head, rest = split(card)
    configs = said.get("configs")
    if head is None or not isinstance(configs, list) or [_name(config) for config in configs] != [PACKED]:
        return card
    lines = yaml.safe_dump({"configs": configs}, allow_unicode=True, sort_keys=False, width=MAX_HEAD)
    before, found, after = f"{head}\n".partition(lines)
    made = f"---\n{before}{after}---\n{rest}" if before + after else rest
    left = {key: value for key, value in said.items() if key != "configs"}
    return made if found and read(made) == left else card


def _name(config: Json) -> Json:
    return config.get("config_name") if isinstance(config, dict) else None


def _with_keys(card: str, said: Mapping[str, Json], missing: Mapping[str, Json]) -> str:
    """The card with these keys at the end of its head. Raises Invalid."""
    head, rest = split(card)
    lines = yaml.safe_dump(dict(missing), allow_unicode=True, sort_keys=False, width=MAX_HEAD)
    above = f"{head}\n" if head and head.strip() else ""
    made = f"---\n{above}{lines}---\n{rest}"
    if read(made) != {**said, **missing}:
        raise wrong(Wrong.HEAD_LINES)
    return made


def licence_keys(licence: str) -> dict[str, Json]:
    """A licence as cards write it: an SPDX identifier in small letters, whatever else by its name."""
    if SPDX_ID.fullmatch(licence) and not licence.startswith("LicenseRef-"):
        return {"license": licence.lower()}
    return {"license": "other", "license_name": licence.removeprefix("LicenseRef-").lower()}


def doubts(card: str, warrant: Warrant, paths: Collection[str]) -> list[str]:
    """Where the card says other than the warrant and the files do: `licence-differs`, `config-without-files`."""
    said = told(card)
    found = []
    if "license" in said:
        expected = {str(value).lower() for value in licence_keys(warrant.licence).values()} | {warrant.licence.lower()}
        named = said["license"] if isinstance(said["license"], list) else [said["license"]]
        names = {str(name).lower() for name in named} | {str(said.get("license_name", "")).lower()}
        if not names & (expected - {"other"}):
            found.append("licence-differs")
    patterns = list(_patterns(said.get("configs")))
    if any(not any(fnmatch.fnmatchcase(path, pattern) for path in paths) for pattern in patterns):
        found.append("config-without-files")
    return found


def _patterns(configs: Json) -> Iterator[str]:
    """The files of all configurations, in the forms that a card may give them in."""
    for config in configs if isinstance(configs, list) else []:
        if not isinstance(config, dict):
            continue
        folder = str(config.get("data_dir") or "").strip("/")
        for pattern in _texts(config.get("data_files")):
            yield f"{folder}/{pattern}" if folder else pattern.removeprefix("./")


def _texts(value: Json) -> Iterator[str]:
    """`a`, `[a, b]`, `{split: a}` and `[{split: …, path: a}]` alike; addresses elsewhere are left out."""
    if isinstance(value, str):
        if "://" not in value:
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key != "split":
                yield from _texts(each)


def _plain(value: object, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise wrong(Wrong.HEAD_DEEP)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner, depth + 1) for inner in value]
    return str(value)  # dates and bytes
