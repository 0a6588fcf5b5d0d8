"""The way in: ``Hub(url)``, and from there to datasets and models."""

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from gateway.sdk import wire
from gateway.sdk.address import may_carry_token, origin_of
from gateway.sdk.asset import Asset
from gateway.sdk.errors import Misused, Unavailable
from gateway.sdk.logins import HOLDINGS, Logins, data_home, home
from gateway.sdk.patience import ASKING
from gateway.sdk.records import member
from gateway.sdk.words import Language, language

if TYPE_CHECKING:
    from gateway.sdk.machine import Machine
    from gateway.sdk.recall.desk import Desk
    from gateway.sdk.recall.held import Held
    from gateway.sdk.recall.look import Look
    from gateway.sdk.recall.sync import Handled
    from gateway.sdk.transport import Transport


class Hub:
    """One gateway, seen with one token.

    ``url`` defaults to HUBGATE_URL, then to the gateway signed in to with ``hubgate login``; ``token`` to
    HUBGATE_TOKEN, then to the sign-in for that very gateway. A token never goes to another gateway than it was given
    for, nor over plain http except to this machine. Without a token only what is public can be seen. ``lang`` is
    ``en`` or ``zh``. Where something was fetched before, recalls are looked for in the background, at most hourly and
    for two seconds, and told; ``look=False`` leaves that out.
    Raises Misused. May be used by several threads, and in a ``with`` statement that closes its connections.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, lang: Language | None = None, look: bool = True
    ) -> None:
        self.lang: Language = lang or language()
        self.url, self._token = resolve(url, token, os.environ)
        self._look: Look | None = None
        self._transport: Transport | None = None
        self._machine: Machine | None = None
        self._opening = threading.RLock()
        self._process = os.getpid()
        if self._token is not None and look and (data_home(os.environ) / HOLDINGS).exists():
            from gateway.sdk.recall import look as background

            self._look = background.Look(self.url, self._token, self.lang)

    @property
    def transport(self) -> "Transport":
        """The connections, opened with the first request. For the SDK's own parts."""
        self._after_fork()
        with self._opening:
            if self._transport is None:
                # Loading the HTTP library takes longer than everything else here, so it waits until it is needed.
                from gateway.sdk.transport import Transport

                self._transport = Transport(self.url, self._token, self.lang, ASKING)
            return self._transport

    @property
    def machine(self) -> "Machine":
        """The store and the record of this machine, made with the first fetch. For the SDK's own parts."""
        self._after_fork()
        with self._opening:
            if self._machine is None:
                from gateway.sdk.holdings import Holdings
                from gateway.sdk.machine import Machine  # file locks and SQLite load slowly, and not everyone fetches
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

    def be_known(self, *, anew: bool = False) -> None:
        """Pin the gateway's keys and make this machine known, so that recalls reach it. For the SDK's own parts."""
        if self._token is not None:
            with suppress(Unavailable):  # it cannot just now: the next fetch asks again
                self._desk().be_known(anew=anew)

    def sync(
        self,
        *,
        purge: bool | None = None,
        dry_run: bool = False,
        kept_by_law: Iterable[str] = (),
        copies_outside: str = wire.CopiesOutside.UNKNOWN,
    ) -> "list[Handled]":
        """Ask for recalls, take away what they call back, and answer with signed receipts; what was done, by notice.

        Only files that the SDK itself put somewhere are touched, and only while they have the bytes that it put there.
        ``purge`` True deletes them; False moves them into a quarantine beside them, unanswered, until it is decided;
        None does what this machine's policy says (HUBGATE_RECALLS=purge, else quarantine). ``kept_by_law`` names
        notices whose copies a duty forbids to delete. ``copies_outside``: unknown, none_declared or declared.
        Raises Untrusted when an answer is not to be believed: then nothing new was touched.
        """
        from gateway.sdk.recall.copies import Copies
        from gateway.sdk.recall.sync import Wishes, follow_recalls, policy

        wishes = Wishes(
            purge=policy(os.environ) if purge is None else purge,
            dry_run=dry_run,
            kept_by_law=frozenset(kept_by_law),
            outside=wire.CopiesOutside(copies_outside),
        )
        if self._token is None:
            raise Misused("token-needed", url=self.url)
        desk, machine = self._desk(), self.machine
        with machine.alone():
            account = desk.be_known()
            desk.pull(account)
            copies = Copies(self.url, machine.holdings, machine.store, dry_run=dry_run)
            return follow_recalls(desk, account, copies, machine.store.home, wishes)

    def holdings(self) -> "list[Held]":
        """What this machine holds of the gateway's assets, other tools' caches included, where they are known to be."""
        from gateway.sdk.recall.held import held

        return held(self.machine.holdings, self.machine.store, self.url, os.environ)

    def extract(self, archive: str | os.PathLike[str], to: str | os.PathLike[str] | None = None) -> Path:
        """Extract a fetched tar or zip into a folder (default: one beside it), so that recalls reach what is in it.

        No file is replaced that is another one and did not come out of this very archive.
        Raises Misused when the file is none that was fetched from this gateway, UnsafePath for links and paths that
        lead out, NotStored for a file in the way (nothing is extracted then), and FolderBusy.
        """
        from gateway.sdk.extract import extract

        return extract(self.machine, self.url, Path(archive), None if to is None else Path(to))

    def _after_fork(self) -> None:
        """Connections are no two processes' to share: the child of a fork, such as a data loader's, opens its own."""
        if self._process != os.getpid():
            self._process, self._opening = os.getpid(), threading.RLock()
            self._transport = self._machine = None

    def _desk(self) -> "Desk":
        from gateway.sdk.recall.desk import Desk

        return Desk(self.transport, self._token or "", self.machine.holdings)

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._look is not None:
            self._look.join()
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
