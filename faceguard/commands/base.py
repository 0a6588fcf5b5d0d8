"""What the commands share: their language, their exit statuses, and the guard they ask."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from faceguard.detectors.weights import PACKAGED
from faceguard.result import Limits
from faceguard.words import Language
from faceguard.worker import Guard

FAILED = 1
REFUSED = 3
"""Exit status when a picture was refused."""


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
    print(sentence, file=sys.stderr)
    raise typer.Exit(FAILED)


def new_guard(jobs: int, preview_px: int, key: bytes) -> Guard:
    """Workers with the best detectors at hand; ``FACEGUARD_MODELS`` names a folder of further weights."""
    return Guard(workers=jobs, limits=Limits(preview_px=preview_px), key=key, models=_models())


def models_folders() -> list[Path]:
    """Where the workers of ``new_guard`` look for weights."""
    models = _models()
    return [PACKAGED, models] if models else [PACKAGED]


def _models() -> Path | None:
    models = os.environ.get("FACEGUARD_MODELS")
    return Path(models) if models else None
