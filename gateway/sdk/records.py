"""What the gateway tells, checked as far as the SDK relies on it. Raises NotAGateway where it does not fit."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TypeVar

from gateway.sdk.errors import NotAGateway
from gateway.sdk.wire import VERSION_ID
from gateway.sdk.words import Language

T = TypeVar("T")
_SHA256 = re.compile(r"[0-9a-f]{64}")
SERVED = "served"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file of a version: `path` as published, `size` in bytes, `sha256` in hex."""

    path: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of one version. `stopped` are the paths of those that are held or withheld: they have no bytes.

    `shards` are the paths, stopped ones too, of tars that hold other files of the version once more.
    """

    asset: str
    version: str
    items: tuple[Item, ...]
    stopped: tuple[str, ...]
    shards: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes of all items together."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One version of terms, in both languages; `sha256` binds an acceptance to these very texts."""

    id: str
    version: str
    sha256: str
    en: str
    zh: str

    def text(self, lang: Language) -> str:
        return self.zh if lang == "zh" else self.en


def member(record: object, name: str, kind: type[T], origin: str) -> T:
    """A member of a JSON object, of this very type."""
    value = record.get(name) if isinstance(record, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise NotAGateway("not-a-gateway", url=origin, why=f"{name} is missing or wrong")
    return value


def manifest_version(page: object, origin: str) -> str:
    """The id of the version that a page of a manifest is of."""
    version = member(page, "version", str, origin)
    if not VERSION_ID.fullmatch(version):
        raise NotAGateway("not-a-gateway", url=origin, why="version is no id")
    return version


def item_of(record: object, origin: str) -> Item | str:
    """An item, or the path alone of a stopped one. A state that is not known counts as stopped."""
    path = member(record, "path", str, origin)
    if member(record, "state", str, origin) != SERVED:
        return path
    size, sha256 = member(record, "size", int, origin), member(record, "sha256", str, origin)
    if size < 0 or not _SHA256.fullmatch(sha256):
        raise NotAGateway("not-a-gateway", url=origin, why="size or sha256 is wrong")
    return Item(path=path, size=size, sha256=sha256, media_type=member(record, "media_type", str, origin))


def terms_of(record: object, origin: str) -> Terms:
    """Terms whose digest is that of their texts: what is accepted is what was shown."""
    names = ("id", "version", "sha256", "en", "zh")
    terms_id, version, sha256, en, zh = (member(record, name, str, origin) for name in names)
    # For two strings this is the canonical JSON of RFC 8785.
    canonical = json.dumps({"en": en, "zh": zh}, ensure_ascii=False, separators=(",", ":"))
    if hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest() != sha256:
        raise NotAGateway("not-a-gateway", url=origin, why="the digest of the terms is wrong")
    return Terms(id=terms_id, version=version, sha256=sha256, en=en, zh=zh)
