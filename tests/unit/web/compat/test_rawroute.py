"""Routes over the raw path: what is encoded stays in its segment, and nothing is decoded twice."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from gateway.web.rawroute import RawRoute


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("not called")


def found(path: str, raw: bytes, method: str = "GET", methods: tuple[str, ...] = ("GET",)) -> tuple[Match, Any]:
    match, child = RawRoute(path, nothing, methods).matches({"type": "http", "method": method, "raw_path": raw})
    return match, child.get("path_params")


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b"/tree/main/a/b", {"rev": "main", "path": "a/b"}),
        (b"/tree/refs%2Fpr%2F1/a%2Fb", {"rev": "refs/pr/1", "path": "a/b"}),
        (b"/tree/main/a%252Fb", {"rev": "main", "path": "a%2Fb"}),
        (b"/tree/main/%E4%BA%BA/x", {"rev": "main", "path": "人/x"}),
        (b"/tree/main/..%2F..%2Fkeys", {"rev": "main", "path": "../../keys"}),
        (b"/tree/main/a?b=c", {"rev": "main", "path": "a"}),
    ],
)
def test_a_value_is_decoded_once_and_keeps_to_its_place(raw: bytes, values: dict[str, str]) -> None:
    assert found("/tree/{rev}/{path:path}", raw) == (Match.FULL, values)


@pytest.mark.parametrize("raw", [b"/tree/main/%ff", b"/tree//x", b"/tree/main/", b"/tree/a/b/../../../x/%C3%28"])
def test_what_is_no_utf8_or_empty_matches_nothing(raw: bytes) -> None:
    assert found("/tree/{rev}/{path:path}", raw)[0] is Match.NONE


def test_a_field_of_words_takes_only_those() -> None:
    path = "/api/{kind:models|datasets}/{ns}"
    assert found(path, b"/api/models/a")[1] == {"kind": "models", "ns": "a"}
    assert found(path, b"/api/spaces/a")[0] is Match.NONE
    assert found(path, b"/api/datasetsx/a")[0] is Match.NONE


def test_another_method_is_said_to_be_so_and_head_goes_with_get() -> None:
    assert found("/a", b"/a", "POST")[0] is Match.PARTIAL
    assert found("/a", b"/a", "HEAD")[0] is Match.FULL


def test_another_method_is_refused_and_the_right_ones_are_named() -> None:
    scope = {"type": "http", "method": "POST", "raw_path": b"/a"}
    with pytest.raises(HTTPException) as refused:
        anyio.run(RawRoute("/a", nothing, ("GET",)).handle, scope, None, None)
    assert refused.value.headers == {"Allow": "GET, HEAD"}
