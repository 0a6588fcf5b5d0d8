"""Names: what passes is safe wherever a name is used, and what a subject says is read back as it was written."""

from __future__ import annotations

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.policy import names
from catalog.vocabulary import SubjectRef

anything = st.text(st.characters(), max_size=40) | st.text("./\\-_aA\0\n é:@%~\ud800", max_size=12)
part = st.from_regex(r"[A-Za-z0-9._-]{1,96}", fullmatch=True)


def passes(reader: object, text: str) -> bool:
    try:
        reader(text)  # type: ignore[operator]
    except Invalid:
        return False
    return True


@given(anything)
def test_a_path_that_passes_stays_below_its_folder_and_can_be_stored(path: str) -> None:
    if not passes(names.item_path, path):
        return
    assert posixpath.normpath(f"/folder/{path}") == f"/folder/{path}"
    assert posixpath.normpath(path) == path
    assert "\\" not in path
    assert not any(unicodedata.category(character) == "Cc" for character in path)
    assert len(path.encode()) <= names.MAX_PATH


@pytest.mark.parametrize("path", ["a.jpg", "人脸/一.jpg", "a b/c (1).jpg", "...", ".hidden/..x", "😀.png", "a" * 1024])
def test_plain_paths_of_any_script_pass(path: str) -> None:
    assert names.item_path(path) == path


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", ".", "..", "a/..", "a/./b", "a\\b", "a\x7f", "a\x85", "人" * 342]
)
def test_paths_that_are_something_else_somewhere_are_refused(path: str) -> None:
    assert not passes(names.item_path, path)


@given(anything)
def test_no_text_breaks_the_reading_of_a_name(text: str) -> None:
    for reader in (names.asset_name, names.tag, names.account_name, names.item_path, names.subject):
        passes(reader, text)  # anything but Invalid would get out


@given(part, part)
def test_the_parts_of_an_asset_follow_the_rule(ns: str, name: str) -> None:
    def good(one: str) -> bool:
        return one != "." and "--" not in one and ".." not in one and not one.endswith(".git")

    assert passes(names.asset_name, f"{ns}/{name}") is (good(ns) and good(name))


@pytest.mark.parametrize("text", ["a" * 97 + "/x", "a/x\n", "a/é", "a/x/y", "a /x", "a", "a/", "/x", "a/b.git"])
def test_other_asset_names_are_refused(text: str) -> None:
    assert not passes(names.asset_name, text)


@given(st.text("main0af.-_/:@ ", max_size=5) | st.text("0123456789abcdef", min_size=39, max_size=41))
def test_a_tag_that_passes_is_neither_main_nor_like_a_version(tag: str) -> None:
    if not passes(names.tag, tag):
        return
    assert tag != "main"
    assert not names.VERSION_ID.fullmatch(tag)
    assert names.subject(f"a/b@{tag}").version == tag


def test_an_account_name_is_kept_composed() -> None:
    assert names.account_name(" e\u0301va ") == "éva"
    assert names.account_name("李华") == "李华"
    assert not passes(names.account_name, "a")
    assert not passes(names.account_name, "_a")
    assert not passes(names.account_name, "a@b")


@given(st.lists(st.text("aAbBéE\u0301", min_size=1, max_size=3), max_size=6))
def test_paths_collide_exactly_when_case_and_composition_make_them_one(paths: list[str]) -> None:
    distinct = set(paths)
    folded = {unicodedata.normalize("NFC", path).casefold() for path in distinct}
    assert passes(names.no_collisions, paths) is (len(folded) == len(distinct))  # type: ignore[arg-type]


@pytest.mark.parametrize("others", [["a/b"], ["A/b/c"], ["x", "a/b/c/d", "y"]])
def test_no_path_is_a_file_and_a_folder(others: list[str]) -> None:
    for paths in (["a", *others], [*others, "a"]):
        with pytest.raises(Invalid, match="file-and-folder"):
            names.no_collisions(paths)
    names.no_collisions(["ab", *others])


versions = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
paths = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda p: passes(names.item_path, p))


@given(versions, paths | st.none())
def test_a_subject_is_read_back_as_it_was_written(version: str, path: str | None) -> None:
    for written in (
        SubjectRef(ns="a", name="b"),
        SubjectRef(ns="a", name="b", version=version, path=path),
    ):
        assert names.subject(str(written)) == written


@pytest.mark.parametrize("text", ["", "a", "a/b@", "a/b@v:", "a/b@:p", "a/b:p", "@v", "a/b/c@v"])
def test_a_subject_that_names_nothing_is_refused(text: str) -> None:
    assert not passes(names.subject, text)


def test_a_name_takes_the_first_digits_of_its_contents_digest_once() -> None:
    sha256 = "1a2b3c4d" + "0" * 56
    assert names.with_digest("deep/net.pth", sha256) == "deep/net-1a2b3c4d.pth"
    assert names.with_digest("net-1a2b3c4d.pth", sha256) == "net-1a2b3c4d.pth"
    assert names.with_digest("net-deadbeef.pth", sha256) == "net-deadbeef-1a2b3c4d.pth"
    assert [names.with_digest(path, sha256) for path in ("LICENSE", "v1.0/LICENSE")] == ["LICENSE", "v1.0/LICENSE"]


def test_the_digits_are_taken_out_of_a_name_again() -> None:
    assert names.without_digest("deep/net-1a2b3c4d.pth") == ("deep/net.pth", "1a2b3c4d")
    for path in ("net.pth", "net-1a2b.pth", "net-1A2B3C4D.pth", "net-1a2b3c4d", "-1a2b3c4d.pth", "a-1a2b3c4d.d/net"):
        assert names.without_digest(path) is None
