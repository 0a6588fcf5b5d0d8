"""Signed statements: what is accepted is what was signed, as that kind, by a key that is known."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk.envelope import (
    BadEnvelope,
    canonical,
    key_id,
    opened,
    pre_authentication,
    seal,
    signers_of,
    statement_of,
)
from gateway.sdk.signing import SigningKey, verify
from gateway.sdk.wire import Envelope

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
KNOWN = {KEY.id: KEY.public}
PAYLOAD = b'{"type":"gw.recall/v1"}'


def sealed(kind: str = "recall", payload: bytes = PAYLOAD, *keys: SigningKey) -> Envelope:
    return seal(kind, payload, [(key.id, key.sign) for key in keys or (KEY,)])


def refused(envelope: object, kind: str = "recall", keys: Mapping[str, bytes] = KNOWN) -> None:
    with pytest.raises(BadEnvelope):
        opened(kind, envelope, keys, verify)


def test_the_pre_authentication_is_that_of_the_published_example() -> None:
    message = pre_authentication("http://example.com/HelloWorld", b"hello world")
    assert message == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_what_was_sealed_opens_with_the_key_that_signed_it() -> None:
    assert opened("recall", sealed(), KNOWN, verify) == (PAYLOAD, KEY.id)
    assert opened("recall", sealed("recall", PAYLOAD, OTHER, KEY), KNOWN, verify) == (PAYLOAD, KEY.id)
    assert opened("recall", json.loads(json.dumps(sealed())), KNOWN, verify) == (PAYLOAD, KEY.id)


def test_a_foreign_key_opens_nothing_even_under_a_known_name() -> None:
    refused(sealed("recall", PAYLOAD, OTHER))
    forged = sealed("recall", PAYLOAD, OTHER)
    forged["signatures"][0]["keyid"] = KEY.id
    refused(forged)


def test_one_kind_never_passes_for_another() -> None:
    as_receipt = sealed("receipt")
    refused(as_receipt)
    renamed: Envelope = {**as_receipt, "payloadType": sealed()["payloadType"]}
    refused(renamed)


@given(st.integers(min_value=0, max_value=len(PAYLOAD) * 8 - 1))
def test_a_payload_with_one_bit_changed_is_refused(bit: int) -> None:
    changed = bytearray(PAYLOAD)
    changed[bit // 8] ^= 1 << bit % 8
    refused({**sealed(), "payload": base64.b64encode(bytes(changed)).decode()})


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        "text",
        {},
        {**sealed(), "payload": "not base64!"},
        {**sealed(), "payload": 3},
        {**sealed(), "signatures": None},
        {**sealed(), "signatures": [3]},
        {**sealed(), "signatures": []},
        {**sealed(), "signatures": [{"keyid": KEY.id}]},
        {**sealed(), "signatures": [{"keyid": KEY.id, "sig": "AAAA"}]},
    ],
)
def test_what_is_no_envelope_is_refused(envelope: object) -> None:
    refused(envelope)


def test_the_signers_are_told_unchecked() -> None:
    assert signers_of("recall", sealed("recall", PAYLOAD, OTHER)) == (PAYLOAD, [OTHER.id])


def test_a_statement_is_an_object_of_its_own_type() -> None:
    assert statement_of("recall", PAYLOAD) == {"type": "gw.recall/v1"}
    for payload in (b"", b"[]", b"{}", b'{"type":"gw.receipt/v1"}', b"[" * 100_000):
        with pytest.raises(BadEnvelope):
            statement_of("recall", payload)


def test_a_public_key_of_the_wrong_length_verifies_nothing() -> None:
    assert not verify(b"short", KEY.sign(b"m"), b"m")
    assert verify(KEY.public, KEY.sign(b"m"), b"m")
    assert len(key_id(KEY.public)) == 32


whole_text = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.dictionaries(
        st.text(st.characters(max_codepoint=126)), whole_text | st.integers(-(2**53) + 1, 2**53 - 1) | st.none()
    )
)
def test_canonical_json_is_that_of_the_standard(statement: dict[str, str | int | None]) -> None:
    assert canonical(statement) == rfc8785.dumps(statement)
