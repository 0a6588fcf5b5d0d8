"""Which files of a version are meant, and how to ask for just those in one stream. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlencode

from gateway.sdk.errors import Misused
from gateway.sdk.records import Item, Manifest

LONGEST_QUERY = 6000
"""Bytes of a query: proxies take addresses of 8 KB."""

_MAGIC = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Globs:
    """Globs over whole paths, where ``*`` also matches ``/``: one of `include`, if any, and none of `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def match(self, path: str) -> bool:
        wanted = not self.include or any(fnmatchcase(path, glob) for glob in self.include)
        return wanted and not any(fnmatchcase(path, glob) for glob in self.exclude)


def choose(manifest: Manifest, globs: Globs) -> Manifest:
    """The part of the manifest that the globs ask for. Raises Misused when there is none.

    Shards only where `include` asks for them: what is in them is there by itself.
    """
    unasked = frozenset() if globs.include else manifest.shards
    if not unasked and not globs.include and not globs.exclude:
        return manifest
    items = tuple(item for item in manifest.items if item.path not in unasked and globs.match(item.path))
    stopped = tuple(path for path in manifest.stopped if path not in unasked and globs.match(path))
    if not items and not stopped:
        asked = [*globs.include, *(f"--exclude {glob}" for glob in globs.exclude)]
        raise Misused("nothing-matches", asset=manifest.asset, include=" ".join(asked))
    return Manifest(asset=manifest.asset, version=manifest.version, items=items, stopped=stopped)


def queries(wanted: Sequence[Item], whole: Globs | None) -> Iterator[tuple[str, Sequence[Item]]]:
    """Queries of an archive that together select just the wanted items, each with those that it selects.

    `whole`: what is wanted is all that these globs select, and they exclude nothing.
    """
    if whole is not None:
        yield urlencode([("include", glob) for glob in whole.include]), wanted
        return
    some: list[Item] = []
    parts: list[str] = []
    length = 0
    for item in wanted:
        part = urlencode([("include", literally(item.path))])
        if some and length + len(part) > LONGEST_QUERY:
            yield "&".join(parts), some
            some, parts, length = [], [], 0
        some.append(item)
        parts.append(part)
        length += len(part) + 1
    if some:
        yield "&".join(parts), some


def literally(path: str) -> str:
    """The glob that matches this very path."""
    return _MAGIC.sub(r"[\g<0>]", path)
