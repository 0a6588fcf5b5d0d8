"""The gateway's signing keys: one signs, former ones sign beside it for a while, so that pinned lists can follow.

They lie in one file below DATA/keys that its owner alone can read. Every process sees a rotation with its next look.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from gateway.sdk.envelope import Sign
from gateway.sdk.signing import SEED_BYTES, SigningKey

OVERLAP = timedelta(days=180)


class BadKeys(Exception):
    """The file of keys cannot be read, or names a key that is not there; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A key with the time in which it signs; `not_after` None: it is the one that signs now."""

    seed: bytes
    not_before: datetime
    not_after: datetime | None

    @property
    def key(self) -> SigningKey:
        return SigningKey(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """`serial` rises with every change. The key that signs stands first."""

    serial: int
    kept: tuple[Kept, ...]

    def in_force(self, now: datetime) -> tuple[Kept, ...]:
        return tuple(one for one in self.kept if one.not_after is None or now < one.not_after)

    def rotated(self, seed: bytes, now: datetime, withdrawn: frozenset[str] = frozenset()) -> KeySet:
        """With a new key that signs from now on; the former one goes on beside it, but for those withdrawn."""
        former = [
            replace(one, not_after=now + OVERLAP) if one.not_after is None else one
            for one in self.in_force(now)
            if one.key.id not in withdrawn
        ]
        fresh = Kept(seed=seed, not_before=now, not_after=None)
        return KeySet(serial=self.serial + 1, kept=(fresh, *former))


def key_ring(data: Path, now: datetime) -> KeyRing:
    """The keys of the installation in that folder; the first is made with the first look."""
    ring = KeyRing(data / "keys" / "signing.json")
    ring.create(now)
    return ring


class KeyRing:
    """The keys in a file. May be used by several threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._set = KeySet(serial=0, kept=())

    def create(self, now: datetime) -> None:
        """Make the first key; harmless when there is one."""
        if self._file.exists():
            return
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        first = KeySet(serial=0, kept=()).rotated(secrets.token_bytes(SEED_BYTES), now)
        fresh = self._written(first)
        try:
            os.link(fresh, self._file)  # whoever comes second keeps what the first has made
        except FileExistsError:
            pass
        finally:
            fresh.unlink()

    def rotate(self, now: datetime, withdraw: Sequence[str] = ()) -> KeySet:
        """Make a new key that signs from now on. Raises BadKeys for a withdrawn one that is not there."""
        present = self.set()
        known = {one.key.id for one in present.kept}
        unknown = set(withdraw) - known
        if unknown:
            raise BadKeys(f"no key {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        rotated = present.rotated(secrets.token_bytes(SEED_BYTES), now, frozenset(withdraw))
        self._written(rotated).replace(self._file)
        return self.set()

    def set(self) -> KeySet:
        """As the file says now. Raises BadKeys."""
        with self._lock:
            try:
                stat = self._file.stat()
                seen = (stat.st_mtime_ns, stat.st_ino)
                if seen != self._read_at:
                    self._set = _read(self._file.read_text(encoding="utf-8"))
                    self._read_at = seen
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise BadKeys(f"the keys in {self._file} cannot be read: {error}") from error
            return self._set

    def signers(self, now: datetime) -> list[tuple[str, Sign]]:
        """Every key in force, the one that signs now first."""
        return [(one.key.id, one.key.sign) for one in self.set().in_force(now)]

    def _written(self, keys: KeySet) -> Path:
        fresh = self._file.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(
                {
                    "serial": keys.serial,
                    "keys": [
                        {
                            "seed": base64.b64encode(one.seed).decode(),
                            "not_before": one.not_before.isoformat(),
                            "not_after": None if one.not_after is None else one.not_after.isoformat(),
                        }
                        for one in keys.kept
                    ],
                },
                file,
                indent=1,
            )
            file.flush()
            os.fsync(file.fileno())
        return fresh


def _read(text: str) -> KeySet:
    record = json.loads(text)
    kept = [
        Kept(
            seed=base64.b64decode(one["seed"], validate=True),
            not_before=datetime.fromisoformat(one["not_before"]),
            not_after=None if one["not_after"] is None else datetime.fromisoformat(one["not_after"]),
        )
        for one in record["keys"]
    ]
    if not kept or kept[0].not_after is not None:
        raise ValueError("no key that signs")
    return KeySet(serial=int(record["serial"]), kept=tuple(kept))
