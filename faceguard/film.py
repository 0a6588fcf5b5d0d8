"""A film as one picture: eight frames at even times, each blurred like any picture, on a contact sheet."""

from collections.abc import Callable
from contextlib import closing

from faceguard.formats import is_film
from faceguard.opener import pictures_in
from faceguard.result import Blurred, Refused, Why
from faceguard.source import Source
from faceguard.worker import Guard

FRAMES = 8
HEAD = 64
"""So many first bytes tell a film."""

_SMALLEST = 64  # a preview may not be asked for smaller


def film_sheet(guard: Guard, film: Source, beat: Callable[[], None] = lambda: None) -> Blurred | Refused:
    """The contact sheet of a film; a frame that is refused leaves a plain place, all of them refuse the film.

    A frame on it is half as large as a preview. Sound, subtitles, covers and metadata are never looked at.
    beat: called at every range that is read. Raises what the film or the guard raises.
    """
    if not is_film(film.read(0, min(HEAD, film.size))):
        return Refused(Why.UNREADABLE_FILM)
    size = max(_SMALLEST, guard.limits.preview_px // 2)
    with closing(pictures_in(film, FRAMES, guard.limits, beat)) as frames:
        cells = [frame if isinstance(frame, Refused) else guard.preview(frame, preview_px=size) for frame in frames]
    return guard.sheet(cells)
