"""Whatever the file tree and whatever the notice: nothing changes but listed files with the listed bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.sdk.holdings import Holdings, NewCopy
from gateway.sdk.recall.copies import Copies
from gateway.sdk.recall.feed import Notice
from gateway.sdk.store import Store
from gateway.sdk.wire import Action
from tests.unit.sdk.recall.conftest import sha256
from tests.unit.sdk.recall.gate import NOW, VERSION

pytestmark = pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
URL = "https://gw.example.org"
NAMES = st.sampled_from(["a", "A", "b", "ß", "ss", "é", "e\u0301"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
LISTED = st.one_of(PATHS, st.sampled_from(["../out", "/etc/x", "a/../../out", "..", "a//b", "./a", "a\0b"]))
CONTENTS = st.sampled_from([b"", b"one", b"two", b"three"])
PLACES = st.sampled_from(["project", "other", "outside"])
CHANGES = st.one_of(
    st.tuples(st.just("write"), PLACES, PATHS, CONTENTS),
    st.tuples(st.just("symlink"), PLACES, PATHS, PATHS),
    st.tuples(st.just("hardlink"), PLACES, PATHS, PATHS),
    st.tuples(st.just("remove"), PLACES, PATHS, PATHS),
    st.tuples(st.just("root"), st.sampled_from(["project", "store"]), PATHS, PATHS),
)


def snapshot(base: Path) -> dict[str, tuple[str, object]]:
    """Every entry below by path, links as what they say."""
    found: dict[str, tuple[str, object]] = {}
    for folder, folders, files in os.walk(base):
        for name in [*folders, *files]:
            place = Path(folder, name)
            kind = "link" if place.is_symlink() else "folder" if place.is_dir() else "file"
            what = os.readlink(place) if kind == "link" else place.read_bytes() if kind == "file" else None
            found[str(place.relative_to(base))] = kind, what
    return found


def change(base: Path, act: tuple[object, ...]) -> None:
    kind, where, path, other = act
    place = base / str(where) / str(path)
    try:
        if kind == "root":
            folder = base / ("project" if where == "project" else "home/store")
            folder.rename(base / f"moved-{where}")
            folder.symlink_to(base / "outside")
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "write" and isinstance(other, bytes):
            place.unlink(missing_ok=True)
            place.write_bytes(other)
        elif kind == "symlink":
            place.unlink(missing_ok=True)
            place.symlink_to(base / "outside" / str(other))
        elif kind == "hardlink":
            place.unlink(missing_ok=True)
            os.link(base / "outside" / str(other), place)
        elif kind == "remove":
            place.unlink()
    except OSError:
        return  # a tree in which that cannot be done is a tree too


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    fetched=st.dictionaries(PATHS, CONTENTS, max_size=4),
    lies=st.dictionaries(LISTED, CONTENTS, max_size=3),
    outside=st.dictionaries(PATHS, CONTENTS, max_size=4),
    changes=st.lists(CHANGES, max_size=5),
    called=st.sets(CONTENTS, max_size=4),
    purging=st.booleans(),
)
def test_nothing_changes_but_listed_files_with_the_listed_bytes(
    fetched: dict[str, bytes],
    lies: dict[str, bytes],
    outside: dict[str, bytes],
    changes: list[tuple[object, ...]],
    called: set[bytes],
    purging: bool,
) -> None:
    base = Path(os.path.realpath(tempfile.mkdtemp(prefix="trees-")))
    holdings = Holdings(base / "home")
    try:
        store = Store(base / "home")
        store.make()
        for path, content in outside.items():
            change(base, ("write", "outside", path, content))
        listed = {**fetched, **lies}
        rows = [NewCopy(path=p, sha256=sha256(c), size=len(c), content=sha256(c)) for p, c in listed.items()]
        (base / "project").mkdir()
        holdings.expect(URL, "lab/set", VERSION, base / "project", rows)
        store.keep_all({sha256(content): content for content in fetched.values()})
        for path, content in fetched.items():
            change(base, ("write", "project", path, content))
        for act in changes:
            change(base, act)
        before = snapshot(base)
        notice = Notice(
            notice="N-1", seq=1, sha256="", payload=b"", asset="lab/set", versions=frozenset([VERSION]), scope="items",
            action=Action.PURGE, reason="child", digests=None, digest_set=None, shards=frozenset(),
                deadline=None, expires=NOW,
        )  # fmt: skip
        digests = sorted(map(sha256, called))
        copies = Copies(URL, holdings, store, dry_run=False)
        found = copies.delete(notice, digests) if purging else copies.set_aside(notice, digests)
        after = snapshot(base)

        gone = {path: entry for path, entry in before.items() if path not in after and entry[0] != "folder"}
        own = {f"project/{path}" for path in listed}
        for path, (kind, content) in gone.items():
            assert kind == "file", path
            assert sha256(content) in digests  # type: ignore[arg-type]
            assert path in own or path.startswith("home/store/"), path
        for path, entry in before.items():
            assert path in gone or entry[0] == "folder" or after[path] == entry or path == "home/holdings.db", path
        new = set(after) - set(before)
        assert all(".hubgate" in path or path.startswith("home/store/aside") for path in new), new
        assert purging or len([p for p in new if after[p][0] == "file"]) == len(gone), "set aside is not lost"
        assert sum(found.counts(digests).values()) == len(digests)
    finally:
        holdings.close()
        shutil.rmtree(base)
