"""The shapes of the dialect's answers: repositories, files, folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from catalog.policy import card as cards
from catalog.vocabulary import Asset, Item, Kind, Version

REGULAR_MOST = 1024 * 1024  # bytes; a text up to this is a "regular" file, all else is "lfs"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
TEXTS = frozenset({"application/json", "application/jsonl", "application/yaml", "application/xml", "application/toml"})
TAGGED = ("language", "task_categories", "task_ids", "size_categories", "annotations_creators", "source_datasets")


def is_lfs(item: Item) -> bool:
    """Whether the file goes by its SHA-256; a regular one goes by the digest that git gives it."""
    return item.size > REGULAR_MOST or not is_text(item.media_type)


def is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in TEXTS


def etag(item: Item) -> str:
    """The file's digest of its kind; a client names the cached file after it, and finds it in the tree too."""
    return f'"{item.sha256 if is_lfs(item) else item.git_sha1}"'


def instant(at: datetime) -> str:
    """UTC with milliseconds: the oldest clients read no other form."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def lfs(item: Item) -> dict[str, object]:
    return {
        "oid": item.sha256,
        "sha256": item.sha256,
        "size": item.size,
        "pointerSize": len(POINTER.format(item.sha256, item.size)),
    }


def file_record(item: Item, commit: Mapping[str, object] | None) -> dict[str, object]:
    """A file in a tree; `commit` is the last that touched it, for those who asked."""
    record: dict[str, object] = {"type": "file", "path": item.path, "size": item.size, "oid": item.git_sha1}
    if is_lfs(item):
        record["lfs"] = lfs(item)
    return record if commit is None else {**record, "lastCommit": commit}


def folder_record(version: Version, path: str, commit: Mapping[str, object] | None) -> dict[str, object]:
    oid = hashlib.sha1(f"{version.id}:{path}".encode(), usedforsecurity=False).hexdigest()
    record: dict[str, object] = {"type": "directory", "path": path, "size": 0, "oid": oid}
    return record if commit is None else {**record, "lastCommit": commit}


def sibling(item: Item, blobs: bool) -> dict[str, object]:
    record: dict[str, object] = {"rfilename": item.path}
    if blobs:
        record |= {"size": item.size, "blobId": item.git_sha1}
        if is_lfs(item):
            record["lfs"] = lfs(item)
    return record


def commit_record(commit: str, title: str, at: datetime, user: str) -> dict[str, object]:
    return {"id": commit, "title": title, "message": "", "date": instant(at), "authors": [{"user": user}]}


def card_data(version: Version) -> dict[str, cards.Json]:
    """The card's own keys, with the warrant's word where it is silent."""
    told = cards.told(version.card)
    warrant = version.warrant
    if warrant is not None:
        if "license" not in told:
            told |= cards.licence_keys(warrant.licence)
        told.setdefault("pretty_name", warrant.title.en)
    return told


def tags(asset: Asset, card: Mapping[str, cards.Json]) -> list[str]:
    """What a list can be filtered by."""
    found = [f"class:{asset.data_class.value}"]
    for key in TAGGED:
        found += [f"{key}:{word}" for word in _words(card.get(key))]
    found += [f"license:{word}" for word in _words(card.get("license"))]
    return found + [word for key in ("tags", "pipeline_tag", "library_name") for word in _words(card.get(key))]


def repository(
    asset: Asset, version: Version, commit: str, siblings: Iterable[Item] | None, *, blobs: bool = False
) -> dict[str, object]:
    """A model or dataset; without `siblings` for those who may not see the names of its files."""
    card = card_data(version)
    record: dict[str, object] = {
        "_id": asset.id,
        "id": asset.full_name,
        "author": asset.ns,
        "sha": commit,
        "lastModified": instant(version.published_at or version.created_at),
        "createdAt": instant(asset.created_at),
        "private": False,
        "gated": asset.gate.value,
        "disabled": False,
        "downloads": 0,  # who fetched what is in the ledger, and not for everyone
        "likes": 0,
        "description": asset.title.en,
        "tags": tags(asset, card),
        "cardData": card,
        "usedStorage": version.total_size,
    }
    if asset.kind is Kind.MODEL:
        record["modelId"] = asset.full_name
        for key in ("pipeline_tag", "library_name"):
            if isinstance(card.get(key), str):
                record[key] = card[key]
    if siblings is not None:
        record["siblings"] = [sibling(item, blobs) for item in siblings]
    return record


def only(record: Mapping[str, object], expand: Iterable[str]) -> dict[str, object]:
    """With `expand`, the named keys alone; the two ids are always there."""
    wanted = {"_id", "id", "modelId", *expand}
    return {key: value for key, value in record.items() if key in wanted}


def _words(value: cards.Json) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [word for word in found if isinstance(word, str)]
