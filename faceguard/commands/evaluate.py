"""``faceguard eval``: how much is hidden in a folder of pictures whose faces are known."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from faceguard.bulk.place import writing
from faceguard.commands.base import Jobs, LangOption, Preview, fail, key_at_hand, language, new_guard, plain, shown
from faceguard.commands.words import Note, note
from faceguard.result import Why
from faceguard.words import Language, say

if TYPE_CHECKING:
    from faceguard.evaluate.score import Score

DRAWING = Path("faceguard-eval.svg")

app = typer.Typer()


@app.command("eval")
def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Pictures and annotations.json.", exists=True, file_okay=False),
    ],
    preview: Preview = 512,
    jobs: Jobs = 1,
    plot: Annotated[Path, typer.Option(metavar="FILE.svg", help="Where the drawing goes.")] = DRAWING,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of the table.")] = False,
    lang: LangOption = None,
) -> None:
    """Blur every picture of DIR and tell, from its pixels alone, how many of its faces are hidden.

    Prints a table and draws it. annotations.json is {file: {"size": [w, h], "faces": [[x, y, w, h], …], "tags": […]}},
    in pixels of the upright picture. Originals are decoded in this process: take a folder of which you know the source.
    """
    spoken = language(lang)
    key = key_at_hand(spoken)
    # They load OpenCV, which no other command needs in this process.
    from faceguard.evaluate.annotations import BadAnnotations, read
    from faceguard.evaluate.score import Score, judged

    score = Score()
    try:
        pictures = read(folder)
        with (
            new_guard(jobs, preview, key) as guard,
            tqdm(total=len(pictures), unit=" pictures", disable=None) as bar,
        ):
            for one in judged(folder, pictures, guard):
                score.add(one)
                bar.update()
    except BadAnnotations as error:
        fail(note(Note.BAD_ANNOTATIONS, spoken, trouble=error))
    except OSError as error:
        fail(f"{error.filename or folder}: {note(Note.CANNOT_READ, spoken, trouble=error.strerror or error)}")
    shown(json.dumps(score.facts(), indent=1) if as_json else _table(score, preview, spoken))
    _draw(score, plot, preview, spoken)


def _table(score: "Score", preview: int, spoken: Language) -> str:
    from faceguard.evaluate.score import CLASSES, SEEN

    lines = [note(Note.EVAL_TITLE, spoken, pictures=len(score.all), preview=preview), ""]
    for name, (hidden, faces) in zip(CLASSES, score.by_height, strict=True):
        lines.append(f"{name + ' px':>12} {hidden:>6} / {faces:<6} {_percent(hidden / faces if faces else None):>8}")
    lines.append("")
    lines += [f"{value:>22}  {label}" for label, value in _figures(score, spoken)]
    tagged = [(_percent(score.share(SEEN, tag=tag)), note(Note.EVAL_TAG, spoken, tag=plain(tag))) for tag in score.tags]
    withheld = [
        (str(count), note(Note.EVAL_WHY, spoken, why=say(Why(why), spoken)))
        for why, count in sorted(score.withheld.items())
    ]
    named = [("", note(Note.EVAL_OPEN, spoken, file=plain(file))) for file in score.open]
    lines += [f"{value:>22}  {label}" for value, label in (*tagged, *withheld, *named)]
    return "\n".join(lines)


def _figures(score: "Score", spoken: Language) -> list[tuple[str, str]]:
    from faceguard.evaluate.score import SEEN

    pictures = len(score.all)
    middle, slow = score.milliseconds
    return [
        (note(Note.EVAL_HIDDEN, spoken), _percent(score.share(SEEN))),
        (note(Note.EVAL_OF_SHOWN, spoken), _percent(score.share(SEEN, shown_only=True))),
        (note(Note.EVAL_OPEN_COUNT, spoken), f"{len(score.open)} / {pictures}"),
        (note(Note.EVAL_WITHHELD, spoken), f"{score.withheld.total()} / {pictures}"),
        (note(Note.EVAL_AREA, spoken), _percent(score.area)),
        (note(Note.EVAL_TIME, spoken), f"{middle:.0f} / {slow:.0f} ms"),
    ]


def _draw(score: "Score", plot: Path, preview: int, spoken: Language) -> None:
    from faceguard.evaluate.plot import svg

    title = note(Note.EVAL_TITLE, spoken, pictures=len(score.all), preview=preview)
    drawing = svg(score, title, note(Note.EVAL_AXIS, spoken), _figures(score, spoken))
    try:
        plot.parent.mkdir(parents=True, exist_ok=True)
        with writing(plot, plot.parent) as sink:
            sink.write(drawing.encode())
    except OSError as error:
        fail(note(Note.CANNOT_WRITE, spoken, place=plot, trouble=error.strerror))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
