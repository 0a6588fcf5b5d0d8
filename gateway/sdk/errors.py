"""Every error the SDK raises on purpose. Each says in one sentence what to do next.

HubError
├── Misused            the call cannot work: no address, a bad name, a token that would travel in clear
├── Unreachable        no answer, or the connection broke, also after several tries
├── NotAGateway        an answer came that no gateway gives
├── Untrusted          a recall or a list of keys that is not to be believed; nothing was touched
├── Refused            the gateway said no
│   ├── SignInNeeded       401
│   ├── NotAllowed         403: suspended, or beyond the token's scope or the account's role
│   ├── TermsNotAccepted   403: read and accept the terms first
│   ├── NotFound           404
│   ├── TermsChanged       409: what was accepted is not in force any more
│   ├── Stopped            451: held, withheld or revoked; `notice` is where it says why
│   └── Unavailable        429, 502, 503, 504, also after several tries
├── NotLoaded          a file holds more than plain data, or is none of its kind; nothing in it was run
└── NotStored          the bytes could not be put in their place
    ├── WrongBytes         the digest does not match, twice
    ├── UnsafePath         the path would lead out of the destination
    ├── NoSpace
    └── FolderBusy
"""

from datetime import datetime
from pathlib import Path

from gateway.sdk.words import Language, say


class HubError(Exception):
    """The family. `code` is stable and for programs; `str()` is the sentence in the user's language.

    `status` is the HTTP status, None when the gateway was not asked; `notice` the address that explains a stop.
    """

    def __init__(self, code: str, *, status: int | None = None, notice: str | None = None, **params: object) -> None:
        self.code = code
        self.status = status
        self.notice = notice
        self.params = params
        super().__init__(code)

    sentence: str | None = None
    """The key of the sentence, where several codes share one."""

    def say(self, lang: Language | None = None) -> str:
        """The sentence in the user's language, or in `lang`."""
        return say(self.sentence or self.code, lang, notice=self.notice, **self.params)

    def __str__(self) -> str:
        return self.say()


class Misused(HubError):
    """The call cannot work as it stands; nothing was sent."""


class Unreachable(HubError):
    """No answer, or the connection broke. `params["why"]` says how."""

    sentence = "unreachable"

    def say(self, lang: Language | None = None) -> str:
        why = say(self.code, lang) if self.code in ("cut", "timeout", "tls") else self.params["why"]
        return say("unreachable", lang, **{**self.params, "why": why})


class NotAGateway(HubError):
    """An answer came that no gateway gives: a redirect, a page, other JSON."""


class Untrusted(HubError):
    """A statement about keys or recalls that is not to be believed; `params["why"]` says why. Nothing was touched.

    `clock`: what this machine's clock says, where the statement would be believed at another time.
    """

    def __init__(self, why: str, *, clock: datetime | None = None) -> None:
        super().__init__("untrusted", why=why)
        if clock is not None:
            self.sentence = "untrusted-clock"
            self.params["clock"] = f"{clock:%Y-%m-%d %H:%M} UTC"


class Refused(HubError):
    """The gateway said no. `detail` is its own sentence; `fields` name wrong input."""

    sentence: str | None = "refused"

    def __init__(
        self,
        code: str,
        *,
        status: int,
        detail: str,
        fields: dict[str, str] | None = None,
        notice: str | None = None,
        **params: object,
    ) -> None:
        self.detail = detail
        self.fields = fields or {}
        super().__init__(code, status=status, notice=notice, detail=detail, **params)


class SignInNeeded(Refused):
    sentence = "unauthenticated"


class NotAllowed(Refused):
    """The account or its token may not do that."""

    sentence = None


class TermsNotAccepted(Refused):
    """The terms in force are not accepted yet, or no longer."""

    sentence = None


class NotFound(Refused):
    sentence = "not-found"


class TermsChanged(Refused):
    sentence = "terms-not-in-force"


class Stopped(Refused):
    """Held, withheld or revoked: do not use what you have of it. `notice` says why and how to appeal."""

    sentence = "stopped"


class Unavailable(Refused):
    """The gateway cannot serve just now."""

    sentence = "state-unavailable"

    def __init__(self, code: str, *, status: int, detail: str, retry_after_s: float = 0.0, **params: object) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(code, status=status, detail=detail, **params)  # type: ignore[arg-type]


class NotLoaded(HubError):
    """The file is not what a loader takes; `params["why"]` says what was in the way. Nothing in it was run."""


class NotStored(HubError):
    """The bytes could not be put in their place."""


class WrongBytes(NotStored):
    """The bytes are not the published ones."""


class UnsafePath(NotStored):
    """The path would lead out of the destination, or cannot exist on this system."""

    def say(self, lang: Language | None = None) -> str:
        return say("unsafe-path", lang, **{**self.params, "why": say(self.code, lang)})


class NoSpace(NotStored):
    """The destination is too small; or the store of this machine, below `home`."""

    def __init__(self, *, folder: Path, free: str, needed: str, home: Path | None = None) -> None:
        super().__init__("no-space", folder=folder, free=free, needed=needed, home=home)
        if home is not None:  # another place for the files would not help
            self.sentence = "no-space-store"


class FolderBusy(NotStored):
    """Another fetch is writing there."""


class StoppedFilesWarning(UserWarning):
    """Some files of the version are stopped and were left out."""
