"""What the commands share: their language, their exit statuses, and the guard they ask."""

import os
import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from faceguard.commands.key import noise_key
from faceguard.commands.words import Note, note
from faceguard.detectors.weights import PACKAGED
from faceguard.result import Limits
from faceguard.words import Language
from faceguard.worker import Guard

FAILED = 1
REFUSED = 3
"""Exit status when a picture was refused."""

MODELS = "FACEGUARD_MODELS"
"""Names a folder of further weights."""


class Lang(StrEnum):
    """Languages of the messages."""

    ZH = "zh"
    EN = "en"


Preview = Annotated[int, typer.Option(metavar="PX", min=64, max=2048, help="Long side of what is written.")]
Jobs = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Pictures at once.")]
LangOption = Annotated[Lang | None, typer.Option(help="Language of messages; by default that of LANG.")]


def language(chosen: Lang | None) -> Language:
    """The language asked for, or that of the environment."""
    if chosen is None:
        locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
        return "zh" if locale.lower().startswith("zh") else "en"
    return chosen.value


def fail(sentence: str) -> NoReturn:
    """One clear sentence on standard error, and exit status 1."""
    told(sentence)
    raise typer.Exit(FAILED)


def told(sentence: str) -> None:
    """A line on standard error; what a file's name holds besides letters cannot command the terminal."""
    print(plain(sentence), file=sys.stderr)


def shown(text: str) -> None:
    """What was asked for, on standard output; a character that the terminal's encoding lacks becomes an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def plain(text: object) -> str:
    """The text with whatever is no visible character written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def key_at_hand(spoken: Language, *, goes_on: bool = False) -> bytes:
    """The user's key. Ends the command where nothing can be done at all.

    goes_on: a later run is to go on from this one, so that a key that cannot be kept is told of.
    """
    if not all(map(find_spec, ("numpy", "cv2", "PIL"))):
        fail(note(Note.NO_LIBRARIES, spoken))
    named = os.environ.get(MODELS)
    if named and _models() is None:
        told(note(Note.NO_MODELS, spoken, folder=named))
    return noise_key(lambda file: told(note(Note.NO_KEY, spoken, file=file)) if goes_on else None)


def new_guard(jobs: int, preview_px: int, key: bytes) -> Guard:
    """Workers with the best detectors at hand; ``FACEGUARD_MODELS`` names a folder of further weights."""
    return Guard(workers=jobs, limits=Limits(preview_px=preview_px), key=key, models=_models())


def models_folders() -> list[Path]:
    """Where the workers of ``new_guard`` look for weights."""
    models = _models()
    return [PACKAGED, models] if models else [PACKAGED]


def _models() -> Path | None:
    named = os.environ.get(MODELS)
    return Path(named) if named and os.path.isdir(named) else None
