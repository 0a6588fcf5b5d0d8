"""The command ``faceguard``: blur pictures on the command line, by the same workers as the gateway."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from faceguard.result import Blurred, Limits, Refused
from faceguard.words import Language, say
from faceguard.worker import Guard

REFUSED = 3

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Faces in pictures are hidden, never identified.")


class Lang(StrEnum):
    """Languages of the messages."""

    ZH = "zh"
    EN = "en"


@app.callback()
def faceguard() -> None:
    """Keep ``blur`` a command of its own while it is the only one."""


@app.command()
def blur(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.", exists=True)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The JPEG to write, or a folder for them.")],
    preview: Annotated[int, typer.Option(metavar="PX", min=64, max=2048, help="Long side of what is written.")] = 512,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Pictures at once.")] = 1,
    lang: Annotated[Lang | None, typer.Option(help="Language of messages; by default that of LANG.")] = None,
) -> None:
    """Write a copy of IN in which every face found is hidden.

    The copy is a small JPEG without metadata. A picture that cannot be made safe writes nothing, says why, and the
    exit status is 3. From a folder every picture is taken, with the folders it lies in; names get the ending .jpg.
    """
    language: Language = "zh" if (lang or _language()) == Lang.ZH else "en"
    pairs = list(_pairs(source, target))
    models = os.environ.get("FACEGUARD_MODELS")
    limits = Limits(preview_px=preview)
    with (
        Guard(workers=jobs, limits=limits, key=os.urandom(32), models=Path(models) if models else None) as guard,
        ThreadPoolExecutor(jobs) as threads,
    ):
        results = threads.map(lambda pair: guard.preview(pair[0].read_bytes()), pairs)
        shown = tqdm(zip(pairs, results, strict=True), total=len(pairs), unit="", disable=not source.is_dir())
        refused = sum([not _written(result, *pair, language) for pair, result in shown])
    if refused:
        raise typer.Exit(REFUSED)


def _pairs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Every picture of the source and the place for its copy; two that would share a place keep their own endings."""
    if source.is_file():
        yield source, target / f"{source.stem}.jpg" if target.is_dir() else target
        return
    taken: set[Path] = set()
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix.lower() in _SUFFIXES and target not in path.parents:
            place = target / path.relative_to(source).with_suffix(".jpg")
            if place in taken:
                place = place.with_name(path.name + ".jpg")
            taken.add(place)
            yield path, place


def _written(result: Blurred | Refused, source: Path, target: Path, language: Language) -> bool:
    match result:
        case Blurred():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(result.jpeg)
            return True
        case Refused(why):
            tqdm.write(f"{source}: {say(why, language)}", file=sys.stderr)
            return False


def _language() -> Lang:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return Lang.ZH if locale.lower().startswith("zh") else Lang.EN


def main() -> None:
    """Entry point of the command."""
    app()
