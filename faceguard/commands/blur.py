"""``faceguard blur``: a copy of a picture, or of a folder of them, in which every face found is hidden."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from faceguard.commands.base import REFUSED, Jobs, LangOption, Preview, language, new_guard
from faceguard.result import Blurred, Refused
from faceguard.words import Language, say

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}

app = typer.Typer()


@app.command()
def blur(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.", exists=True)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The JPEG to write, or a folder for them.")],
    preview: Preview = 512,
    jobs: Jobs = 1,
    lang: LangOption = None,
) -> None:
    """Write a copy of IN in which every face found is hidden.

    The copy is a small JPEG without metadata. A picture that cannot be made safe writes nothing, says why, and the
    exit status is 3. From a folder every picture is taken, with the folders it lies in; names get the ending .jpg.
    """
    spoken = language(lang)
    pairs = list(_pairs(source, target))
    with new_guard(jobs, preview, os.urandom(32)) as guard, ThreadPoolExecutor(jobs) as threads:
        results = threads.map(lambda pair: guard.preview(pair[0].read_bytes()), pairs)
        shown = tqdm(zip(pairs, results, strict=True), total=len(pairs), unit="", disable=not source.is_dir())
        refused = sum([not _written(result, *pair, spoken) for pair, result in shown])
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


def _written(result: Blurred | Refused, source: Path, target: Path, spoken: Language) -> bool:
    match result:
        case Blurred():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(result.jpeg)
            return True
        case Refused(why):
            tqdm.write(f"{source}: {say(why, spoken)}", file=sys.stderr)
            return False
