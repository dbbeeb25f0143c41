"""A page as one file: templates with every text escaped, and a policy that forbids the outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evals.reporting.names import label, p_value
from evals.reporting.provenance import NOTICE
from evals.reporting.settings import made_from
from evals.running.provenance import first_line
from evals.statistics.metrics import TOPS, Proportion
from evals.statistics.strata import Stratum
from evals.statistics.summary import Cell


def render(template: str, origins: Sequence[str], **values: Any) -> str:
    """Render a page.

    Args:
        template: Its file.
        origins: The lines that stand first: where the figures come from.
        values: What the template names.
    """
    own = files("evals.reporting") / "templates"
    style, script = ((own / name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment = Environment(
        loader=PackageLoader("evals.reporting", "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(_FILTERS)
    environment.globals["tops"] = TOPS
    # Both files are the project's own and part of the page: the policy names them by their hash,
    # so that no other style or script runs even if one got in.
    return environment.get_template(template).render(
        origins=origins,
        notice=NOTICE,
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        **values,
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _rows(cells: Sequence[Cell], k: int) -> list[tuple[str, Proportion]]:
    return [(label(cell), cell.figures["curated"]["right"].top[k]) for cell in cells]


def _strata_of(cells: Sequence[Cell]) -> list[tuple[str, str, int]]:
    """(factor, value, n) of every stratum of any cell, in the order of the first that has it."""
    most: dict[tuple[str, str], int] = {}
    for cell in cells:
        for s in cell.strata:
            most[s.factor, s.value] = max(s.n, most.get((s.factor, s.value), 0))
    factors = list(dict.fromkeys(factor for factor, _ in most))
    return [(*key, n) for factor in factors for key, n in most.items() if key[0] == factor]


def _stratum(cell: Cell, factor: str, value: str) -> Stratum | None:
    return next((s for s in cell.strata if (s.factor, s.value) == (factor, value)), None)


def _cost_kinds(cells: Sequence[Cell]) -> list[str]:
    """Every kind of cost that any cell tells, dollars first."""
    kinds = dict.fromkeys(kind for cell in cells for kind in cell.costs.spent)
    return sorted(kinds, key=lambda kind: kind != "dollars")


def _amount(value: float, kind: str) -> str:
    if kind == "dollars":
        return f"$ {value:.4f}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "label": label,
    "rows": _rows,
    "strata_of": _strata_of,
    "stratum": _stratum,
    "cost_kinds": _cost_kinds,
    "amount": _amount,
    "made_from": made_from,
    "provenance": first_line,
    "p_value": p_value,
}
