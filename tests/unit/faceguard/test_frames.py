import io
import json

import numpy as np
import pytest

from faceguard.encode import encode
from faceguard.frames import (
    BadFrame,
    Standing,
    frame,
    limits_from,
    read_frame,
    reply,
    request,
    result_from,
    standing,
    standing_from,
)
from faceguard.result import Blurred, Limits, Refused, Why


def frames(message: bytes) -> list[bytes]:
    source = io.BytesIO(message)
    return [read_frame(source.read) for _ in range(2)]


def jpeg() -> bytes:

    return encode(np.zeros((8, 8, 3), np.uint8))


def test_a_request_arrives_as_it_was_sent():
    limits = Limits(preview_px=256, wall_s=3.5)
    facts, data = frames(request(limits, 7) + b"picture")
    assert limits_from(facts) == (limits, 0)
    assert data == b"picture"


@pytest.mark.parametrize(
    "result", [Refused(Why.TRUNCATED), Blurred(jpeg=jpeg(), width=8, height=8, faces=2, covered=0.25, alarms=1)]
)
def test_a_reply_arrives_as_it_was_sent(result):
    assert result_from(*frames(reply(result))) == result


def test_a_frame_longer_than_allowed_is_not_read():
    with pytest.raises(BadFrame):
        read_frame(io.BytesIO(frame(b"x" * 100)).read, 99)


@pytest.mark.parametrize("told", [Standing("full", True, ""), Standing(None, False, "libEGL.so.1 is missing")])
def test_what_a_worker_runs_arrives_as_it_was_sent(told):
    assert standing_from(read_frame(io.BytesIO(standing(told)).read)) == told


@pytest.mark.parametrize("told", [b"ready", b"{}", b'{"plan": 1, "mediapipe": true, "trouble": ""}'])
def test_a_first_word_that_is_none_is_not_believed(told):
    with pytest.raises(BadFrame):
        standing_from(told)


GOOD = {"width": 8, "height": 8, "faces": 0, "covered": 0.0, "alarms": 0}


def test_a_good_reply_is_believed():
    assert result_from(json.dumps(GOOD).encode(), jpeg()) == Blurred(
        jpeg=jpeg(), width=8, height=8, faces=0, covered=0.0
    )


@pytest.mark.parametrize(
    ("facts", "picture"),
    [
        (b"not json", b""),
        (b"[]", b""),
        (json.dumps({"why": "because"}).encode(), b""),
        (json.dumps({"why": "truncated"}).encode(), jpeg()),
        (json.dumps({"why": "truncated", "more": 1}).encode(), b""),
        (json.dumps(GOOD).encode(), b""),
        (json.dumps(GOOD).encode(), jpeg() + b"trailing"),
        (json.dumps({**GOOD, "width": "8"}).encode(), jpeg()),
        (json.dumps({**GOOD, "extra": 1}).encode(), jpeg()),
        (json.dumps({key: GOOD[key] for key in ("width", "height", "faces", "covered")}).encode(), jpeg()),
    ],
)
def test_a_worker_that_says_anything_odd_is_not_believed(facts, picture):
    with pytest.raises(BadFrame):
        result_from(facts, picture)
