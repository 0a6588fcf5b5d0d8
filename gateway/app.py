"""The composition root: settings → store, blobs, guard, streams → the ASGI application.

The only place that sees settings and constructors together.
"""

from __future__ import annotations

from starlette.types import ASGIApp

from gateway import __version__
from gateway.installation import Installation, new_guard, new_runner, random_id, utc_now
from gateway.jobs.mail import MailServer, mail_server
from gateway.jobs.recall import RecallCopies, RecallDeadline, RecallMail
from gateway.keys import key_ring
from gateway.settings import BadSetting, Settings
from gateway.streams.caps import Caps
from gateway.streams.effective import Enforcer
from gateway.streams.registry import Registry
from gateway.streams.stalls import StallWatch
from gateway.streams.watcher import Watcher
from gateway.web.api.accounts import AccountsApi
from gateway.web.api.assets import Assets
from gateway.web.api.boards import BoardsApi
from gateway.web.api.complaints import ComplaintsApi
from gateway.web.api.downloads import Downloads
from gateway.web.api.drafts import DraftsApi
from gateway.web.api.health import Health
from gateway.web.api.lists import Lists
from gateway.web.api.notices import Notices
from gateway.web.api.operator import OperatorApi
from gateway.web.api.previews import PreviewPictures
from gateway.web.api.recalls import RecallsApi
from gateway.web.api.terms import TermsApi
from gateway.web.auth import Authenticator
from gateway.web.compat.croissant import Croissant
from gateway.web.compat.drs import build_drs
from gateway.web.compat.hub import build_hub
from gateway.web.compat.model_hubs import ModelHubs
from gateway.web.compat.routes import croissant_routes, drs_routes, hub_routes, publishing_routes
from gateway.web.context import Catalogue
from gateway.web.deliveries import DeliveryWriter
from gateway.web.errors import Errors
from gateway.web.letters import composer
from gateway.web.openapi import document
from gateway.web.operations import Operations
from gateway.web.pages import build_pages
from gateway.web.passwords import Passwords
from gateway.web.receiving import Receiver
from gateway.web.render import Renderer
from gateway.web.routes import api_routes, byte_routes, draft_routes, page_routes, recall_routes
from gateway.web.site import build
from gateway.web.statements import Statements


def outgoing_mail(settings: Settings) -> MailServer | None:
    """None while no server is set. Raises BadSetting."""
    try:
        return mail_server(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=settings.smtp_password,
            sender=settings.mail_sender,
        )
    except ValueError as error:
        raise BadSetting(str(error)) from error


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
    compose = composer(base_url, settings.mail_sender, utc_now)
    mail = RecallMail(store, outgoing_mail(settings), compose, clock=utc_now)
    deadline = RecallDeadline(store, clock=utc_now, new_id=random_id)
    copies = RecallCopies(store, clock=utc_now, new_id=random_id)
    runner = new_runner(installation, guard, {job.kind: job for job in (mail, deadline, copies)})
    renderer = Renderer(base_url)
    errors = Errors(base_url, settings.contact, renderer)
    statements = Statements(key_ring(settings.data, utc_now()), base_url)
    assets = Assets(catalogue)
    complaints = ComplaintsApi(catalogue, base_url, installation.key)
    downloads = Downloads(catalogue, installation.originals, registry, caps, watcher, deliveries)
    receiver = Receiver(installation.uploads(), settings.idle_write_timeout_s)
    hub = build_hub(
        catalogue=catalogue,
        downloads=downloads,
        operations=operations,
        receiver=receiver,
        errors=errors,
        base_url=base_url,
    )
    croissant = Croissant(catalogue, base_url)
    entries = byte_routes(
        downloads=downloads,
        resolve=hub.resolve,
        model_hubs=ModelHubs(catalogue, downloads),
        hub=hub.errors.refuse,
        plain=errors.problem,
    )
    entries += hub_routes(hub)
    entries += publishing_routes(hub)
    entries += drs_routes(build_drs(catalogue=catalogue, errors=errors, base_url=base_url, version=__version__))
    entries += croissant_routes(croissant, hub=hub.errors.refuse)
    entries += api_routes(
        assets=assets,
        lists=Lists(catalogue, base_url),
        previews=PreviewPictures(catalogue, installation.previews),
        terms=TermsApi(catalogue),
        complaints=complaints,
        operator=OperatorApi(catalogue, operations, base_url),
        accounts=AccountsApi(catalogue, operations),
        notices=Notices(catalogue, renderer, errors),
        health=Health(catalogue, watcher, lambda: document(entries, base_url, __version__)),
    )
    boards = BoardsApi(catalogue, operations, statements, appeal_url=errors.appeal_url)
    entries += recall_routes(recalls=RecallsApi(catalogue, statements), boards=boards)
    drafts = DraftsApi(catalogue, receiver)
    entries += draft_routes(drafts)
    entries += page_routes(
        build_pages(
            catalogue=catalogue,
            operations=operations,
            auth=auth,
            passwords=Passwords(),
            renderer=renderer,
            errors=errors,
            assets=assets,
            describe=croissant.for_page,
            complaints=complaints,
            receiver=receiver,
            drafts=drafts,
            statements=statements,
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
