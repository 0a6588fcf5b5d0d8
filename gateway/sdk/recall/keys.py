"""The gateway's keys as this machine pinned them. Pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from gateway.sdk.envelope import BadEnvelope, Verify, key_id, opened, signers_of, statement_of
from gateway.sdk.errors import Untrusted

TOLERANCE = timedelta(days=1)
"""A clock that is wrong by less does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key by which the gateway signs. `not_after` None: it signs now."""

    keyid: str
    public: bytes
    not_before: datetime
    not_after: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Whom to believe: an origin, and the keys of one list of its."""

    origin: str
    serial: int
    keys: tuple[Key, ...]

    def in_force(self, now: datetime) -> Mapping[str, bytes]:
        """The public keys whose time it is, by id."""
        return {
            key.keyid: key.public
            for key in self.keys
            if key.not_before - TOLERANCE <= now and (key.not_after is None or now < key.not_after)
        }

    def dumps(self) -> str:
        keys = [
            {**asdict(k), "public": base64.b64encode(k.public).decode(), "not_before": text(k.not_before),
             "not_after": None if k.not_after is None else text(k.not_after)}
            for k in self.keys
        ]  # fmt: skip
        return json.dumps(keys)

    @classmethod
    def loads(cls, origin: str, serial: int, keys: str) -> "Pins":
        found = tuple(
            Key(
                keyid=key["keyid"],
                public=base64.b64decode(key["public"]),
                not_before=moment(key["not_before"]),
                not_after=None if key["not_after"] is None else moment(key["not_after"]),
            )
            for key in json.loads(keys)
        )
        return cls(origin=origin, serial=serial, keys=found)


def first(envelope: object, verify: Verify) -> Pins:
    """The list that is pinned where none is: every key in it must have signed it. Raises Untrusted."""
    try:
        payload, _ = signers_of("keys", envelope)
        listed = _read(payload)
        for key in listed.keys:
            opened("keys", envelope, {key.keyid: key.public}, verify)
    except BadEnvelope as error:
        raise Untrusted(f"the list of keys: {error}") from error
    return listed


def follow(pins: Pins, envelope: object, now: datetime, verify: Verify) -> Pins:
    """The list that takes the pinned one's place. Raises Untrusted; then the pinned one stays."""
    believed = {key.keyid: key.public for key in pins.keys if key.not_after is None or now < key.not_after}
    try:
        payload, _ = opened("keys", envelope, believed, verify)
        listed = _read(payload)
    except BadEnvelope as error:
        mistimed("keys", envelope, pins, now, verify)
        raise Untrusted(f"the list of keys: {error}") from error
    if listed.origin != pins.origin:
        raise Untrusted("the list of keys is another gateway's")
    if listed.serial < pins.serial:
        raise Untrusted("the list of keys is older than the one that was pinned")
    return listed


def mistimed(kind: str, envelope: object, pins: Pins, now: datetime, verify: Verify) -> None:
    """Raise the Untrusted that names the clock when a key of the list did sign it, but its time is not now."""
    with suppress(BadEnvelope):
        opened(kind, envelope, {key.keyid: key.public for key in pins.keys}, verify)
        raise Untrusted("it is signed with a key that is not valid by this machine's clock", clock=now)


def moment(value: object) -> datetime:
    """A moment of the wire. Raises Untrusted."""
    if not isinstance(value, str) or not value.endswith("Z"):
        raise Untrusted("a moment is wrong")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise Untrusted("a moment is wrong") from error


def text(value: datetime) -> str:
    """A moment as the wire has it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(payload: bytes) -> Pins:
    statement = statement_of("keys", payload)
    origin, serial, listed = (statement.get(name) for name in ("origin", "serial", "keys"))
    if not isinstance(origin, str) or type(serial) is not int or not isinstance(listed, list) or not listed:
        raise Untrusted("the list of keys has another shape")
    keys = []
    for record in listed:
        try:
            public = base64.b64decode(record["public_key"], validate=True)
            named, alg, until = record["keyid"], record["alg"], record["not_after"]
            begins = record["not_before"]
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Untrusted("a key of the list has another shape") from error
        if alg != "ed25519" or named != key_id(public):
            raise Untrusted("a key of the list is not the one that it is called")
        ends = None if until is None else moment(until)
        keys.append(Key(keyid=named, public=public, not_before=moment(begins), not_after=ends))
    return Pins(origin=origin, serial=serial, keys=tuple(keys))
