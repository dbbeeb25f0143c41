"""Merging: one finding of what several windows and slabs of a series show, with all its sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from knowledge.reading.sides import Side
from tools.findings import Finding, Sighting

_Rank = tuple[float, str, tuple[int, ...], str, str]


def merge_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Merge new findings of the vision model that are the same thing.

    Present findings of one series are the same thing when they have the same term, their places
    are equal or one has none, their sides can both be right, and they share a slice. Absent ones
    are the same when they have the same term. A present and an absent finding are never merged;
    `window_conflicts` names them.

    A merged finding has all slices and sides of its parts, and the window, backend and value of
    the most certain one. Its certainty is that one's too, the largest: one model errs alike in
    windows of one series, so two of them are hardly more evidence than one. Absent on the left and
    absent on the right is absent on both sides, as certain as the lesser.

    An absent finding is left out when the term was found present on slices that it did not search:
    that one slab does not show it says nothing against another.

    Args:
        findings: In any order. Findings with an id, which may have been cited, and those that
            another source made, that were refuted or retracted, are returned as they are.

    Returns:
        Every finding once, in the order of first appearance; merging again changes nothing.
    """
    kept: dict[int, Finding] = {}
    # The most telling first, so that a vague finding joins the same one in whatever order it came.
    order = sorted(range(len(findings)), key=lambda n: _telling(findings[n]))
    for number in order:
        finding, place = findings[number], number
        while (rival := _match(kept, finding)) is not None:
            finding = _merged(kept.pop(rival), finding)
            place = min(place, rival)
        kept[place] = finding
    present = [f for f in kept.values() if f.present and _is_new(f)]
    return tuple(
        finding
        for _, finding in sorted(kept.items())
        if not (_is_new(finding) and _is_elsewhere(finding, present))
    )


def window_conflicts(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Sentences on terms that one window of a series shows and another does not.

    Args:
        findings: Of any source; those of the vision model alone are compared, without what was
            refuted or retracted.
    """
    live = [f for f in findings if f.source == "vision" and not (f.refuted or f.retracted)]
    return tuple(
        f"{there.name} ({there.series}): present in the {_windows(there)} "
        f"({there.certainty:.2f}), absent in the {_windows(gone)} ({gone.certainty:.2f})"
        for there, gone in product(live, live)
        if there.present
        and not gone.present
        and (there.series, there.term) == (gone.series, gone.term)
        and _sides_agree(there.side, gone.side)
        and _searched(gone, there)
    )


def _match(kept: dict[int, Finding], finding: Finding) -> int | None:
    if not _is_new(finding):
        return None
    return next((n for n, other in kept.items() if _is_new(other) and _same(other, finding)), None)


def _same(one: Finding, two: Finding) -> bool:
    if (one.series, one.term, one.present) != (two.series, two.term, two.present):
        return False
    return not one.present or (
        (one.place == two.place or not (one.place and two.place))
        and _sides_agree(one.side, two.side)
        and bool(set(one.slices) & set(two.slices))
    )


def _merged(one: Finding, two: Finding) -> Finding:
    best, other = (one, two) if _rank(one) <= _rank(two) else (two, one)
    side, certainty = best.side, best.certainty
    if best.present:
        side = "bilateral" if "bilateral" in (one.side, two.side) else one.side or two.side
    elif {one.side, two.side} == {"left", "right"}:
        side, certainty = "bilateral", other.certainty
    return best.model_copy(
        update={
            "certainty": certainty,
            "side": side,
            "place": best.place or other.place,
            "slices": tuple(sorted({*one.slices, *two.slices})),
            "box_px": best.box_px or other.box_px,
            "sightings": tuple(dict.fromkeys((*_sightings(best), *_sightings(other)))),
        }
    )


def _sightings(finding: Finding) -> tuple[Sighting, ...]:
    """What a finding was made of; one that is not merged is a sighting itself."""
    if finding.sightings:
        return finding.sightings
    sighting = Sighting(
        series=finding.series,
        window=finding.window,
        slices=finding.slices,
        present=finding.present,
        certainty=finding.certainty,
        backend=finding.backend,
    )
    return (sighting,)


def _is_new(finding: Finding) -> bool:
    is_live = not (finding.id or finding.refuted or finding.retracted)
    return finding.source == "vision" and is_live


def _telling(finding: Finding) -> tuple[bool, bool, _Rank]:
    return (not finding.place, not finding.side, _rank(finding))


def _rank(finding: Finding) -> _Rank:
    """The most certain first; then whatever makes the order the same each time."""
    return (-finding.certainty, finding.window, finding.slices, finding.place, finding.side)


def _sides_agree(one: Side, two: Side) -> bool:
    return one == two or bool({one, two} & {"", "bilateral"})


def _searched(gone: Finding, there: Finding) -> bool:
    """Whether an absent finding is about slices of the present one; so where it does not say."""
    searched = {number for sighting in gone.sightings for number in sighting.slices}
    return not searched or bool(searched & set(there.slices))


def _is_elsewhere(gone: Finding, present: Sequence[Finding]) -> bool:
    rivals = [
        there
        for there in present
        if (there.series, there.term) == (gone.series, gone.term)
        and _sides_agree(there.side, gone.side)
    ]
    return not gone.present and bool(rivals) and not any(_searched(gone, one) for one in rivals)


def _windows(finding: Finding) -> str:
    names = sorted({s.window for s in _sightings(finding)})
    return f"{' and '.join(names)} window{'s' if len(names) > 1 else ''}"
