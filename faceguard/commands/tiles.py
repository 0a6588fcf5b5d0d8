"""``faceguard blur`` of a file that holds pictures: numbered tiles in a folder, without the names they had inside."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum, auto
from pathlib import Path

from tqdm import tqdm

from faceguard.bulk.place import writing
from faceguard.commands.base import fail, plain
from faceguard.commands.words import Note, note
from faceguard.containers.inside import HEAD, reader_for
from faceguard.errors import Unsafe
from faceguard.opener import Picture, pictures_in
from faceguard.result import Blurred, Refused, Why
from faceguard.source import OpenFile
from faceguard.spread import spread
from faceguard.words import Language, say
from faceguard.worker import Guard

MOST = 100
"""Tiles of one file."""


class Kind(Enum):
    """What a file is to ``faceguard blur``. A packed archive counts as a container, although it will be refused."""

    PICTURE = auto()
    CONTAINER = auto()
    FILM = auto()


def kind_of(file: Path) -> Kind:
    """By its first bytes. Raises OSError."""
    with file.open("rb") as source:
        head = source.read(HEAD)
    try:
        return Kind.FILM if reader_for(head) == "film" else Kind.CONTAINER
    except Unsafe as refusal:
        return Kind.CONTAINER if refusal.why is Why.UNSUPPORTED_PACKING else Kind.PICTURE


def write_tiles(source: Path, target: Path, guard: Guard, spoken: Language) -> int:
    """At most MOST pictures of the file, evenly chosen, as 001.jpg and so on; how many were refused.

    Raises OSError when the file cannot be read; ends the command when a tile cannot be written.
    """
    refused = 0
    with _written(target, spoken):
        target.mkdir(parents=True, exist_ok=True)
    with OpenFile(source) as container, closing(pictures_in(container, MOST, guard.limits)) as inside:
        numbered: Iterator[tuple[int, Picture]] = enumerate(inside, start=1)

        def blurred(one: tuple[int, Picture]) -> tuple[int, Blurred | Refused]:
            number, picture = one
            return number, picture if isinstance(picture, Refused) else guard.preview(picture)

        for number, result in tqdm(
            spread(blurred, numbered, threads=guard.workers + 1), unit=" pictures", disable=None
        ):
            if isinstance(result, Refused):
                refused += 1
                named = note(Note.INSIDE, spoken, file=source, number=number)
                tqdm.write(plain(f"{named}: {say(result.why, spoken)}"), file=sys.stderr)
            else:
                place = target / f"{number:03}.jpg"
                with _written(place, spoken), writing(place, target) as sink:
                    sink.write(result.jpeg)
    return refused


@contextmanager
def _written(place: Path, spoken: Language) -> Iterator[None]:
    """Tells what cannot be written from what cannot be read."""
    try:
        yield
    except OSError as error:
        fail(note(Note.CANNOT_WRITE, spoken, place=place, trouble=error.strerror or error))
