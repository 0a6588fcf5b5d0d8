"""Globs over whole paths, where ``*`` also matches ``/``. Pure.

Many globs are one path each: a client asks for hundreds of files by name. Those are looked up, not tried one by one.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence

_MAGIC = re.compile(r"[*?[]")
_LITERAL = re.compile(r"\[([*?[])\]")  # how a glob says that it means the character


class Globs:
    """What a list of globs chooses: everything when there are none."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._everything = not patterns
        plain = {pattern: _LITERAL.sub("", pattern) for pattern in patterns}
        self._paths = {_LITERAL.sub(r"\1", pattern) for pattern, rest in plain.items() if not _MAGIC.search(rest)}
        self._globs = [pattern for pattern, rest in plain.items() if _MAGIC.search(rest)]

    def choose(self, path: str) -> bool:
        return self._everything or path in self._paths or any(fnmatch.fnmatchcase(path, g) for g in self._globs)

    def choose_any(self, paths: Iterable[str]) -> bool:
        return any(self.choose(path) for path in paths)
