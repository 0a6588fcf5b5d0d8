"""A version as lists that plain programs read: checksums, and addresses that always stand for the same bytes.

Items that are not served are left out, and shards. No list holds a secret: programs read `.netrc` or take a header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import Denied
from catalog.vocabulary import Actor, Door, Item
from gateway.web.context import Catalogue
from gateway.web.replies import NO_STORE

Line = Callable[[Item, str], str]


class Lists:
    """Paths of items hold no control character and no backslash (policy/names.py), so a line needs no quoting."""

    def __init__(self, catalogue: Catalogue, base_url: str) -> None:
        self._catalogue = catalogue
        self._base = base_url

    async def sha256sums(self, request: Request, actor: Actor) -> Response:
        """For `sha256sum -c`, in the folder that holds the files."""
        return await self._list(request, actor, "SHA256SUMS", sum_line)

    async def aria2(self, request: Request, actor: Actor) -> Response:
        """For `aria2c -i`: each file under its path, checked against its digest."""
        return await self._list(
            request,
            actor,
            "aria2.txt",
            lambda item, url: f"{url}\n  out={item.path}\n  checksum=sha-256={item.sha256}\n",
        )

    async def urls(self, request: Request, actor: Actor) -> Response:
        """For `wget -i`, and whatever else takes one address a line."""
        return await self._list(request, actor, "urls.txt", lambda _, url: f"{url}\n")

    async def _list(self, request: Request, actor: Actor, name: str, line: Line) -> Response:
        where = request.path_params
        access, ground = await self._catalogue.access(
            actor, Door.MANIFEST, where["ns"], where["name"], where["version"]
        )
        if access.asset is None or access.version is None:
            raise Denied(access.decision)
        items = (await self._catalogue.manifest(ground)).values()
        # By the version's id, whatever it was asked for as: the bytes at such an address never change.
        files = f"{self._base}/v1/assets/{access.asset.full_name}/versions/{access.version.id}/files/"
        # Shards hold what is listed by itself: whoever takes a whole list would take everything twice.
        served = (item for item in items if item.sha256 not in ground.stopped and item.shard is None)
        text = await anyio.to_thread.run_sync(_written, served, files, line)
        headers = {**NO_STORE, "content-disposition": f'inline; filename="{name}"'}
        return Response(text, headers=headers, media_type="text/plain")


def sum_line(item: Item, url: str = "") -> str:
    """As `sha256sum` writes it, but for a file called `-`, by which it would read its standard input."""
    return f"{item.sha256}  {'./-' if item.path == '-' else item.path}\n"


def _written(items: Iterable[Item], files: str, line: Line) -> str:
    return "".join(line(item, files + quote(item.path)) for item in items)
