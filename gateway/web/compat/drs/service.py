"""What kind of service this is, in the form that all GA4GH services share."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from catalog.vocabulary import Actor
from gateway.web.replies import reply

BULK = 1  # the standard wants a number; bulk requests are not offered


class ServiceInfo:
    def __init__(self, base_url: str, contact_url: str, version: str) -> None:
        host = urlsplit(base_url).hostname or ""
        self._told = {
            "id": ".".join([*reversed(host.split(".")), "hubgate.drs"]),
            "name": "hubgate",
            "type": {"group": "org.ga4gh", "artifact": "drs", "version": "1.5.0"},
            "organization": {"name": host, "url": base_url},
            "contactUrl": contact_url,
            "documentationUrl": base_url,
            "version": version,
            "maxBulkRequestLength": BULK,
            "drs": {"maxBulkRequestLength": BULK},
        }

    async def show(self, request: Request, actor: Actor) -> Response:
        return reply(self._told)
