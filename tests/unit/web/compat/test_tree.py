"""Trees: pages that join without a gap, folders once, and nothing that is stopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.vocabulary import Item
from gateway.web.compat.hub.tree import entries
from tests.builders import item

SEGMENTS = st.text("ab0./-人", min_size=1, max_size=3).filter(lambda s: "/" not in s and s not in {".", ".."})
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Item]:
    """No path is a folder of another."""
    kept: list[str] = []
    for path in draw(st.lists(PATHS, max_size=12, unique=True)):
        if not any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in kept):
            kept.append(path)
    return {path: item(path, path.encode()) for path in sorted(kept)}


def plainly(items: dict[str, Item], stopped: set[str], folder: str, recursive: bool) -> set[tuple[str, bool]]:
    """(path, is a file) of all that is below the folder, said the slow way."""
    found: set[tuple[str, bool]] = set()
    for path, each in items.items():
        if each.sha256 in stopped or not path.startswith(folder):
            continue
        inner = path[len(folder) :].split("/")
        for depth in range(1, len(inner) + 1):
            if depth == 1 or recursive:
                found.add((folder + "/".join(inner[:depth]), depth == len(inner)))
    return found


@given(manifests(), st.data(), st.booleans())
def test_a_tree_has_each_served_file_and_each_folder_once(
    items: dict[str, Item], data: st.DataObject, recursive: bool
) -> None:
    stopped = {items[path].sha256 for path in data.draw(st.sets(st.sampled_from(sorted(items))))} if items else set()
    folders = {""} | {path[: i + 1] for path in items for i, c in enumerate(path) if c == "/"}
    folder = data.draw(st.sampled_from(sorted(folders)))
    told = dict.fromkeys(stopped, None)
    found = list(entries(list(items), items, told, folder, recursive=recursive, after=""))
    assert len(found) == len({path for path, _ in found})
    assert {(path, each is not None) for path, each in found} == plainly(items, stopped, folder, recursive)


@given(manifests(), st.booleans(), st.data())
def test_what_follows_a_file_continues_the_list(items: dict[str, Item], recursive: bool, data: st.DataObject) -> None:
    whole = list(entries(list(items), items, {}, "", recursive=recursive, after=""))
    files = [n for n, (_, each) in enumerate(whole) if each is not None]
    if not files:
        return
    n = data.draw(st.sampled_from(files))
    assert list(entries(list(items), items, {}, "", recursive=recursive, after=whole[n][0])) == whole[n + 1 :]
