"""The composition root: settings → store, blobs, guard, streams → the ASGI application.

The only place that sees settings and constructors together.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.types import ASGIApp

from catalog.ports import Store
from catalog.store import open_store
from faceguard.result import Limits
from faceguard.worker import Guard
from gateway import __version__
from gateway.blobs.base import Originals, Previews
from gateway.blobs.filesystem import FileOriginals, FilePreviews
from gateway.jobs.previews import PreviewBuilder
from gateway.jobs.runner import Runner
from gateway.settings import Settings
from gateway.streams.caps import Caps
from gateway.streams.effective import Enforcer
from gateway.streams.registry import Registry
from gateway.streams.stalls import StallWatch
from gateway.streams.watcher import Watcher
from gateway.web.api.accounts import AccountsApi
from gateway.web.api.assets import Assets
from gateway.web.api.complaints import ComplaintsApi
from gateway.web.api.downloads import Downloads
from gateway.web.api.health import Health
from gateway.web.api.notices import Notices
from gateway.web.api.operator import OperatorApi
from gateway.web.api.previews import PreviewPictures
from gateway.web.api.terms import TermsApi
from gateway.web.auth import Authenticator
from gateway.web.compat.hub import build_hub
from gateway.web.compat.routes import hub_routes
from gateway.web.context import Catalogue
from gateway.web.deliveries import DeliveryWriter
from gateway.web.errors import Errors
from gateway.web.openapi import document
from gateway.web.operations import Operations
from gateway.web.pages import build_pages
from gateway.web.passwords import Passwords
from gateway.web.render import Renderer
from gateway.web.routes import api_routes, byte_routes, page_routes
from gateway.web.site import build

KEY_BYTES = 32


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


def new_runner(installation: Installation, guard: Guard) -> Runner:
    """Does the jobs that commits have promised."""
    builder = PreviewBuilder(
        installation.store,
        installation.originals,
        installation.previews,
        guard,
        clock=utc_now,
    )
    return Runner(installation.store, {builder.kind: builder}, clock=utc_now)


def build_app(installation: Installation) -> ASGIApp:
    """The web application with everything that runs beside it."""
    settings, store = installation.settings, installation.store
    base_url = settings.base_url
    catalogue = Catalogue(store, utc_now, random_id)
    auth = Authenticator(catalogue, base_url)
    registry = Registry()
    caps = Caps(per_account=settings.max_streams_per_account, per_address=settings.max_streams_per_address)
    feed = store.feed()
    watcher = Watcher(
        feed,
        registry,
        replica=random_id(16),
        now=utc_now,
        stalls=StallWatch(idle_write_timeout_s=settings.idle_write_timeout_s, min_rate_kib_s=settings.min_rate_kib_s),
        on_move=(catalogue.moved, auth.moved),
    )
    deliveries = DeliveryWriter(store)
    operations = Operations(catalogue, Enforcer(feed, watcher.apply_now))
    guard = new_guard(installation)
    runner = new_runner(installation, guard)
    renderer = Renderer(base_url)
    errors = Errors(base_url, settings.contact, renderer)
    assets = Assets(catalogue)
    complaints = ComplaintsApi(catalogue, base_url, installation.key)
    downloads = Downloads(catalogue, installation.originals, registry, caps, watcher, deliveries)
    hub = build_hub(catalogue, downloads, errors, base_url)
    entries = byte_routes(downloads=downloads, resolve=hub.resolve, hub=hub.errors.refuse)
    entries += hub_routes(hub)
    entries += api_routes(
        assets=assets,
        previews=PreviewPictures(catalogue, installation.previews),
        terms=TermsApi(catalogue),
        complaints=complaints,
        operator=OperatorApi(catalogue, operations, base_url),
        accounts=AccountsApi(catalogue, operations),
        notices=Notices(catalogue, renderer, errors),
        health=Health(catalogue, watcher, lambda: document(entries, base_url, __version__)),
    )
    entries += page_routes(
        build_pages(
            catalogue=catalogue,
            operations=operations,
            auth=auth,
            passwords=Passwords(),
            renderer=renderer,
            errors=errors,
            assets=assets,
            complaints=complaints,
            contact=settings.contact,
            sign_up_open=settings.sign_up,
        )
    )

    def close() -> None:
        runner.stop()
        guard.close()
        feed.close()
        installation.close()

    tasks = (watcher.run, deliveries.run, runner.run)
    return build(entries, auth, errors, tasks=tasks, on_close=close)
