"""`hubgate models add`: further detector weights, so that previews are looked at by the better plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceguard.detectors import weights
from gateway.commands.base import Config, Data, Failed, Json, command, opened, show, words

models = typer.Typer(no_args_is_help=True, help="Detector weights for previews.")


@models.callback()
def group() -> None:
    """Keep `add` a command of its own while it is the only one."""


@models.command("add")
@command
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .onnx file; it is known by its SHA-256.")],
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy known detector weights into the models folder; `hubgate check` then says which plan runs.

    A server that is running takes them up when it is started again.
    """
    with opened(data, config) as installation:
        folder = installation.settings.models_folder
    names = ", ".join(known.name for known in weights.KNOWN)
    try:
        added = weights.add(file, folder)
    except weights.UnknownWeights as unknown:
        raise Failed(words()("models.unknown", file=file, sha256=unknown.sha256, names=names)) from unknown
    plan = weights.plan_of(weights.found([weights.PACKAGED, folder]))
    show({"added": added.name, "folder": str(folder), "plan": plan or "none"}, as_json)
