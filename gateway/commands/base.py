"""What every command shares: which installation, in whose name, how to print, how to fail."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from catalog.actions.authority import in_person
from catalog.errors import CatalogError
from catalog.ports import Transaction
from catalog.vocabulary import Actor
from gateway.blobs.base import BlobError
from gateway.installation import Installation, NotInstalled, open_installation
from gateway.settings import BadSetting, Settings, load
from gateway.web.words import LANGUAGES, Words, words_for

P = ParamSpec("P")
T = TypeVar("T")

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the installation; or HUBGATE_DATA.")]
As = Annotated[str, typer.Option("--as", metavar="ACCOUNT", help="In whose name the act is recorded.")]
Url = Annotated[str | None, typer.Option("--url", help="Act over the API of this gateway instead of --data.")]
Secret = Annotated[str | None, typer.Option("--token", help="The token for --url; or HUBGATE_TOKEN.")]
Json = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file; default DATA/hubgate.toml.")]

OPERATOR = "operator"
UNREAD = 128 + 13  # as of a program that SIGPIPE has ended


class Failed(Exception):
    """The act was refused or failed; the sentence says what to do next."""


def read_text(file: Path) -> str:
    """A text that somebody wrote. Raises Failed."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Failed(f"{file} is not UTF-8 text. Save it as UTF-8, then run the same again.") from error
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}. Check the path.") from error


def words() -> Words:
    """The terminal's language."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    language = locale.split("_")[0].lower()
    return words_for(language if language in LANGUAGES else "en")


def sentence(error: CatalogError) -> str:
    """What the API would say, in the terminal's language."""
    from gateway.web.errors import Errors  # templates and all: loaded only where there is something to refuse
    from gateway.web.render import Renderer

    refusal = Errors("", "", Renderer("")).refusal(error)
    return words()("form.stop").join((refusal.title(words()), refusal.detail(words())))


def command(run: Callable[P, T]) -> Callable[P, T]:
    """Exit status 1 and one clear sentence for everything that is refused or fails on purpose.

    Quiet where whoever reads the output has read enough, as in `hubgate recalls | head`.
    """

    @wraps(run)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            done = run(*args, **kwargs)
            sys.stdout.flush()  # here, where it can be told that nobody reads any more
            return done
        except CatalogError as error:
            reason = sentence(error)
        except (Failed, NotInstalled, BadSetting, BlobError, OSError) as error:
            if isinstance(error, BrokenPipeError) and _unread():
                raise typer.Exit(UNREAD) from None
            reason = str(error)
        print(reason, file=sys.stderr)
        raise typer.Exit(1)

    return wrapped


def _unread() -> bool:
    """Nobody reads the output any more: no other pipe broke. Then what is left of it goes nowhere, at exit too."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True


def settings_of(data: Path | None, config: Path | None = None, **overrides: object) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
    return load({**({} if data is None else {"data": data}), **given}, config=config)


@contextmanager
def opened(data: Path | None, config: Path | None = None) -> Iterator[Installation]:
    installation = open_installation(settings_of(data, config))
    try:
        yield installation
    finally:
        installation.close()


def actor_named(tx: Transaction, name: str) -> Actor:
    """Whoever sits at the machine acts in this account's name, with all that its role has."""
    account = tx.accounts.named(name)
    if account is None:
        raise Failed(f"There is no account named {name}. `hubgate account create` makes one.")
    return in_person(account)


def show(record: Mapping[str, object], as_json: bool) -> None:
    """One record: `key: value` lines, or JSON."""
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
        return
    for key, value in record.items():
        print(f"{key}: {value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)}")
