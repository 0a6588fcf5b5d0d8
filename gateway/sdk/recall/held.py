"""What this machine holds of a gateway's assets: the record, compared with what is there, and other tools' caches."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.sdk.holdings import UNFINISHED, Holdings
from gateway.sdk.recall import caches
from gateway.sdk.recall.purge import ASIDE
from gateway.sdk.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One file. `kind`: file, extracted, store, unfinished, or cache of the tool named in `tool`.

    `sha256` is of the item that it came as or from; empty where it was not looked at. `state`: there, or aside.
    """

    asset: str
    version: str | None
    sha256: str
    place: Path
    size: int
    kind: str
    state: str
    tool: str = "hubgate"


def held(holdings: Holdings, store: Store, url: str, environ: Mapping[str, str]) -> list[Held]:
    """Everything that is there, by folder and path, then the store's own contents, then caches."""
    found: list[Held] = []
    contested = holdings.contested()
    for copy in holdings.copies(url):
        for place, state in ((copy.place, "there"), (Path(copy.folder, ASIDE, str(copy.id)), "aside")):
            size = _size(place)
            if size is not None and (size == copy.size or copy.id not in contested):
                found.append(
                    Held(
                        asset=copy.asset, version=copy.version, sha256=copy.sha256, place=place, size=size,
                        kind=copy.kind, state=state,
                    )
                )  # fmt: skip
    for kept in holdings.contents(url):
        places = (
            (store.place_of(kept.sha256), "store", "there"),
            (store.aside / kept.sha256, "store", "aside"),
            (store.part_of(kept.sha256), UNFINISHED, "there"),
        )
        for place, kind, state in places:
            size = _size(place)
            if size is not None:
                found.append(
                    Held(
                        asset=kept.asset, version=kept.version, sha256=kept.sha256, place=place, size=size, kind=kind,
                        state=state,
                    )
                )  # fmt: skip
    contents = {kept.sha256: kept.asset for kept in holdings.contents(url)}
    for one in caches.found(holdings.versions(url), contents, environ):
        found.append(
            Held(
                asset=one.asset, version=one.version, sha256=one.sha256, place=one.place, size=one.size, kind="cache",
                state="there", tool=one.tool,
            )
        )  # fmt: skip
    return found


def _size(place: Path) -> int | None:
    try:
        return os.lstat(place).st_size
    except OSError:
        return None
