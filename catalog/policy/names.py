"""What things may be called: assets, tags, accounts, paths of items; and how a stop's subject is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from catalog.errors import Flaw, Invalid, Wrong
from catalog.vocabulary import SubjectRef

PART = re.compile(r"(?!\.\Z|.*(?:--|\.\.))[A-Za-z0-9._-]{1,96}(?<!\.git)", re.DOTALL)
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
VERSION_ID = re.compile(r"[0-9a-f]{40}")
ACCOUNT = re.compile(r"[^\W_][\w.-]{1,39}")
DIGITS = 8
DIGEST_IN_NAME = re.compile(r"(.+)-([0-9a-f]{8,64})(\.[^./]+)", re.DOTALL)
MAX_PATH = 1024  # bytes of UTF-8
CONTROL = "Cc"
MAIN = "main"
CARD = "README.md"  # the item whose text is the asset's card
SIDECAR = "provenance.hubgate.csv"
LEFT_OUT = frozenset({".git", ".DS_Store", "Thumbs.db", SIDECAR})  # never items, wherever they lie
# Where shards lie. Clients that read folders leave one with such a name out unless it is named, so that whoever takes
# all files does not take them twice.
SHARDS = "__packed__"


def asset_name(full_name: str) -> tuple[str, str]:
    """`ns/name` → its two parts. Raises Invalid."""
    ns, slash, name = full_name.partition("/")
    if not slash or not PART.fullmatch(ns) or not PART.fullmatch(name):
        raise Invalid({"asset": Flaw(Wrong.ASSET_NAME)})
    return ns, name


def tag(text: str) -> str:
    """A tag; `main` and what looks like a version id stay free. Raises Invalid."""
    if not TAG.fullmatch(text) or text == MAIN or VERSION_ID.fullmatch(text):
        raise Invalid({"tag": Flaw(Wrong.TAG)})
    return text


def account_name(text: str) -> str:
    """A user name in normal form: 2 to 40 letters of any script, digits, . _ -. Raises Invalid."""
    name = unicodedata.normalize("NFC", text.strip())
    if not ACCOUNT.fullmatch(name):
        raise Invalid({"name": Flaw(Wrong.ACCOUNT_NAME)})
    return name


def is_text(text: str) -> bool:
    """Whole characters and no NUL: half of a surrogate pair can be neither stored nor shown, NUL not everywhere."""
    return not any(character == "\0" or 0xD800 <= ord(character) <= 0xDFFF for character in text)


def item_path(path: str) -> str:
    """A relative path that stays below its folder on every system. Raises Invalid."""
    parts = path.split("/")
    if (
        any(part in {"", ".", ".."} for part in parts)
        or "\\" in path
        or any(unicodedata.category(character) == CONTROL for character in path)
        or not is_text(path)
        or len(path.encode()) > MAX_PATH
    ):
        raise Invalid({"path": Flaw(Wrong.PATH, path=ascii(path))})
    return path


def file_path(path: str) -> str:
    """The path of a file that somebody publishes: an item's, and not where shards lie. Raises Invalid."""
    if path == SHARDS or path.startswith(f"{SHARDS}/"):
        raise Invalid({"path": Flaw(Wrong.SHARDS_PLACE, path=path)})
    return item_path(path)


def with_digest(path: str, sha256: str) -> str:
    """The path with eight digits of its content's digest in the name: `net.pth` becomes `net-1a2b3c4d.pth`.

    A name that says so already stays as it is; one without a suffix, too: loaders look for the digits before a dot.
    """
    stem, dot, suffix = path.rpartition(".")
    told = without_digest(path)
    if not dot or "/" in suffix or (told is not None and sha256.startswith(told[1])):
        return path
    return f"{stem}-{sha256[:DIGITS]}.{suffix}"


def without_digest(path: str) -> tuple[str, str] | None:
    """`net-1a2b3c4d.pth` → `net.pth` and the digits; None when the name holds none."""
    found = DIGEST_IN_NAME.fullmatch(path)
    return None if found is None else (found[1] + found[3], found[2])


def no_collisions(paths: Iterable[str]) -> None:
    """No two paths may be one file where case or composed letters do not count, and none a file and a folder.

    Raises Invalid.
    """
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = unicodedata.normalize("NFC", path).casefold()
        other = seen.setdefault(key, path)
        if other != path:
            raise Invalid({"path": Flaw(Wrong.SAME_FILE, path=ascii(path), other=ascii(other))})
        while (slash := key.rfind("/")) >= 0 and (key := key[:slash]) not in folders:
            folders[key] = path
    for key in folders.keys() & seen.keys():
        raise Invalid({"path": Flaw(Wrong.FILE_AND_FOLDER, path=ascii(seen[key]), other=ascii(folders[key]))})


def subject(text: str) -> SubjectRef:
    """`ns/name`, `ns/name@version` or `ns/name@version:path`. Raises Invalid."""
    full_name, at, rest = text.partition("@")
    version, colon, path = rest.partition(":")
    ns, name = asset_name(full_name)
    if (at and not version) or (colon and not path):
        raise Invalid({"subject": Flaw(Wrong.SUBJECT)})
    return SubjectRef(ns=ns, name=name, version=version or None, path=path or None)
