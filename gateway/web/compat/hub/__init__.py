"""The Hugging Face Hub's dialect, as its Python clients from 0.23 to 2.4 speak it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.web.api.downloads import Downloads
from gateway.web.compat.hub.catalogue import HubCatalogue
from gateway.web.compat.hub.device import DeviceLogin
from gateway.web.compat.hub.errors import HubErrors
from gateway.web.compat.hub.identity import HubIdentity
from gateway.web.compat.hub.publishing import HubPublishing
from gateway.web.compat.hub.repositories import Repositories
from gateway.web.compat.hub.requests import AccessRequests
from gateway.web.compat.hub.resolve import Resolve
from gateway.web.compat.hub.tree import Trees
from gateway.web.context import Catalogue
from gateway.web.errors import Errors
from gateway.web.operations import Operations
from gateway.web.receiving import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One object for each thing that clients ask about; compat/routes.py gives them their addresses."""

    errors: HubErrors
    identity: HubIdentity
    device: DeviceLogin
    catalogue: HubCatalogue
    trees: Trees
    resolve: Resolve
    requests: AccessRequests
    publishing: HubPublishing


def build_hub(
    *,
    catalogue: Catalogue,
    downloads: Downloads,
    operations: Operations,
    receiver: Receiver,
    errors: Errors,
    base_url: str,
) -> Hub:
    repositories = Repositories(catalogue)
    refusals = HubErrors(errors, base_url)
    return Hub(
        errors=refusals,
        identity=HubIdentity(),
        device=DeviceLogin(catalogue, errors, f"{base_url}/device"),
        catalogue=HubCatalogue(catalogue, repositories, base_url),
        trees=Trees(catalogue, repositories, base_url),
        resolve=Resolve(repositories, downloads),
        requests=AccessRequests(catalogue, repositories, operations, base_url),
        publishing=HubPublishing(catalogue, receiver, refusals, base_url),
    )
