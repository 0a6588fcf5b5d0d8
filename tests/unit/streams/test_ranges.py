"""Preconditions and ranges, RFC 9110 §13 and §14."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.streams.ranges import Plan, etag_of, evaluate

TAG = etag_of("ab" * 32)
SIZE = 1000


def plan(size: int = SIZE, method: str = "GET", **headers: str) -> Plan:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return evaluate(method, pairs, size=size, etag=TAG)


def header(answer: Plan, name: bytes) -> bytes | None:
    return dict(answer.headers).get(name)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-999", 0, 1000),
        ("bytes=10-", 10, 1000),
        ("bytes=990-5000", 990, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("BYTES=5-6", 5, 7),
        ("bytes= 5-6 ", 5, 7),
    ],
)
def test_one_range_is_served_and_clamped(asked: str, start: int, stop: int) -> None:
    answer = plan(range=asked)
    assert (answer.status, answer.start, answer.stop, answer.length) == (206, start, stop, stop - start)
    assert header(answer, b"content-range") == f"bytes {start}-{stop - 1}/1000".encode()


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=a-b", "bytes=-", "bytes=5-4", "items=0-5", "bytes=--5", "bytes=0-1;x", "", "bytes 0-5"],
)
def test_several_ranges_or_a_malformed_one_or_another_unit_give_the_whole(asked: str) -> None:
    answer = plan(range=asked)
    assert (answer.status, answer.start, answer.stop) == (200, 0, SIZE)
    assert header(answer, b"content-range") is None


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=99999999999999999999-"])
def test_a_range_past_the_end_is_416_and_tells_the_size(asked: str) -> None:
    answer = plan(range=asked)
    assert (answer.status, answer.length, header(answer, b"content-range")) == (416, 0, b"bytes */1000")


def test_a_range_of_an_empty_content() -> None:
    assert plan(size=0, range="bytes=-5").status == 200
    assert plan(size=0, range="bytes=0-").status == 416
    assert plan(size=0, range="bytes=-0").status == 416


def test_a_header_above_one_kibibyte_is_ignored() -> None:
    at_the_limit = "bytes=" + "0" * (1024 - len("bytes=-5")) + "-5"
    assert plan(range=at_the_limit).status == 206
    assert plan(range=at_the_limit.replace("=", "=0")).status == 200


def test_two_range_headers_count_as_several_ranges() -> None:
    pairs = [(b"range", b"bytes=0-1"), (b"range", b"bytes=5-6")]
    assert evaluate("GET", pairs, size=SIZE, etag=TAG).status == 200


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        (TAG, 206),
        (f" {TAG} ", 206),
        (f"W/{TAG}", 200),
        ('"other"', 200),
        ("Wed, 25 Nov 2026 00:00:00 GMT", 200),
        ("", 200),
    ],
)
def test_if_range_holds_for_this_very_tag_alone(validator: str, status: int) -> None:
    assert plan(range="bytes=0-5", if_range=validator).status == status


@pytest.mark.parametrize(
    ("tags", "status"),
    [(TAG, 304), (f"W/{TAG}", 304), (f'"x", {TAG}', 304), ("*", 304), ('"x"', 200), ("junk", 200), ("", 200)],
)
def test_if_none_match_compares_weakly(tags: str, status: int) -> None:
    assert plan(if_none_match=tags).status == status
    assert plan(if_none_match=tags, method="HEAD").status == status


@pytest.mark.parametrize(
    ("tags", "status"), [(TAG, 200), (f'"x",{TAG}', 200), ("*", 200), (f"W/{TAG}", 412), ('"x"', 412), ("", 412)]
)
def test_if_match_compares_strongly(tags: str, status: int) -> None:
    assert plan(if_match=tags).status == status


def test_if_match_goes_before_if_none_match_and_both_before_the_range() -> None:
    assert plan(if_match='"x"', if_none_match=TAG).status == 412
    assert plan(if_none_match=TAG, range="bytes=5000-").status == 304


def test_other_methods_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="POST"):
        plan(method="POST")


def test_every_answer_names_the_tag_and_that_ranges_are_taken() -> None:
    for answer in (plan(), plan(range="bytes=0-1"), plan(range="bytes=9999-"), plan(if_none_match=TAG)):
        assert header(answer, b"etag") == TAG.encode()
        assert header(answer, b"accept-ranges") == b"bytes"


FIELDS = st.sampled_from([b"range", b"if-range", b"if-match", b"if-none-match", b"accept"])
VALUES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda a, b: b"bytes=%s-%s" % (a, b), *[st.sampled_from([b"", b"0", b"7", b"999", b"1000", b"x"])] * 2),
    st.sampled_from([TAG.encode(), b"*", b"W/" + TAG.encode()]),
)


@given(st.lists(st.tuples(FIELDS, VALUES), max_size=5), st.integers(0, 2000))
@example([(b"range", b"bytes=0-" + b"0" * 1010)], 5)
def test_no_header_gives_bytes_outside_the_content_or_a_contradiction(
    headers: list[tuple[bytes, bytes]], size: int
) -> None:
    answer = evaluate("GET", headers, size=size, etag=TAG)
    assert 0 <= answer.start <= answer.stop <= size
    assert answer.status in (200, 206, 304, 412, 416)
    if answer.status == 200:
        assert answer.length == size
    elif answer.status == 206:
        assert answer.length > 0
        assert header(answer, b"content-range") == b"bytes %d-%d/%d" % (answer.start, answer.stop - 1, size)
    else:
        assert answer.length == 0
    assert evaluate("HEAD", headers, size=size, etag=TAG) == answer


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_a_range_gives_exactly_the_bytes_it_names(size: int, first: int, length: int) -> None:
    content = bytes(index % 251 for index in range(size))
    answer = plan(size=size, range=f"bytes={first}-{first + length}")
    if first >= size:
        assert answer.status == 416
    else:
        assert content[answer.start : answer.stop] == content[first : first + length + 1]
