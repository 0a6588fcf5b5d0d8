"""GA4GH Data Repository Service 1.5, the reading side: objects by id, and where their bytes are fetched."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.web.compat.drs.errors import DrsErrors
from gateway.web.compat.drs.objects import Objects
from gateway.web.compat.drs.service import ServiceInfo
from gateway.web.context import Catalogue
from gateway.web.errors import Errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Drs:
    """compat/routes.py gives these their addresses."""

    errors: DrsErrors
    objects: Objects
    service: ServiceInfo


def build_drs(*, catalogue: Catalogue, errors: Errors, base_url: str, version: str) -> Drs:
    return Drs(
        errors=DrsErrors(errors, base_url),
        objects=Objects(catalogue, base_url),
        service=ServiceInfo(base_url, errors.appeal_url, version),
    )
