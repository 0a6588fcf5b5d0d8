"""Hostile addresses and bodies for the foreign dialects: whatever is sent, the answer is an answer, never a failure."""

from __future__ import annotations

import inspect
import json
import re
import socket
import unicodedata
from collections.abc import Iterator
from unittest.mock import MagicMock
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.vocabulary import Kind
from gateway.web.compat import routes as compat_routes
from gateway.web.rawroute import FIELD
from gateway.web.routes import MODEL, Entry, byte_routes
from tests.houses import House, Set, running

EXAMPLES = 60
LONG = 8 * 1024
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
NFC, NFD = (unicodedata.normalize(form, "é人脸Å") for form in ("NFC", "NFD"))
NASTY = [
    "..", ".", "%2e%2e", "%2E", "..%2f..%2fkeys%2fserver.key", "%2F", "%2f%2f", "%252F", "%00", "a%00b", "%0d%0aX:1",
    "%09", "%ff", "%C3%28", "%ED%A0%80", "%zz", "%", "%e2%80%ae", "\\", "%5c", ";", "*", "~", "'", "\"", "<x>", "{}",
    "|", "^", "`", "#", " ", "+", "refs%2Fpr%2F1", "refs%2Fheads%2Fmain", "0" * 40, "f" * 40, "main", "x" * LONG,
    "%41" * (LONG // 3), "a/" * 900, NFC, NFD, "1" * 5000, "-1", "é", "\x7f", "\x80",
]  # fmt: skip
SEGMENT = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=20))
QUERY = st.lists(
    st.tuples(
        st.sampled_from(["cursor", "limit", "recursive", "expand", "filter", "sort", "search", "blobs"]), SEGMENT
    ),
    max_size=3,
)


def entries() -> list[Entry]:
    """All addresses of foreign dialects."""
    makers = [byte_routes, *(make for name, make in vars(compat_routes).items() if name.endswith("_routes"))]
    found: list[Entry] = []
    for make in makers:
        found += make(**dict.fromkeys(inspect.signature(make).parameters, MagicMock()))
    return [entry for entry in found if entry.refuse is not None]


ENTRIES = entries()


