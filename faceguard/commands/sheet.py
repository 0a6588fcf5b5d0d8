"""``faceguard sheet``: a film as one picture of eight blurred frames."""

from pathlib import Path
from typing import Annotated

import typer

from faceguard.bulk.place import writing
from faceguard.commands.base import REFUSED, LangOption, Preview, fail, key_at_hand, language, new_guard, told
from faceguard.commands.target import check_neighbours, place_of
from faceguard.commands.words import Note, note
from faceguard.film import film_sheet
from faceguard.result import Refused
from faceguard.source import OpenFile
from faceguard.words import say

app = typer.Typer()


@app.command()
def sheet(
    source: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="MP4, MOV, WebM, MKV, AVI or MPEG.", exists=True, dir_okay=False)
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The JPEG to write, or a folder for it.")],
    preview: Preview = 512,
    lang: LangOption = None,
) -> None:
    """Write eight frames of VIDEO, evenly spaced, on one sheet, with every face found hidden.

    Each frame is half of --preview long. A frame that cannot be made safe leaves a plain place; a film that cannot be
    read writes nothing, says why, and the exit status is 3. Sound, subtitles and cover pictures are never looked at.
    """
    spoken = language(lang)
    place = place_of(source, target, spoken)
    check_neighbours(source, place, spoken)
    key = key_at_hand(spoken)
    try:
        with new_guard(1, preview, key) as guard, OpenFile(source) as film:
            result = film_sheet(guard, film)
    except OSError as error:
        fail(f"{source}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror or error)}")
    if isinstance(result, Refused):
        told(f"{source}: {say(result.why, spoken)}")
        raise typer.Exit(REFUSED)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with writing(place, place.parent) as sink:
            sink.write(result.jpeg)
    except OSError as error:
        fail(note(Note.CANNOT_WRITE, spoken, place=place, trouble=error.strerror))
