"""What all files of commands share: options, one clear sentence for what goes wrong, and JSON for programs."""

import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal, NoReturn

import typer

from gateway.sdk.errors import HubError, Refused
from gateway.sdk.words import Language, plain, say

Name = Annotated[str, typer.Argument(metavar="NS/NAME", help="The asset, such as lab/street-faces.")]
Url = Annotated[str | None, typer.Option("--url", help="The gateway; else HUBGATE_URL, else the last sign-in.")]
Token = Annotated[str | None, typer.Option("--token", help="The token; else HUBGATE_TOKEN, else the sign-in's.")]
Lang = Annotated[Literal["zh", "en"] | None, typer.Option("--lang", help="Language; else that of the environment.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def spoken(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what can go wrong into one sentence on stderr and exit status 1."""

    @functools.wraps(command)
    def wrapped(**options: Any) -> None:
        lang: Language | None = options.get("lang")
        try:
            command(**options)
        except HubError as error:
            fail(error.say(lang) + _fields(error))
        except KeyboardInterrupt:
            fail(say("interrupted", lang))
        except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                fail(say("disk-full", lang))
            if error.filename:
                fail(say("system-refused", lang, path=error.filename, why=error.strerror))
            fail(str(error))

    return wrapped


def _fields(error: HubError) -> str:
    """The fields that were refused, after the sentence."""
    named = error.fields if isinstance(error, Refused) else {}
    return "".join(f" [{name}: {why}]" for name, why in named.items())


def aside(as_json: bool) -> Any:
    return sys.stderr if as_json else sys.stdout


def print_json(value: object) -> None:
    # ASCII: every terminal and every pipe can carry it, and no character in it can command one.
    print(json.dumps(value, indent=2))


def fail(message: str, status: int = 1) -> NoReturn:
    print(plain(message), file=sys.stderr)
    raise typer.Exit(status)
