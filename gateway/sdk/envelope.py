"""Signed statements on the wire: a DSSE envelope around canonical JSON. What signs and checks is handed in.

The format is DSSE v1: https://github.com/secure-systems-lab/dsse. Both sides of the wire use it.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping

from gateway.sdk.wire import PAYLOAD_TYPES, Envelope

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes, bytes], bool]
"""``verify(public_key, signature, message)``."""

KEY_ID_DIGITS = 32


class BadEnvelope(Exception):
    """It is no envelope, is of another kind, or no signature of a known key fits."""


def key_id(public_key: bytes) -> str:
    """The name of a key: the first 32 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]


def canonical(statement: Mapping[str, object]) -> bytes:
    """RFC 8785 for the statements of this protocol, whose names are ASCII and whose numbers are integers."""
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What a signature is made over, so that bytes of one kind never pass for another."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(kind: str, payload: bytes, signers: Iterable[tuple[str, Sign]]) -> Envelope:
    """The envelope around a payload of that kind, signed with each (key id, sign)."""
    message = pre_authentication(PAYLOAD_TYPES[kind], payload)
    signatures = [{"keyid": keyid, "sig": base64.b64encode(sign(message)).decode()} for keyid, sign in signers]
    return {
        "payloadType": PAYLOAD_TYPES[kind],
        "payload": base64.b64encode(payload).decode(),
        "signatures": signatures,  # type: ignore[typeddict-item]  # a Signature has just these two
    }


def opened(kind: str, envelope: object, keys: Mapping[str, bytes], verify: Verify) -> tuple[bytes, str]:
    """The payload, and which of `keys` (id → public key) signed it. Raises BadEnvelope."""
    payload, signatures = _read(kind, envelope)
    message = pre_authentication(PAYLOAD_TYPES[kind], payload)
    for keyid, signature in signatures:
        public_key = keys.get(keyid)
        if public_key is not None and verify(public_key, signature, message):
            return payload, keyid
    raise BadEnvelope("no signature of a known key fits")


def signers_of(kind: str, envelope: object) -> tuple[bytes, list[str]]:
    """The payload, unchecked, and the ids of the keys that are said to have signed it. Raises BadEnvelope."""
    payload, signatures = _read(kind, envelope)
    return payload, [keyid for keyid, _ in signatures]


def statement_of(kind: str, payload: bytes) -> dict[str, object]:
    """The JSON object of a payload whose signature was checked. Raises BadEnvelope when its type is another."""
    try:
        statement = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadEnvelope("the payload is no JSON") from error
    if not isinstance(statement, dict) or statement.get("type") != f"gw.{kind}/v1":
        raise BadEnvelope(f"the payload is no gw.{kind}/v1")
    return statement


def _read(kind: str, envelope: object) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        if not isinstance(envelope, Mapping) or envelope["payloadType"] != PAYLOAD_TYPES[kind]:
            raise BadEnvelope(f"expects {PAYLOAD_TYPES[kind]}")
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (str(signature["keyid"]), base64.b64decode(signature["sig"], validate=True))
            for signature in envelope["signatures"]
        ]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadEnvelope("not an envelope") from error
    return payload, signatures
