"""Commits read as a stream: what was sent comes out, whatever the pieces; what is no commit is refused by its line."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from gateway.uploads import ndjson
from gateway.uploads.ndjson import Commit, Deletion, File, Header, Reference

MIB = 1024 * 1024
SHA = "ab" * 32


class Pieces:
    """Gives its bytes in pieces of these lengths, over and over."""

    def __init__(self, data: bytes, lengths: list[int]) -> None:
        self._data = io.BytesIO(data)
        self._lengths = lengths
        self._turn = 0

    def read(self, size: int, /) -> bytes:
        self._turn += 1
        return self._data.read(min(size, self._lengths[self._turn % len(self._lengths)]))


class Spools:
    """Counts the files that were made and those that are open."""

    def __init__(self) -> None:
        self.made: list[BinaryIO] = []

    def __call__(self) -> BinaryIO:
        self.made.append(io.BytesIO())
        return self.made[-1]

    @property
    def open(self) -> int:
        return sum(not one.closed for one in self.made)


def seen(data: bytes, lengths: list[int] | None = None, most: int = MIB) -> list[tuple[object, ...]]:
    """The operations with the bytes of their files; every spool must have been closed at the end."""
    spools = Spools()
    found: list[tuple[object, ...]] = []
    try:
        for operation in Commit(Pieces(data, lengths or [MIB]), spools, most).operations():
            match operation:
                case File(path=path, content=content, size=size):
                    with content:
                        found.append(("file", path, content.read()))
                    assert len(found[-1][2]) == size  # type: ignore[arg-type]
                case Header(summary=summary, parent=parent):
                    found.append(("header", summary, parent))
                case Reference(path=path, sha256=sha256, size=size):
                    found.append(("reference", path, sha256, size))
                case Deletion(path=path, folder=folder):
                    found.append(("deletion", path, folder))
    finally:
        assert spools.open == 0
    return found


def line(key: str, **value: object) -> dict[str, Any]:
    return {"key": key, "value": value}


HEADER = line("header", summary="s", description="")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
lines = st.one_of(
    st.builds(
        lambda path, data: line("file", content=base64.b64encode(data).decode(), path=path, encoding="base64"),
        texts, st.binary(max_size=200),
    ),
    st.builds(lambda path, size: line("lfsFile", path=path, algo="sha256", oid=SHA, size=size), texts,
              st.integers(0, 2**62)),
    st.builds(lambda path: line("deletedFile", path=path), texts),
    st.builds(lambda path: line("deletedFolder", path=path + "/"), texts),
)  # fmt: skip


def expected(sent: dict[str, Any]) -> tuple[object, ...]:
    value = sent["value"]
    match sent["key"]:
        case "file":
            return "file", value["path"], base64.b64decode(value["content"])
        case "lfsFile":
            return "reference", value["path"], value["oid"], value["size"]
        case "deletedFile":
            return "deletion", value["path"], False
        case _:
            return "deletion", value["path"][:-1], True


@given(st.lists(lines, max_size=6), st.lists(st.integers(1, 50), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_what_was_sent_comes_out_in_whatever_pieces(
    sent: list[dict[str, Any]], lengths: list[int], as_ascii: bool, last_newline: bool
) -> None:
    data = b"\n".join(json.dumps(one, ensure_ascii=as_ascii).encode() for one in [HEADER, *sent])
    found = seen(data + b"\n" * last_newline, lengths)
    assert found == [("header", "s", None), *map(expected, sent)]


@given(st.binary(max_size=300), st.lists(st.integers(1, 30), min_size=1, max_size=3), st.booleans())
def test_noise_is_refused_or_read_and_nothing_else_happens(noise: bytes, lengths: list[int], headed: bool) -> None:
    data = json.dumps(HEADER).encode() + b"\n" + noise if headed else noise
    try:
        found = seen(data, lengths, most=100)
    except Invalid:
        return
    assert headed
    assert found[0] == ("header", "s", None)


FILE = json.dumps(line("file", content="QUJD", path="a", encoding="base64")).encode()


@given(st.integers(0, len(FILE) - 1), st.binary(min_size=0, max_size=3), st.lists(st.integers(1, 9), min_size=1))
def test_a_line_that_was_tampered_with_is_refused_or_means_what_json_says(
    at: int, put: bytes, lengths: list[int]
) -> None:
    changed = FILE[:at] + put + FILE[at + 1 :]
    try:
        found = seen(json.dumps(HEADER).encode() + b"\n" + changed, lengths)[1:]
    except Invalid:
        return
    assert found == [
        ("file", value["path"], base64.b64decode(value["content"]))
        for value in (json.loads(one)["value"] for one in changed.split(b"\n") if one.strip())
    ]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "missing"),
        (b"[]", "commit-line"),
        (b'"text"', "commit-line"),
        (b"{", "commit-line"),
        (b'{"key":"file"}', "commit-line"),
        (b'{"key":"copyFile","value":{"path":"a"}}', "commit-line"),
        (b'{"key":"file","value":{"path":"a","encoding":"base64"}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":0}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":["QQ=="]}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"QQ==","encoding":"utf-8"}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"QQ"}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"QQ==QQ=="}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"Q Q="}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"\\u0051Q=="}}', "base64"),
        (b'{"key":"file","value":{"path":"a","content":"QQ==', "base64"),
        (b'{"key":"file","value":{"path":"a","\\u0063ontent":"QQ=="}}', "base64"),
        (b'{"key":"file","value":{"path":1,"content":"QQ=="}}', "commit-line"),
        (b'{"key":"file","value":{"path":"a","content":"QQ==","content":"QQ=="}}', "twice"),
        (b'{"key":"file","value":{"path":"a","path":"b","content":"QQ=="}}', "twice"),
        (b'{"key":"file","key":"lfsFile","value":{"path":"a"}}', "twice"),
        (b'{"key":"lfsFile","value":{"path":"a","oid":"' + b"AB" * 32 + b'","size":1}}', "commit-line"),
        (b'{"key":"lfsFile","value":{"path":"a","oid":"' + b"ab" * 32 + b'","size":-1}}', "commit-line"),
        (b'{"key":"lfsFile","value":{"path":"a","oid":"' + b"ab" * 32 + b'","size":true}}', "commit-line"),
        (b'{"key":"lfsFile","value":{"path":"a","oid":"' + b"ab" * 32 + b'","size":' + b"9" * 5000 + b"}}",
         "commit-line"),
        (b'{"key":"header","value":{"summary":"again"}}', "commit-line"),
        (b'{"key":"deletedFile","value":{"path":"' + b"x" * 70_000 + b'"}}', "line-long"),
        (b'{"key":"deletedFile","value":' + b"[" * 70_000, "commit-line"),
        (b"\xff\xfe", "commit-line"),
    ],
)  # fmt: skip
def test_what_is_no_operation_is_refused_by_its_line(bad: bytes, why: str) -> None:
    head = json.dumps(HEADER).encode() + b"\n" if bad else b""
    for lengths in ([MIB], [1]):
        with pytest.raises(Invalid, match=why) as refused:
            seen(head + bad, lengths)
        assert list(refused.value.fields) == (["line 2"] if bad else ["header"])


def test_a_commit_begins_with_its_header() -> None:
    with pytest.raises(Invalid, match="line 1"):
        seen(FILE + b"\n" + json.dumps(HEADER).encode())
    assert seen(b"\n\n" + json.dumps(line("header", summary="s", parentCommit="0" * 40)).encode()) == [
        ("header", "s", "0" * 40)
    ]


def test_a_file_above_the_cap_is_refused_as_soon_as_it_is_above_it() -> None:
    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            Endless.given += size
            return b"QUJD" * (size // 4)

    class Headed(Endless):
        first = True

        def read(self, size: int, /) -> bytes:
            if self.first:
                self.first = False
                return json.dumps(HEADER).encode() + b'\n{"key":"file","value":{"content":"'
            return super().read(size)

    spools = Spools()
    with pytest.raises(Invalid, match="at-most"):
        for _ in Commit(Headed(), spools, 8 * MIB).operations():
            pass
    assert Endless.given < 16 * MIB
    assert spools.open == 0


def test_there_are_not_too_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_OPERATIONS", 3)
    gone = json.dumps(line("deletedFile", path="a")).encode()
    assert len(seen(b"\n".join([json.dumps(HEADER).encode(), gone, gone]))) == 3
    with pytest.raises(Invalid, match="at-most"):
        seen(b"\n".join([json.dumps(HEADER).encode(), gone, gone, gone]))


def test_memory_does_not_grow_with_the_file() -> None:
    class Long:
        """A file of 96 MiB in a line of 128 MiB."""

        left = 128

        def read(self, size: int, /) -> bytes:
            if self.left == 128:
                self.left -= 1
                return json.dumps(HEADER).encode() + b'\n{"key":"file","value":{"content":"'
            if self.left > 0:
                self.left -= 1
                return b"QUJD" * (MIB // 4)
            self.left -= 1
            return b'","path":"a"}}' if self.left == -1 else b""

    class Nowhere(io.BytesIO):
        def write(self, data: Any, /) -> int:
            return len(data)

    tracemalloc.start()
    operations = list(Commit(Long(), Nowhere, 200 * MIB).operations())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(operations[1], File)
    assert operations[1].size == 127 * MIB * 3 // 4
    assert peak < 16 * MIB
