"""The pages people see: HTML from templates, forms without JavaScript. Handlers translate; the catalogue decides."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.web.api.assets import Assets
from gateway.web.api.complaints import ComplaintsApi
from gateway.web.api.drafts import DraftsApi
from gateway.web.auth import Authenticator
from gateway.web.context import Catalogue
from gateway.web.errors import Errors
from gateway.web.operations import Operations
from gateway.web.pages.account import AccountPages
from gateway.web.pages.acts import ActPages
from gateway.web.pages.boards import BoardPages
from gateway.web.pages.catalogue import CataloguePages, Describe
from gateway.web.pages.complaints import ComplaintPages
from gateway.web.pages.desk import DeskPages
from gateway.web.pages.device import DevicePages
from gateway.web.pages.drafts import DraftPages
from gateway.web.pages.identity import IdentityPages
from gateway.web.pages.inbox import InboxPages
from gateway.web.pages.public import PublicPages
from gateway.web.pages.terms import TermsPages
from gateway.web.passwords import Passwords
from gateway.web.receiving import Receiver
from gateway.web.render import Renderer
from gateway.web.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """One object a family of pages; routes.page_routes gives them their addresses."""

    catalogue: CataloguePages
    terms: TermsPages
    identity: IdentityPages
    account: AccountPages
    device: DevicePages
    drafts: DraftPages
    complaints: ComplaintPages
    desk: DeskPages
    acts: ActPages
    boards: BoardPages
    inbox: InboxPages
    public: PublicPages


def build_pages(
    *,
    catalogue: Catalogue,
    operations: Operations,
    auth: Authenticator,
    passwords: Passwords,
    renderer: Renderer,
    errors: Errors,
    assets: Assets,
    describe: Describe,
    complaints: ComplaintsApi,
    receiver: Receiver,
    drafts: DraftsApi,
    statements: Statements,
    contact: str,
    sign_up_open: bool,
) -> Pages:
    """`contact` is where a person can write to, "" when there is none."""
    return Pages(
        catalogue=CataloguePages(catalogue, assets, describe, renderer),
        terms=TermsPages(catalogue, assets, renderer),
        identity=IdentityPages(catalogue, auth, passwords, renderer, sign_up_open=sign_up_open),
        account=AccountPages(catalogue, operations, renderer, appeal_url=errors.appeal_url),
        device=DevicePages(catalogue, renderer),
        drafts=DraftPages(catalogue, receiver, drafts, renderer),
        complaints=ComplaintPages(catalogue, complaints, renderer),
        desk=DeskPages(catalogue, renderer),
        acts=ActPages(catalogue, operations, renderer),
        boards=BoardPages(catalogue, renderer),
        inbox=InboxPages(catalogue, statements, renderer),
        public=PublicPages(auth, renderer, contact=contact),
    )
