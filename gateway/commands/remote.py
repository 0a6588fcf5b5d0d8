"""Acts over another machine's API: the same addresses that anyone may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from gateway.commands.base import Failed

WAIT_S = 30.0
LONG_S = 3600.0


class Remote:
    """A gateway's API with a token; raises Failed when it refuses or cannot be reached."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx2.Client(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {token}"},
            timeout=WAIT_S,
            follow_redirects=False,
        )

    def post(self, path: str, body: Mapping[str, object], *, long: bool = False) -> dict[str, Any]:
        """`long`: the gateway works on every byte of a version before it answers."""
        return self._answer("POST", path, body, LONG_S if long else WAIT_S)

    def get(self, path: str) -> dict[str, Any]:
        return self._answer("GET", path, None, WAIT_S)

    def delete(self, path: str) -> dict[str, Any]:
        return self._answer("DELETE", path, None, WAIT_S)

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every record of a list, page by page; `path` has a query already."""
        following: str | None = ""
        while following is not None:
            page = self.get(f"{path}&cursor={quote(following, safe='')}" if following else path)
            yield from page["items"]
            following = page["next"]

    def raw(self, path: str) -> bytes:
        """The bytes of a file."""
        try:
            response = self._client.get(path)
        except httpx2.HTTPError as error:
            raise Failed(f"The gateway cannot be reached: {error}. Check --url.") from error
        if response.is_error:
            self._answer("GET", path, None, WAIT_S)
        return bytes(response.content)

    def _answer(self, method: str, path: str, body: Mapping[str, object] | None, wait_s: float) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, json=body, timeout=httpx2.Timeout(WAIT_S, read=wait_s))
            record = response.json()
        except httpx2.ReadTimeout as error:
            raise Failed(
                f"The gateway has not answered for {wait_s:.0f} s. It may still be at work: look before you ask again."
            ) from error
        except httpx2.HTTPError as error:
            raise Failed(f"The gateway cannot be reached: {error}. Check --url.") from error
        except ValueError as error:
            raise Failed(f"That is no hubgate gateway: {path} gave no JSON.") from error
        if response.is_error:
            raise Failed(f"{record.get('title', response.status_code)}. {record.get('detail', '')}".strip())
        return dict(record)
