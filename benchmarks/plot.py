"""A plain line plot as SVG: no library, readable in light and dark."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f", "#64748b")
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 860, 460, 70, 24, 240, 50


def plot(path: Path, lines: Mapping[str, Points], x_name: str, y_name: str) -> None:
    """Write one line for each name, with a dot at each point."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    wide, tall = right - left or 1.0, high - low or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (x - left) / wide * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - (y - low) / tall * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for tick in range(6):
        x, y = left + wide * tick / 5, low + tall * tick / 5
        (px, _), (_, py) = at(x, low), at(left, y)
        parts.append(
            f'<path d="M{px:.0f} {_TOP}V{_HEIGHT - _BOTTOM}M{_LEFT} {py:.0f}H{_WIDTH - _RIGHT}" stroke="#e5e7eb"/>'
            f'<text x="{px:.0f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{x:.3g}</text>'
            f'<text x="{_LEFT - 8}" y="{py + 4:.0f}" text-anchor="end">{y:.3g}</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{escape(x_name)}</text>')
    parts.append(f'<text x="8" y="14">{escape(y_name)}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [at(x, y) for x, y in points]
        path_data = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
        height = _TOP + 18 * number + 10
        parts.append(
            f'<g fill="{colour}" stroke="{colour}"><path d="M{path_data}" fill="none" stroke-width="1.5"/>{dots}'
            f'<path d="M{_WIDTH - _RIGHT + 14} {height - 4}h18" stroke-width="3"/></g>'
            f'<text x="{_WIDTH - _RIGHT + 38}" y="{height}">{escape(name)}</text>'
        )
    path.write_text("".join(parts) + "</svg>\n", encoding="utf-8")
