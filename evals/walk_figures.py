"""The figures of a walk as SVG: the ledger as a grid, the questions as bars."""

from __future__ import annotations

from xml.sax.saxutils import escape

from agent.report import Report

_STYLE = (
    "text{font:12px sans-serif;fill:#222}.head{font-weight:bold}.small{font-size:11px;fill:#555}"
)
_CELL, _ROW, _NAME = 74, 30, 300
_FULL = 2.5  # ln likelihood ratio of the deepest colour
_BAR = 360


def draw_ledger(report: Report, lines: int) -> str:
    """Candidates by findings; green speaks for, red against, white is neutral, in ln ratios."""
    ids = [f.id for f in report.findings]
    width = _NAME + _CELL * len(ids) + 90
    height = _ROW * (lines + 2)
    parts = [_open(width, height, "Ledger: every candidate against every finding")]
    for column, finding in enumerate(report.findings):
        x = _NAME + _CELL * column + _CELL / 2
        sign = "" if finding.present else "no "
        parts.append(
            f'<text class="head" text-anchor="middle" x="{x:g}" y="16">{finding.id}</text>'
        )
        name = escape(f"{sign}{finding.name}")
        parts.append(
            f'<text class="small" text-anchor="middle" x="{x:g}" y="30">{_short(name, 11)}'
            f"<title>{name}</title></text>"
        )
    for row, line in enumerate(report.ledger[:lines]):
        y = _ROW * (row + 1) + 10
        weights = {**line.speaks_for, **line.speaks_against}
        parts.append(f'<text x="8" y="{y + 19}">{escape(_short(line.name, 44))}</text>')
        for column, finding_id in enumerate(ids):
            weight = weights.get(finding_id, 0.0)
            x = _NAME + _CELL * column
            parts.append(
                f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_ROW - 2}" '
                f'fill="{_colour(weight)}" stroke="#ccc"/>'
                f'<text text-anchor="middle" x="{x + _CELL / 2:g}" y="{y + 19}">'
                f"{f'{weight:+.1f}' if weight else '0'}</text>"
            )
        x = _NAME + _CELL * len(ids) + 12
        parts.append(f'<text class="head" x="{x}" y="{y + 19}">{line.probability:.1%}</text>')
    return "\n".join([*parts, "</svg>", ""])


def draw_gains(report: Report) -> str:
    """The open questions, each with its expected information gain as a bar."""
    height = 46 * len(report.questions) + 16
    width = _BAR + 360
    longest = max((q.gain for q in report.questions), default=1.0)
    parts = [_open(width, height, "Expected information gain of the open questions")]
    for row, question in enumerate(report.questions):
        y = 46 * row + 8
        length = _BAR * question.gain / longest
        parts.append(
            f'<text x="8" y="{y + 14}">{escape(question.question)}</text>'
            f'<rect x="8" y="{y + 20}" width="{length:.1f}" height="14" fill="#1f5fa8"/>'
            f'<text class="small" x="{length + 16:.1f}" y="{y + 32}">{question.gain:.3f} bits, '
            f"p(yes) {question.p_yes:.2f}, {escape(question.window)}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _open(width: float, height: float, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(label)}">'
        f'<style>{_STYLE}</style><rect width="{width:g}" height="{height:g}" fill="#fff"/>'
    )


def _colour(weight: float) -> str:
    depth = min(1.0, abs(weight) / _FULL)
    base = (31, 122, 77) if weight > 0 else (179, 55, 47)
    red, green, blue = (round(255 - depth * 0.75 * (255 - c)) for c in base)
    return f"#{red:02x}{green:02x}{blue:02x}" if weight else "#ffffff"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
