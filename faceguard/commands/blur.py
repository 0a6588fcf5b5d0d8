"""``faceguard blur``: a copy of a picture, or of a folder of them, in which every face found is hidden."""

import hashlib
import os
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from faceguard.bulk.journal import OtherFolder
from faceguard.bulk.place import writing
from faceguard.bulk.run import JOURNAL, AtWork, Done, NothingWorks, Run
from faceguard.commands.base import (
    REFUSED,
    Jobs,
    LangOption,
    Preview,
    fail,
    key_at_hand,
    language,
    models_folders,
    new_guard,
    plain,
    told,
)
from faceguard.commands.target import check_neighbours, check_originals, check_state, place_of
from faceguard.commands.tiles import Kind, kind_of, write_tiles
from faceguard.commands.words import Note, note
from faceguard.detectors import weights
from faceguard.result import Blurred, Refused
from faceguard.source import OpenFile
from faceguard.words import Language, say
from faceguard.worker import Guard

app = typer.Typer()


@app.command()
def blur(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A picture, or a folder, tar, zip or Parquet file of pictures.", exists=True),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The JPEG to write, or a folder for them.")],
    preview: Preview = 512,
    jobs: Jobs = 1,
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Journal and report of a folder; by default OUT.faceguard, beside OUT."),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Write a copy of IN in which every face found is hidden.

    The copy is a small JPEG without metadata. A picture that cannot be made safe writes nothing, says why, and the
    exit status is 3. From a folder every picture is taken, with the folders it lies in; names get the ending .jpg.
    From a tar, zip or Parquet file at most 100 pictures are taken, evenly, and numbered: 001.jpg and so on.

    A run over a folder that was stopped, even by kill -9, goes on when it is started again; what is done and has not
    changed is not done twice. Its report.json names every picture that a person should look at.
    """
    spoken = language(lang)
    place = place_of(source, target, spoken)
    if _real(target) in (_real(source), *_real(source).parents) and (source.is_dir() or target.is_file()):
        raise typer.BadParameter(note(Note.IN_ITSELF, spoken), param_hint="OUT")
    inside = source.is_file() and _holds_pictures(source, target, spoken)
    state = _real(state or Path(f"{_real(target)}.faceguard"))
    if source.is_dir():
        check_originals(_real(source), _real(target), state, spoken)
        check_state(state, spoken)
    if source.is_file():
        check_neighbours(source, target if inside else place, spoken, inside=inside)
    key = key_at_hand(spoken, goes_on=source.is_dir())
    with new_guard(jobs, preview, key) as guard:
        if source.is_dir():
            run = Run(_real(source), _real(target), state, guard, _settings(preview, key))
            refused = _folder(run, source, spoken)
        elif inside:
            refused = _inside(source, target, guard, spoken)
        else:
            refused = not _picture(source, place, guard, spoken)
    if refused:
        raise typer.Exit(REFUSED)


def _real(path: Path) -> Path:
    """Without links. A link that leads round in a circle stays, and is told of by whoever opens it."""
    return Path(os.path.realpath(path))


def _picture(source: Path, place: Path, guard: Guard, spoken: Language) -> bool:
    """True when the copy was written."""
    try:
        with OpenFile(source) as picture:
            result = guard.preview(picture)
    except OSError as error:
        fail(f"{source}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror or error)}")
    if isinstance(result, Refused):
        told(f"{source}: {say(result.why, spoken)}")
        return False
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with writing(place, place.parent) as sink:
            sink.write(result.jpeg)
    except OSError as error:
        fail(note(Note.CANNOT_WRITE, spoken, place=place, trouble=error.strerror))
    return True


def _holds_pictures(source: Path, target: Path, spoken: Language) -> bool:
    """True for a container whose tiles have a place to go. Raises BadParameter for a film, and for no such place."""
    try:
        kind = kind_of(source)
    except OSError as error:
        fail(f"{source}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror)}")
    if kind is Kind.FILM:
        raise typer.BadParameter(note(Note.FILM, spoken), param_hint="IN")
    if kind is Kind.CONTAINER and target.exists() and not target.is_dir():
        raise typer.BadParameter(note(Note.FOLDER, spoken), param_hint="OUT")
    return kind is Kind.CONTAINER


def _inside(source: Path, target: Path, guard: Guard, spoken: Language) -> bool:
    """True when a picture that was chosen has no copy."""
    try:
        return write_tiles(source, target, guard, spoken) > 0
    except OSError as error:
        fail(f"{source}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror or error)}")


def _folder(run: Run, source: Path, spoken: Language) -> bool:
    """True when a picture of the folder has no copy, by this run or an earlier one."""
    try:
        with tqdm(unit=" pictures", disable=None, smoothing=0.02) as bar:
            for done in run.steps(bar.reset, bar.update):
                bar.update()
                if not isinstance(done.result, Blurred):
                    tqdm.write(plain(f"{source / done.path}: {_why(done, spoken)}"), file=sys.stderr)
    except AtWork as error:
        fail(note(Note.AT_WORK, spoken, state=error))
    except OtherFolder as error:
        fail(note(Note.OTHER_FOLDER, spoken, state=run.state, source=error))
    except NothingWorks as error:
        fail(say(error.why, spoken))
    except OSError as error:
        fail(note(Note.STOPPED, spoken, trouble=error))
    except sqlite3.Error as error:
        fail(note(Note.STOPPED, spoken, trouble=f"{run.state / JOURNAL}: {error}"))
    tally = run.tally
    facts = {"found": tally.found, "rested": tally.rested, "shown": tally.shown, "refused": tally.refused}
    told(note(Note.SUMMARY, spoken, **facts, unsure=tally.unsure, report=run.report))
    return tally.withheld > 0


def _why(done: Done, spoken: Language) -> str:
    if isinstance(done.result, Refused):
        return say(done.result.why, spoken)
    if done.place:
        return note(Note.CANNOT_WRITE, spoken, place=done.place, trouble=done.trouble)
    return note(Note.CANNOT_READ, spoken, trouble=done.trouble)


def _mediapipe() -> str | None:
    try:
        return version("mediapipe")
    except PackageNotFoundError:
        return None


def _settings(preview_px: int, key: bytes) -> dict[str, object]:
    """All that a preview hangs on besides its picture; the key only as a digest, which tells nothing of it."""
    at_hand = weights.found(models_folders())
    return {
        "preview_px": preview_px,
        "plan": weights.plan_of(at_hand),
        "mediapipe": _mediapipe(),
        "weights": sorted(one.sha256 for one in at_hand),
        "key": hashlib.sha256(b"journal" + key).hexdigest(),
        "version": version("hubgate"),
    }
