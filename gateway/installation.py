"""What lies behind a data folder, and what works on it without a web server.

Apart from the application, so that a command beside a running server loads only what it uses.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.ports import Store
from catalog.store import open_store
from faceguard.result import Limits
from faceguard.worker import Guard
from gateway.blobs.base import Originals, Previews
from gateway.blobs.filesystem import FileOriginals, FilePreviews
from gateway.jobs.packing import Repacker
from gateway.jobs.previews import PreviewBuilder
from gateway.jobs.runner import Runner, Worker
from gateway.settings import Settings
from gateway.uploads.intake import Uploads
from gateway.uploads.staging import Staging
from gateway.uploads.tickets import Tickets

KEY_BYTES = 32
MB = 1_000_000


class NotInstalled(Exception):
    """The folder holds no installation."""


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the one clock; everything else is given the time


def random_id(digits: int) -> str:
    return secrets.token_hex((digits + 1) // 2)[:digits]


@dataclass(frozen=True, slots=True)
class Installation:
    """What lies behind a data folder. Several processes may open the same one."""

    settings: Settings
    store: Store
    originals: Originals
    previews: Previews
    key: bytes  # keeps the noise of covers and the hashes of addresses to ourselves

    def uploads(self) -> Uploads:
        """What takes in bytes for drafts, and releases them."""
        settings = self.settings
        return Uploads(
            self.store,
            self.originals,
            Staging(settings.data / "uploads", settings.disk_reserve_mb * MB),
            Tickets(self.key),
            most=settings.largest_upload_mb * MB,
            previews_per_version=settings.previews_per_version,
            clock=utc_now,
            new_id=random_id,
        )

    def close(self) -> None:
        self.store.close()


def key_file(settings: Settings) -> Path:
    return settings.data / "keys" / "server.key"


def create(settings: Settings) -> None:
    """Make the folder and its key; harmless when both are there."""
    file = key_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(KEY_BYTES))
        fresh.replace(file)
    open_store(settings.store_url).close()


def open_installation(settings: Settings) -> Installation:
    """Raises NotInstalled, CatalogUnavailable, BlobsUnavailable."""
    file = key_file(settings)
    if not file.exists():
        raise NotInstalled(f"{settings.data} holds no installation: run `hubgate init --data {settings.data}` first")
    return Installation(
        settings=settings,
        store=open_store(settings.store_url),
        originals=_originals(settings),
        previews=FilePreviews(settings.data / "previews"),
        key=file.read_bytes(),
    )


def _originals(settings: Settings) -> Originals:
    if settings.blobs == "files":
        return FileOriginals(settings.data / "originals")
    if settings.blobs != "s3":
        raise NotInstalled(f"blobs = {settings.blobs!r}: use files or s3")
    from gateway.blobs.s3 import S3Originals, connect  # boto3 takes a quarter of a second to load

    client = connect(
        endpoint=settings.s3_endpoint or None,
        region=settings.s3_region,
        access_key=settings.s3_access_key or None,
        secret=settings.s3_secret_key or None,
    )
    return S3Originals(client, settings.s3_bucket)


def new_guard(installation: Installation) -> Guard:
    settings = installation.settings
    limits = Limits(preview_px=settings.preview_px, wall_s=settings.preview_timeout_s)
    return Guard(workers=settings.preview_workers, limits=limits, key=installation.key, models=settings.models_folder)


def new_runner(installation: Installation, guard: Guard, more: Mapping[str, Worker] | None = None) -> Runner:
    """Does the jobs that commits have promised: previews, shards, and those of `more`."""
    builder = PreviewBuilder(
        installation.store,
        installation.originals,
        installation.previews,
        guard,
        clock=utc_now,
    )
    repacker = Repacker(installation.store, installation.originals, clock=utc_now)
    workers: dict[str, Worker] = {builder.kind: builder, repacker.kind: repacker, **(more or {})}
    return Runner(installation.store, workers, clock=utc_now)
