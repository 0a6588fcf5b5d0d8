"""Whom this machine believes about recalls: one wrong thing, and nothing of the answer counts."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk.errors import Untrusted
from gateway.sdk.recall.feed import Answer, DigestSet, believe, digests_of
from gateway.sdk.recall.keys import Pins, first, follow, text
from gateway.sdk.signing import verify
from tests.unit.sdk.recall.gate import NOW, VERSION, Gate, digest, key


def read(
    answer: dict[str, Any], gate: Gate, *, after: int = 0, last: str | None = None, pins: Pins | None = None
) -> Answer:
    return believe(
        answer,
        pins=pins or first(gate.keys(), verify),
        account=gate.account,
        after=after,
        last_issued=last,
        now=gate.now,
        verify=verify,
    )


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.recall([digest(1)])
    gate.recall([digest(2), digest(3)], action="quarantine", deadline=None)
    return gate


def test_a_right_answer_is_believed_whole(gate: Gate) -> None:
    answer = read(gate.answer(), gate)
    assert [(n.seq, n.digests, n.versions) for n in answer.notices] == [
        (10, (digest(1),), {VERSION}),
        (20, (digest(2), digest(3)), {VERSION}),
    ]
    assert (answer.through, answer.more) == (20, False)


def swap(answer: dict[str, Any]) -> None:
    answer["notices"].reverse()


def drop(answer: dict[str, Any]) -> None:
    answer["notices"].pop()


def repeat(answer: dict[str, Any]) -> None:
    answer["notices"].append(answer["notices"][0])


def strip(answer: dict[str, Any]) -> None:
    answer["list"]["signatures"] = []


def tamper(answer: dict[str, Any]) -> None:
    answer["notices"][0]["payload"] = answer["notices"][1]["payload"]


@pytest.mark.parametrize("change", [swap, drop, repeat, strip, tamper, lambda answer: answer.pop("keys")])
def test_notices_that_are_not_exactly_the_listed_ones_are_refused(
    gate: Gate, change: Callable[[dict[str, Any]], object]
) -> None:
    answer = gate.answer()
    change(answer)
    with pytest.raises(Untrusted):
        read(answer, gate)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://other.example.org"},
        {"account": "someone"},
        {"after": 10},
        {"through": 15},
        {"through": -1},
        {"through": "20"},
        {"more": 1},
        {"notices": []},
        {"expires": text(NOW)},
        {"issued": text(NOW - timedelta(hours=2))},
        {"issued": text(NOW + timedelta(days=2))},
        {"issued": "yesterday"},
        {"type": "gw.keys/v1"},
    ],
)
def test_a_list_that_says_something_else_is_refused(gate: Gate, changes: dict[str, object]) -> None:
    with pytest.raises(Untrusted):
        read(gate.answer(**changes), gate, last=text(NOW - timedelta(hours=1)))


def test_a_notice_of_a_foreign_key_is_refused(gate: Gate) -> None:
    stranger = Gate(sent=gate.sent)
    with pytest.raises(Untrusted):
        read(stranger.answer(), gate)
    mixed = gate.answer()
    mixed["notices"] = stranger.answer()["notices"]
    with pytest.raises(Untrusted):
        read(mixed, gate)


def test_an_answer_that_was_seen_before_is_refused_the_second_time(gate: Gate) -> None:
    old = gate.answer()
    gate.now += timedelta(hours=1)
    assert read(gate.answer(20), gate, after=20).notices == ()
    with pytest.raises(Untrusted):
        read(old, gate, after=20)
    with pytest.raises(Untrusted):
        read(old, gate, last=text(gate.now))


@pytest.mark.parametrize("seqs", [(10, 10), (20, 10), (0, 10), (-1, 5)])
def test_sequences_that_do_not_rise_are_refused(seqs: tuple[int, int]) -> None:
    gate = Gate()
    for seq in seqs:
        gate.recall([digest(seq + 5)], seq=seq)
    answer = gate.answer(-100, after=0, through=20)
    with pytest.raises(Untrusted):
        read(answer, gate)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://other.example.org"},
        {"notice": "../../etc"},
        {"notice": ""},
        {"versions": ["main"]},
        {"versions": "ab" * 20},
        {"scope": "all"},
        {"action": "delete"},
        {"action": "run"},
        {"reason_code": "x; rm -rf /"},
        {"digests": [{"alg": "sha256", "d": "../../etc/passwd", "size": 1}]},
        {"digests": [{"alg": "sha256", "d": "/etc/passwd", "size": 1}]},
        {"digests": [{"alg": "md5", "d": digest(1), "size": 1}]},
        {"digests": [{"alg": "sha256", "d": digest(1).upper().replace("1", "A"), "size": 1}]},
        {"digests": [{"alg": "sha256", "d": digest(1), "size": 1}] * 2},
        {"digests": {"d": digest(1)}},
        {"digests": ..., "digest_set": {"url_path": "https://evil/", "sha256": digest(1), "count": 1}},
        {"digests": ..., "digest_set": {"url_path": "//evil/v1", "sha256": digest(1), "count": 1}},
        {"expires": "never"},
    ],
)
def test_a_notice_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    gate = Gate()
    gate.recall([digest(1)], **changes)
    with pytest.raises(Untrusted):
        read(gate.answer(), gate)


def test_an_expired_notice_is_not_obeyed() -> None:
    gate = Gate()
    gate.recall([digest(1)], expires=text(NOW))
    gate.recall([digest(2)])
    answer = read(gate.answer(), gate)
    assert [notice.digests for notice in answer.notices] == [(digest(2),)]
    assert answer.through == 20


def test_digests_that_are_fetched_are_the_ones_of_the_notice() -> None:
    lines = b"".join(b"%s 7\n" % digest(n).encode() for n in range(3))
    wanted = DigestSet(sha256=hashlib.sha256(lines).hexdigest(), count=3)
    assert digests_of(lines, wanted) == tuple(digest(n) for n in range(3))
    with pytest.raises(Untrusted):
        digests_of(lines + b"\n", wanted)
    with pytest.raises(Untrusted):
        digests_of(lines, DigestSet(sha256=wanted.sha256, count=4))


def test_keys_are_followed_from_one_that_was_pinned_to_the_next() -> None:
    gate, new, third = Gate(), key(), key()
    pins = first(gate.keys(), verify)
    gate.serial = 2
    pins = follow(pins, gate.keys(new, gate.signing), NOW, verify)
    assert {k.keyid for k in pins.keys} == {new.id, gate.signing.id}
    gate.serial = 3
    pins = follow(pins, gate.keys(third, new), NOW, verify)
    gate.serial = 4
    with pytest.raises(Untrusted, match="no signature"):
        follow(pins, gate.keys(gate.signing), NOW, verify)


def test_a_list_of_keys_never_goes_back_nor_elsewhere() -> None:
    gate = Gate(serial=5)
    pins = first(gate.keys(), verify)
    for other in (gate.keys(serial=4), gate.keys(origin="https://other.example.org"), Gate(serial=6).keys()):
        with pytest.raises(Untrusted):
            follow(pins, other, NOW, verify)
    assert follow(pins, gate.keys(), NOW, verify) == pins


def test_a_former_key_is_believed_until_its_time_is_over() -> None:
    gate, new = Gate(), key()
    gate.serial = 2
    pins = first(gate.keys(new, gate.signing), verify)
    gate.recall([digest(1)])
    gate.serial = 3
    answer = {**gate.answer(), "keys": gate.keys(new, gate.signing)}
    assert read(copy.deepcopy(answer), gate, pins=pins).notices
    gate.now += timedelta(days=91)
    late = {**gate.answer(), "keys": gate.keys(new)}
    with pytest.raises(Untrusted):
        read(late, gate, pins=pins)


def test_the_first_list_counts_only_when_each_of_its_keys_signed_it() -> None:
    gate, other = Gate(), key()
    with pytest.raises(Untrusted):
        first(gate.keys(gate.signing, other, signed=[gate.signing]), verify)
    with pytest.raises(Untrusted):
        first({}, verify)
    with pytest.raises(Untrusted):
        first(gate.keys(keys=[]), verify)


@pytest.mark.parametrize("wrong", [timedelta(hours=-25), timedelta(days=-302), timedelta(days=2), timedelta(days=91)])
def test_where_the_clock_may_be_wrong_it_is_named(wrong: timedelta) -> None:
    gate, new = Gate(), key()
    pins = first(gate.keys(new, gate.signing), verify)
    gate.recall([digest(1)])
    answer = {**gate.answer(), "keys": gate.keys(new, gate.signing)}
    gate.now += wrong
    with pytest.raises(Untrusted) as caught:
        read(answer, gate, pins=pins)
    assert caught.value.code == "untrusted"
    assert f"clock says {gate.now:%Y-%m-%d %H:%M} UTC and may be wrong" in caught.value.say("en")
    assert f"本机时钟为 {gate.now:%Y-%m-%d %H:%M} UTC" in caught.value.say("zh")
    assert "hubgate login" not in caught.value.say("en")


def test_of_what_is_wrong_at_any_time_the_clock_is_not_blamed(gate: Gate) -> None:
    answer = Gate(sent=gate.sent).answer()
    gate.now -= timedelta(days=302)
    with pytest.raises(Untrusted) as caught:
        read(answer, gate)
    assert "hubgate login" in caught.value.say("en")