class Wire:
    """One connection after another to the gateway, written to byte by byte."""

    def __init__(self, house: House, each: Set, token: str, ticket: str) -> None:
        self.port = house.gateway.port
        self.each = each
        self.token = token
        self.ticket = ticket  # to send one content with

    def status(self, method: str, target: str, body: bytes = b"", *headers: str) -> int:
        """The status of the answer; a head that no parser takes is refused as such (400)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            head = [
                f"{method} {target} HTTP/1.1",
                "Host: x",
                "Connection: close",
                f"Content-Length: {len(body)}",
                *headers,
            ]
            head.append(f"Authorization: Bearer {self.token}")
            wire.sendall("\r\n".join([*head, "", ""]).encode("utf-8", "surrogatepass") + body)
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
        found = STATUS.match(answer)
        assert found is not None, f"{method} {target!r} got {answer[:200]!r}"
        return int(found[1])


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with running(tmp_path_factory.mktemp("house")) as house:
        each = house.publish({"a/b.txt": b"x", f"{NFC}/c.txt": b"y"}, kind=Kind.DATASET, tag="v1")
        token = house.gateway.token  # an operator's: behind a refusal there would be nothing to find
        house.accept(token, each)
        yield Wire(house, each, token, ticket(house, each, token))


def ticket(house: House, each: Set, token: str) -> str:
    """What a client is given to send a large content with, in parts."""
    asked = {"operation": "upload", "transfers": ["multipart"], "objects": [{"oid": "ab" * 32, "size": 2**30}]}
    with house.gateway.client(token) as client:
        answer = client.post(f"/datasets/{each.name}.git/info/lfs/objects/batch", json=asked).raise_for_status().json()
    return str(answer["objects"][0]["actions"]["upload"]["href"]).rpartition("/")[2]


def true_values(wire: Wire) -> dict[str, str]:
    ns, name = wire.each.name.split("/")
    place = {"kind": "datasets", "ns": ns, "name": name, "rev": "main", "path": "a/b.txt"}
    more = {"ticket": wire.ticket, "number": "1", "status": "pending"}
    return {**place, **more, "id": wire.each.version, "access_id": "https", "user": "x"}


@pytest.mark.parametrize(
    "entry", ENTRIES, ids=lambda entry: f"{entry.methods[0]} {entry.path.replace(MODEL, '/MODEL')}"
)
def test_no_address_makes_the_gateway_fail(wire: Wire, entry: Entry) -> None:
    fields = [field[1] for field in FIELD.finditer(entry.path)]
    true = true_values(wire)

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from([*fields, "-"]), SEGMENT, max_size=len(fields)), QUERY)
    @example({}, [])
    @example({"path": "..%2f..%2fkeys%2fserver.key"}, [])
    @example({"rev": "0" * 40}, [("limit", "1" * 5000)])
    @example(dict.fromkeys(fields, "a%00b"), [("cursor", "%00")])
    @example(dict.fromkeys(fields, "%0d%0aX:1"), [("cursor", "%0d%0a")])
    @example(dict.fromkeys(fields, "x" * LONG), [("cursor", "x" * LONG)])
    @example(dict.fromkeys(fields, "人%ED%A0%80"), [])
    def hostile(changed: dict[str, str], query: list[tuple[str, str]]) -> None:
        target = FIELD.sub(lambda field: changed.get(field[1], true.get(field[1], "x")), entry.path)
        if query:
            target += "?" + "&".join(f"{name}={value}" for name, value in query)
        target = re.sub(r"[\s\x00]", "%20", target)
        for method in entry.methods:
            status = wire.status(method, target)
            assert status < 500, f"{method} {target!a} gave {status}"

    hostile()


@pytest.mark.parametrize("raw", ["a%2Fb.txt", "a/b.txt"])
def test_an_encoded_slash_names_the_same_file(wire: Wire, raw: str) -> None:
    assert wire.status("HEAD", f"/datasets/{wire.each.name}/resolve/main/{raw}") == 200


def test_names_are_compared_as_they_were_published(wire: Wire) -> None:
    base = f"/datasets/{wire.each.name}/resolve/main/"
    assert wire.status("HEAD", base + quote(f"{NFC}/c.txt")) == 200
    assert wire.status("HEAD", base + quote(f"{NFD}/c.txt")) == 404


@pytest.mark.parametrize(
    "path",
    [
        "../keys/server.key",
        "a/../a/b.txt",
        "a//b.txt",
        "/a/b.txt",
        "a/b.txt/",
        "a/b.txt%00",
        ".%2e/a/b.txt",
        "a%5cb.txt",
    ],
)
def test_no_other_spelling_leads_to_a_file(wire: Wire, path: str) -> None:
    assert wire.status("GET", f"/datasets/{wire.each.name}/resolve/main/{path}") == 404


def as_form(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "replace")


SENT = [(method, entry) for entry in ENTRIES for method in entry.methods if method in {"POST", "PUT"}]
SENT_IDS = [f"{method} {entry.path.replace(MODEL, '/MODEL')}" for method, entry in SENT]


@pytest.mark.parametrize(("method", "entry"), SENT, ids=SENT_IDS)
def test_no_body_makes_the_gateway_fail(wire: Wire, method: str, entry: Entry) -> None:
    true = true_values(wire)
    target = FIELD.sub(lambda field: true.get(field[1], "x"), entry.path)
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
    known = st.sampled_from(
        ["paths", "user", "status", "requestId", "gated", "grant_type", "device_code", "client_id", "name", "type",
         "organization", "content", "repoType", "files", "path", "size", "operation", "objects", "oid", "parts", "key",
         "value"]
    )  # fmt: skip
    bodies = st.one_of(
        st.binary(max_size=200),
        st.dictionaries(known, json_values, max_size=4).map(lambda value: json.dumps(value).encode()),
        st.lists(st.tuples(known, SEGMENT), max_size=4).map(as_form),
    )

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(bodies, st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "x"]))
    def hostile(body: bytes, kind: str) -> None:
        status = wire.status(method, target, body, f"Content-Type: {kind}")
        assert status < 500, f"{method} {target} gave {status} for {body[:200]!r} as {kind}"

    hostile()


@pytest.mark.parametrize(("method", "entry"), SENT, ids=SENT_IDS)
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"paths":' + b"[" * 5000, b"paths=x&" * 50_000])
def test_neither_depth_nor_length_does(wire: Wire, method: str, entry: Entry, body: bytes) -> None:
    target = FIELD.sub(lambda field: true_values(wire).get(field[1], "x"), entry.path)
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        assert wire.status(method, target, body, f"Content-Type: {kind}") < 500
