"""The reliability plot as SVG: share right over probability, one panel a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from evals.statistics.metrics import Proportion

_SIDE = 220  # of a panel's plot, in SVG units
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 30, 14, 44
_ACROSS = 2
_WIDTH, _HEIGHT = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
_STYLE = (
    "text{font:11px sans-serif;fill:#222}.title{font-weight:bold}.axis{stroke:#888;fill:none}"
    ".ideal{stroke:#888;stroke-dasharray:4 3}.bar{stroke:#1f5fa8;stroke-width:1.5}"
    ".point{fill:#1f5fa8}"
)

Points = Sequence[tuple[float, Proportion]]


def draw(panels: Mapping[str, Points]) -> str:
    """The plot.

    Args:
        panels: By title, the bins: mean probability, and the share right with its interval. The
            area of a point grows with its number of cases.

    Returns:
        A whole SVG file.
    """
    across = min(_ACROSS, max(1, len(panels)))
    down = -(-len(panels) // across)
    width, height = across * _WIDTH, down * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="Reliability of the leading probability">',
        f'<style>{_STYLE}</style><rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for at, (title, points) in enumerate(panels.items()):
        left = at % across * _WIDTH + _LEFT
        top = at // across * _HEIGHT + _TOP
        parts.append(f'<g transform="translate({left} {top})">{_panel(title, points)}</g>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, points: Points) -> str:
    parts = [
        f'<text class="title" x="0" y="-12">{escape(title)}</text>',
        f'<rect class="axis" width="{_SIDE}" height="{_SIDE}"/>',
        f'<line class="ideal" x1="0" y1="{_SIDE}" x2="{_SIDE}" y2="0"/>',
        f'<text text-anchor="middle" x="{_SIDE / 2:g}" y="{_SIDE + 34}">probability given</text>',
        f'<text text-anchor="middle" transform="translate(-34 {_SIDE / 2:g}) rotate(-90)">'
        "share right</text>",
    ]
    for tick in (0.0, 0.5, 1.0):
        x, y = _place(tick, tick)
        parts.append(f'<text text-anchor="middle" x="{x}" y="{_SIDE + 16}">{tick:g}</text>')
        parts.append(f'<text text-anchor="end" x="-6" y="{float(y) + 4:g}">{tick:g}</text>')
    total = sum(right.n for _, right in points)
    for mean, right in points:
        x, y = _place(mean, right.count / right.n)
        low, high = _place(mean, right.low)[1], _place(mean, right.high)[1]
        radius = 2 + 10 * (right.n / total) ** 0.5
        parts.append(f'<line class="bar" x1="{x}" y1="{low}" x2="{x}" y2="{high}"/>')
        parts.append(
            f'<circle class="point" cx="{x}" cy="{y}" r="{radius:.1f}">'
            f"<title>{mean:.2f} given, {escape(str(right))} right</title></circle>"
        )
    return "".join(parts)


def _place(x: float, y: float) -> tuple[str, str]:
    return f"{x * _SIDE:.1f}", f"{(1 - y) * _SIDE:.1f}"
