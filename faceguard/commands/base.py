"""What the commands share: their language, the exit status of a refusal, and the guard they ask."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from faceguard.result import Limits
from faceguard.words import Language
from faceguard.worker import Guard

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


def new_guard(jobs: int, preview_px: int, key: bytes) -> Guard:
    """Workers with the best detectors at hand; ``FACEGUARD_MODELS`` names a folder of further weights."""
    models = os.environ.get("FACEGUARD_MODELS")
    return Guard(workers=jobs, limits=Limits(preview_px=preview_px), key=key, models=Path(models) if models else None)
