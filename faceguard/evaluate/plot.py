"""The score as one picture: a bar for each height of faces, and the four figures that matter beside them."""

from collections.abc import Sequence
from html import escape

from faceguard.evaluate.score import CLASSES, SEEN, Score

_WIDTH, _HEIGHT = 760, 380
_LEFT, _TOP, _BASE = 64, 92, 300  # of the bars' field
_FIELD, _BAR = 440, 56
_INK, _SOFT, _LINE, _HID, _OPEN = "#1f2933", "#52606d", "#d9dee3", "#2f6f8f", "#e6e0d4"
_FONT = "font-family=\"system-ui, 'Noto Sans CJK SC', sans-serif\""


def svg(score: Score, title: str, axis: str, figures: Sequence[tuple[str, str]]) -> str:
    """A drawing of its own: no script, no font, no other file.

    title: above it. axis: what the bars are of. figures: name and value each, for the right-hand side.
    """
    bars = [
        _bar(place, name, hidden, faces)
        for place, (name, (hidden, faces)) in enumerate(zip(CLASSES, score.by_height, strict=True))
    ]
    facts = [
        _text(540, 112 + 62 * place, name, 13, _SOFT) + _text(540, 138 + 62 * place, value, 22, _INK, weight=600)
        for place, (name, value) in enumerate(figures)
    ]
    told = "; ".join(f"{name}: {value}" for name, value in figures)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {_FONT}>',
            f"<title>{escape(title)}</title><desc>{escape(told)}</desc>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            _text(32, 44, title, 18, _INK, weight=600),
            *(_level(share) for share in (0, 25, 50, 75, 100)),
            *bars,
            _text(_LEFT + _FIELD / 2, _BASE + 58, axis, 13, _SOFT, anchor="middle"),
            f'<line x1="516" y1="{_TOP}" x2="516" y2="{_BASE}" stroke="{_LINE}"/>',
            *facts,
            "</svg>",
            "",
        ]
    )


def _bar(place: int, name: str, hidden: int, faces: int) -> str:
    """Hidden faces in one colour from below, open ones in another above; faces that nobody could know are paler."""
    middle = _LEFT + (place + 0.5) * _FIELD / len(CLASSES)
    x = middle - _BAR / 2
    share = hidden / faces if faces else 0.0
    top = _BASE - share * (_BASE - _TOP)
    pale = ' opacity="0.45"' if place < sum(edge <= SEEN for edge in (8, 16)) else ""
    told = f"{100 * share:.1f} %" if faces else "–"
    drawn = (
        f'<rect x="{x:.1f}" y="{_TOP}" width="{_BAR}" height="{_BASE - _TOP}" rx="3" fill="{_OPEN}"/>'
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{_BAR}" height="{_BASE - top:.1f}" rx="3" fill="{_HID}"{pale}/>'
        if faces
        else ""
    )
    return (
        drawn
        + _text(middle, _TOP - 10, told, 13, _INK, anchor="middle", weight=600)
        + _text(middle, _BASE + 18, f"{name} px", 13, _INK, anchor="middle")
        + _text(middle, _BASE + 35, f"{hidden} / {faces}", 12, _SOFT, anchor="middle")
    )


def _level(share: int) -> str:
    y = _BASE - share / 100 * (_BASE - _TOP)
    line = f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _FIELD}" y2="{y:.1f}" stroke="{_LINE}"/>'
    return line + _text(_LEFT - 8, y + 4, f"{share} %", 11, _SOFT, anchor="end")


def _text(x: float, y: float, text: str, size: int, colour: str, *, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
