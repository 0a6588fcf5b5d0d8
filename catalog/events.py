"""Every event of the ledger: its tag, its data, and what it cuts.

An event is appended in the transaction that changes the state it tells of. `cuts` lists the subjects
whose running streams must end; a serving replica needs nothing else to obey.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SUSPENDED = "account:suspended"
    ACCOUNT_RESTORED = "account:restored"
    TOKEN_CREATED = "token:created"  # noqa: S105  a tag, not a secret
    TOKEN_REVOKED = "token:revoked"  # noqa: S105
    TERMS_PUBLISHED = "terms:published"
    TERMS_ACCEPTED = "terms:accepted"
    ASSET_CREATED = "asset:created"
    VERSION_OPENED = "version:opened"
    VERSION_DISCARDED = "version:discarded"
    VERSION_PUBLISHED = "version:published"
    VERSION_HELD = "version:held"
    VERSION_RELEASED = "version:released"
    VERSION_REVOKED = "version:revoked"
    SLOT_PACKED = "slot:packed"
    ITEM_HELD = "item:held"
    ITEM_WITHHELD = "item:withheld"
    ITEM_RELEASED = "item:released"
    NOTICE_ISSUED = "notice:issued"
    NOTICE_LIFTED = "notice:lifted"
    RELEASE_PROPOSED = "release:proposed"
    COMPLAINT_FILED = "complaint:filed"
    COMPLAINT_UPHELD = "complaint:upheld"
    COMPLAINT_DISMISSED = "complaint:dismissed"
    GATE_MANUAL = "gate:manual"
    GATE_AUTO = "gate:auto"
    ACCESS_ACCEPTED = "access:accepted"
    ACCESS_PENDING = "access:pending"
    ACCESS_REJECTED = "access:rejected"
    PREVIEWS_BUILT = "previews:built"
    RECALL_ISSUED = "recall:issued"
    HOLDER_MOVED = "holder:moved"
    RECEIPT_STORED = "receipt:stored"
    INSTALL_REGISTERED = "install:registered"
    INSTALL_RETIRED = "install:retired"
    VERSION_FLAGGED = "version:flagged"
    TASK_OPENED = "task:opened"
    TASK_CLOSED = "task:closed"


def asset_subject(asset_id: str) -> str:
    return f"asset:{asset_id}"


def version_subject(version_id: str) -> str:
    return f"version:{version_id}"


def item_subject(asset_id: str, sha256: str) -> str:
    return f"item:{asset_id}:{sha256}"


def archive_subject(asset_id: str) -> str:
    """Streams that carry many items of the asset at once: a stop of any item ends them all."""
    return f"archive:{asset_id}"


def grant_subject(asset_id: str, account_id: str) -> str:
    """One account's access to one asset."""
    return f"grant:{asset_id}:{account_id}"


def account_subject(account_id: str) -> str:
    return f"account:{account_id}"


def token_subject(token_id: str) -> str:
    return f"token:{token_id}"


def slot_subject(version_id: str, slot: int) -> str:
    """What a version's packing lists for some of its files."""
    return f"slot:{version_id}:{slot}"


def recall_subject(seq: int) -> str:
    return f"recall:{seq}"


def holder_subject(notice_id: str, account_id: str) -> str:
    return f"holder:{notice_id}:{account_id}"


def flag_subject(version_id: str, notice_id: str) -> str:
    return f"flag:{version_id}:{notice_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event about to be appended; the store adds its position."""

    kind: EventKind
    subject: str
    data: dict[str, object] = field(default_factory=dict)
    cuts: frozenset[str] = frozenset()


SCHEMA = 1


def encode(event: Happened) -> dict[str, object]:
    """The event's data as stored: JSON values, with the schema's number and what it cuts."""
    return {"v": SCHEMA, **event.data, **({"cuts": sorted(event.cuts)} if event.cuts else {})}


def cuts_of(data: dict[str, object]) -> frozenset[str]:
    """The subjects a stored event cuts."""
    cuts = data.get("cuts", [])
    return frozenset(str(subject) for subject in cuts) if isinstance(cuts, Iterable) else frozenset()
