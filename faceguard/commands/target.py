"""Where the commands may write: never over IN, nor over what lies beside it."""

import os
from pathlib import Path

import typer

from faceguard.bulk.run import JOURNAL, REPORT
from faceguard.bulk.walk import pictures
from faceguard.commands.base import fail, plain
from faceguard.commands.words import Note, note
from faceguard.words import Language


def place_of(source: Path, target: Path, spoken: Language) -> Path:
    """Where the copy of the file IN goes: to OUT, or into the folder OUT under IN's name; for a folder IN, to OUT.

    Before the long work, it ends the command when nothing can have that name: it is too long, say, or a link on the way
    leads round in a circle. Names are looked at by os.path, which raises for none of this.
    """
    place = target / f"{source.stem}.jpg" if os.path.isfile(source) and os.path.isdir(target) else target
    try:
        place.stat()
    except FileNotFoundError:
        return place
    except OSError as error:
        fail(note(Note.CANNOT_WRITE, spoken, place=place, trouble=error.strerror))
    return place


def check_neighbours(source: Path, place: Path, spoken: Language, *, inside: bool = False) -> None:
    """Nothing that lies beside IN is overwritten because IN's folder was given as OUT. Raises BadParameter.

    place: where the copy goes; with ``inside``, the folder of many.
    """
    if not inside and os.path.realpath(place) == os.path.realpath(source):
        raise typer.BadParameter(note(Note.IN_ITSELF, spoken), param_hint="OUT")
    folder = place if inside else place.parent
    named = inside or place.name == f"{source.stem}.jpg"
    if not named or os.path.realpath(folder) != os.path.realpath(source.parent):
        return
    places = sorted(folder.glob("[0-9][0-9][0-9].jpg")) if inside else [place]
    there = next((one for one in places if os.path.lexists(one)), None)
    if there is not None:
        raise typer.BadParameter(note(Note.NEIGHBOUR, spoken, place=plain(there)), param_hint="OUT")


def check_originals(source: Path, target: Path, state: Path, spoken: Language) -> None:
    """Copies of the folder IN go into no folder of originals below it. Raises BadParameter.

    A folder with the journal of an earlier run holds that one's copies. All three without links.
    """
    if not target.is_relative_to(source) or not target.is_dir() or os.path.lexists(state / JOURNAL):
        return
    try:
        held = any(pictures(target))
    except OSError as error:
        fail(f"{target}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror or error)}")
    if held:
        raise typer.BadParameter(note(Note.ORIGINALS, spoken, place=plain(target)), param_hint="OUT")


def check_state(state: Path, spoken: Language) -> None:
    """No report but that of a run, which has its journal beside it, is overwritten. Raises BadParameter."""
    if os.path.lexists(state / REPORT) and not os.path.lexists(state / JOURNAL):
        raise typer.BadParameter(note(Note.NO_RUN, spoken, place=plain(state / REPORT)), param_hint="--state")
