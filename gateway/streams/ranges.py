"""Which bytes a request asks for: preconditions and ranges of RFC 9110, decided purely.

The question whether the client may have the bytes at all is asked before, never here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

RANGE_HEADER_MAX = 1024
_ONE_RANGE = re.compile(rb"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_ENTITY_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to answer: a status and the bytes ``start`` to ``stop`` (half-open) that go with it.

    Status is one of 200, 206, 304, 412 and 416; the last three have no body, so start equals stop.
    ``headers`` hold ETag and Accept-Ranges always, and Content-Range for 206 and 416; never Content-Length.
    """

    status: int
    start: int
    stop: int
    headers: tuple[Header, ...]

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.stop - self.start


def etag_of(sha256: str) -> str:
    """The strong entity tag of a content: its SHA-256 in quotes."""
    return f'"{sha256}"'


def evaluate(method: str, headers: Iterable[Header], *, size: int, etag: str) -> Plan:
    """Decide which bytes of a content of ``size`` bytes with the strong tag ``etag`` answer the request.

    Header names are in lower case, as ASGI gives them. GET and HEAD are answered alike. At most one range is served:
    several ranges, a malformed range, an unknown unit or a header above 1 KiB give the whole content.
    An If-Range that is not this very tag (a date, a weak tag) gives the whole content. RFC 9110 §13.2.2 and §14.2.
    """
    if method not in ("GET", "HEAD"):
        raise ValueError(f"ranges are for GET and HEAD, not for {method}")
    tag = etag.encode("ascii")
    found = _collect(headers)
    common: tuple[Header, ...] = ((b"etag", tag), (b"accept-ranges", b"bytes"))

    if_match = found.get(b"if-match")
    if if_match is not None and not _matches(if_match, tag, weakly=False):
        return Plan(status=412, start=0, stop=0, headers=common)
    if_none_match = found.get(b"if-none-match")
    if if_none_match is not None and _matches(if_none_match, tag, weakly=True):
        return Plan(status=304, start=0, stop=0, headers=common)

    whole = Plan(status=200, start=0, stop=size, headers=common)
    wanted = found.get(b"range")
    if wanted is None or found.get(b"if-range", tag) != tag:
        return whole
    span = _parse_range(wanted, size)
    if span is None:
        return whole
    start, stop = span
    if start >= stop:
        return Plan(status=416, start=0, stop=0, headers=(*common, (b"content-range", b"bytes */%d" % size)))
    content_range = b"bytes %d-%d/%d" % (start, stop - 1, size)
    return Plan(status=206, start=start, stop=stop, headers=(*common, (b"content-range", content_range)))


_CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-range", b"range"})


def _collect(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """The headers that matter here; a repeated one counts as one list (RFC 9110 §5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _CONDITIONS:
            value = value.strip(b" \t")
            found[name] = found[name] + b", " + value if name in found else value
    return found


def _matches(field: bytes, tag: bytes, *, weakly: bool) -> bool:
    """Whether a list of entity tags (or ``*``) names ours; a weak tag counts only where ``weakly`` (§8.8.3.2)."""
    if field == b"*":
        return True
    return any(opaque == tag and (weakly or not weak) for weak, opaque in _ENTITY_TAG.findall(field))


def _parse_range(field: bytes, size: int) -> tuple[int, int] | None:
    """The half-open span that a Range asks for; an empty one cannot be satisfied; None means: as if not asked."""
    if len(field) > RANGE_HEADER_MAX:
        return None
    match = _ONE_RANGE.fullmatch(field)
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        if not last or (size == 0 and int(last) > 0):
            return None  # "-" says nothing, and the end of an empty content cannot be named in a Content-Range
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    stop = min(int(last) + 1, size) if last else size
    return int(first), stop
