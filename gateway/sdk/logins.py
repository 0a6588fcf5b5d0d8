"""The store of sign-ins: one token for each gateway, in a file that its owner alone can read."""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from gateway.sdk.errors import Misused
from gateway.sdk.paths import check_utf8

HOLDINGS = "holdings.db"
"""The record of what this machine holds, below `data_home`."""


def home(environ: Mapping[str, str]) -> Path:
    """Where the SDK keeps its own files: HUBGATE_HOME, else the system's place for a user's settings.

    Raises Misused.
    """
    named = environ.get("HUBGATE_HOME")
    return _utf8(Path(named) if named else user_config_path("hubgate", appauthor=False))


def data_home(environ: Mapping[str, str]) -> Path:
    """Where what was fetched is kept and listed: HUBGATE_HOME, else the system's place for a user's data.

    Raises Misused.
    """
    named = environ.get("HUBGATE_HOME")
    return _utf8((Path(named) if named else user_data_path("hubgate", appauthor=False)).expanduser().absolute())


def _utf8(folder: Path) -> Path:
    check_utf8(str(folder), "home-not-utf8")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A gateway's origin, the token for it, and the account that the token is of."""

    origin: str
    token: str
    account: str


class Logins:
    """Sign-ins below `folder`. Each read sees the file as it is; each write replaces it whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "logins.json"

    def current(self) -> Login | None:
        """The gateway signed in to last. Raises Misused when the file cannot be understood."""
        current, logins = self._read()
        return logins.get(current or "")

    def find(self, origin: str) -> Login | None:
        """The sign-in to `origin`. Raises Misused when the file cannot be understood."""
        return self._read()[1].get(origin)

    def add(self, login: Login) -> None:
        """Keep it and make it the current one."""
        _, logins = self._read()
        self._write(login.origin, logins | {login.origin: login})

    def remove(self, origin: str) -> bool:
        """Forget it; False when there was none. The current one passes to none: no other is chosen unasked."""
        current, logins = self._read()
        if origin not in logins:
            return False
        del logins[origin]
        self._write(None if current == origin else current, logins)
        return True

    def _read(self) -> tuple[str | None, dict[str, Login]]:
        try:
            content = json.loads(self.path.read_bytes())
            logins = {
                origin: Login(origin=origin, token=str(kept["token"]), account=str(kept["account"]))
                for origin, kept in content["logins"].items()
            }
            return content["current"], logins
        except FileNotFoundError:
            return None, {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Misused("store-unreadable", path=self.path) from error

    def _write(self, current: str | None, logins: Mapping[str, Login]) -> None:
        kept = {login.origin: {"token": login.token, "account": login.account} for login in logins.values()}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes the file 0600 from its first byte, whatever the umask is.
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".logins-")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump({"current": current, "logins": kept}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
