"""The way in: ``Hub(url)``, and from there to datasets and models."""

import os
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from gateway.sdk import wire
from gateway.sdk.address import may_carry_token, origin_of
from gateway.sdk.asset import Asset
from gateway.sdk.errors import Misused
from gateway.sdk.logins import Logins, data_home, home
from gateway.sdk.patience import ASKING
from gateway.sdk.records import member
from gateway.sdk.words import Language, language

if TYPE_CHECKING:
    from gateway.sdk.download import Machine
    from gateway.sdk.transport import Transport


class Hub:
    """One gateway, seen with one token.

    ``url`` defaults to HUBGATE_URL, then to the gateway signed in to with ``hubgate login``; ``token`` to
    HUBGATE_TOKEN, then to the sign-in for that very gateway. A token never goes to another gateway than it was given
    for, nor over plain http except to this machine. Without a token only what is public can be seen. ``lang`` is
    ``en`` or ``zh``.
    Raises Misused. May be used by several threads, and in a ``with`` statement that closes its connections.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, lang: Language | None = None) -> None:
        self.lang: Language = lang or language()
        self.url, self._token = resolve(url, token, os.environ)
        self._transport: Transport | None = None
        self._machine: Machine | None = None
        self._opening = threading.RLock()

    @property
    def transport(self) -> "Transport":
        """The connections, opened with the first request. For the SDK's own parts."""
        with self._opening:
            if self._transport is None:
                # Loading the HTTP library takes longer than everything else here, so it waits until it is needed.
                from gateway.sdk.transport import Transport

                self._transport = Transport(self.url, self._token, self.lang, ASKING)
            return self._transport

    @property
    def machine(self) -> "Machine":
        """The store and the record of this machine, made with the first fetch. For the SDK's own parts."""
        with self._opening:
            if self._machine is None:
                from gateway.sdk.download import Machine  # file locks and SQLite load slowly, and not everyone fetches
                from gateway.sdk.holdings import Holdings
                from gateway.sdk.store import Store

                folder = data_home(os.environ)
                self._machine = Machine(Store(folder), Holdings(folder))
            return self._machine

    def search(self, text: str = "", *, kind: str | None = None) -> list[wire.AssetSummary]:
        """All assets that match the words, each as the gateway lists it; ``kind`` is ``dataset`` or ``model``."""
        found: list[wire.AssetSummary] = []
        params = {"q": text} if text else {}
        if kind is not None:
            params["kind"] = kind
        while True:
            page = self.transport.get(wire.ASSETS, params=params, what="asset")
            found += cast("list[wire.AssetSummary]", member(page, "items", list, self.url))
            if page.get("next") is None:
                return found
            params = {**params, "cursor": member(page, "next", str, self.url)}

    def dataset(self, name: str) -> Asset:
        """The dataset ``ns/name``. Nothing is asked yet. Raises Misused when that is no name."""
        return Asset(self, name, kind="dataset")

    def model(self, name: str) -> Asset:
        """The model ``ns/name``. Nothing is asked yet. Raises Misused when that is no name."""
        return Asset(self, name, kind="model")

    def asset(self, name: str) -> Asset:
        """The dataset or model ``ns/name``. Nothing is asked yet. Raises Misused when that is no name."""
        return Asset(self, name, kind=None)

    def me(self) -> wire.Me:
        """The account that the token is of. Raises SignInNeeded."""
        me = self.transport.get(wire.ME, what=wire.ME)
        member(me, "account", dict, self.url)
        return cast("wire.Me", me)

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        with self._opening:
            if self._machine is not None:
                self._machine.holdings.close()
                self._machine = None
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Hub({self.url!r})"  # never the token: notebooks are shared


def resolve(url: str | None, token: str | None, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """The gateway's origin and the token for it, from arguments, environment, sign-ins. Raises Misused."""
    logins = Logins(home(environ))
    from_environment = environ.get("HUBGATE_URL") or None
    named = url or from_environment
    if named is None:
        current = logins.current()
        if current is None:
            raise Misused("no-address")
        origin = current.origin
    else:
        origin = origin_of(named)
    if token is None and (from_environment is None or origin_of(from_environment) == origin):
        # With HUBGATE_URL set, HUBGATE_TOKEN is for that gateway and for no other.
        token = environ.get("HUBGATE_TOKEN") or None
    if token is None and (login := logins.find(origin)) is not None:
        token = login.token
    if token is not None:
        check_token(origin, token)
    return origin, token


def check_token(origin: str, token: str) -> None:
    """Raise Misused unless it looks like a token and may travel to that origin."""
    if not token.startswith(wire.TOKEN_PREFIX) or not token.isascii() or not token.isprintable() or " " in token:
        raise Misused("bad-token")
    if not may_carry_token(origin):
        raise Misused("clear-text", url=origin)
