"""Which published paths may become files."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sdk.errors import UnsafePath
from gateway.sdk.paths import check_all, safe_parts

anything = st.text(st.one_of(st.sampled_from("/\\.:~ \0\nC%"), st.characters(exclude_categories=())), max_size=40)


@given(anything, st.booleans())
@example("../../etc/passwd", False)
@example("/etc/passwd", False)
@example("C:/Windows", True)
@example("a/\ud800", False)
def test_a_path_that_is_let_through_stays_below_its_folder_on_every_system(path: str, windows: bool) -> None:
    try:
        parts = safe_parts(path, windows=windows)
    except UnsafePath:
        return
    assert "/".join(parts) == path
    assert not {"", ".", ".."} & set(parts)
    for system in (PurePosixPath, PureWindowsPath):
        below = system("/base" if system is PurePosixPath else "D:\\base")
        assert below in below.joinpath(*parts).parents
    assert path.isprintable() or not any(ord(c) < 32 for c in path)


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,20}(\.jpg)?", fullmatch=True), min_size=1, max_size=5))
def test_plain_names_are_let_through(parts: list[str]) -> None:
    assert safe_parts("/".join(parts), windows=False) == tuple(parts)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "path-form"),
        ("/abs", "path-form"),
        ("a//b", "path-form"),
        ("a/../b", "path-form"),
        ("./a", "path-form"),
        ("a/", "path-form"),
        ("a\\b", "path-form"),
        ("c:x", "path-form"),
        ("a\0b", "path-form"),
        ("a\x1b[2J", "path-form"),
        ("a\ud800", "path-form"),
        (".hubgate/x", "path-ours"),
        (".HubGate", "path-ours"),
        ("a/" + "人" * 86, "path-long"),
    ],
)
def test_what_could_lead_astray_is_refused_with_a_reason(path: str, code: str) -> None:
    with pytest.raises(UnsafePath) as caught:
        check_all([path], folder="/data", windows=False, folds=False)
    assert caught.value.code == code
    assert "/data" in str(caught.value)


@pytest.mark.parametrize("name", ["CON", "nul.txt", "com1", "LPT9.tar.gz", "aux .c", "a.", "a ", "a?b", "x:y", "a|b"])
def test_names_that_windows_keeps_for_itself_are_refused_there_alone(name: str) -> None:
    assert safe_parts(f"d/{name}", windows=False) == ("d", name)
    with pytest.raises(UnsafePath):
        safe_parts(f"d/{name}", windows=True)


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a"), ("a", "a")])
def test_two_files_cannot_have_one_place(paths: tuple[str, str]) -> None:
    with pytest.raises(UnsafePath):
        check_all(paths, folder="/data", windows=False, folds=False)


def test_names_that_differ_in_case_alone_are_two_files_only_where_case_counts() -> None:
    check_all(["A.jpg", "a.jpg"], folder="/data", windows=False, folds=False)
    with pytest.raises(UnsafePath):
        check_all(["A.jpg", "a.jpg"], folder="/data", windows=False, folds=True)
    with pytest.raises(UnsafePath):
        check_all(["é.jpg", "e\u0301.jpg"], folder="/data", windows=False, folds=True)
