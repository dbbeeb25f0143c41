"""Diseases that must not be missed: which belong in the list, and which are near it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice

from agent.differential import Considered
from agent.ledger import Ledger, Line
from knowledge.entry import Entry

LIKELY = 0.05  # ledger probability from which a dangerous disease must be in the list
_NEAR = 0.005  # from which one is named as considered
_LEADING = 3  # whose dangerous mimics are looked at as well
_NAMED = 5


def overlooked(
    listed: Collection[str], ledger: Ledger, entries: Mapping[str, Entry]
) -> list[Entry]:
    """Likely diseases that must not be missed and are not in the list."""
    return [
        entries[line.disease_id]
        for line in ledger.likely(LIKELY)
        if entries[line.disease_id].cant_miss and line.disease_id not in listed
    ]


def considered(
    listed: Collection[str], ledger: Ledger, entries: Mapping[str, Entry]
) -> tuple[Considered, ...]:
    """Dangerous diseases that are not in the list, with why not, the likeliest first.

    Those of some probability in the ledger, and the dangerous mimics of the leading entries.
    """
    near = [line.disease_id for line in ledger.likely(_NEAR)]
    leading = [*listed, *islice(ledger.lines, _LEADING)][:_LEADING]
    mimics = [m.id for d in leading if d in entries for m in entries[d].mimics]
    lines = [
        ledger.lines[disease_id]
        for disease_id in dict.fromkeys((*near, *mimics))
        if disease_id not in listed and disease_id in ledger.lines and entries[disease_id].cant_miss
    ]
    lines.sort(key=lambda line: -line.probability)
    return tuple(
        Considered(
            disease_id=line.disease_id,
            name=entries[line.disease_id].name,
            probability=line.probability,
            why_not=_why_not(line),
        )
        for line in lines[:_NAMED]
    )


def _why_not(line: Line) -> str:
    if line.speaks_against:
        return f"{', '.join(list(line.speaks_against)[:3])} speaks against it"
    if not line.speaks_for:
        return "no finding speaks for it"
    missing = ", ".join(line.not_looked_for[:2])
    return f"less likely than those listed{f'; not looked for: {missing}' if missing else ''}"
