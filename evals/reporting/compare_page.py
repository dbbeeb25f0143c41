"""Two runs side by side as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.reporting.comparison import Change, Comparison, Pairing, Transition
from evals.reporting.detail import build_detail
from evals.reporting.embed import Side, pack_case
from evals.reporting.names import pairing_title
from evals.reporting.page import render
from evals.reporting.pictures import Pictures
from evals.reporting.provenance import origins
from evals.reporting.run_page import (
    Chip,
    chip,
)
from evals.reporting.stored import Run
from tools.imaging.store import ArtifactStore

_LISTED = tuple(t for t in Transition if t is not Transition.SAME)
_OPEN = (Transition.LOST, Transition.GAINED)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    id: str
    anchor: str
    detail: str
    truth: str
    chips: tuple[Chip, Chip]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    title: str
    is_open: bool
    cases: tuple[_Case, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    title: str
    n: int
    counts: Mapping[Transition, int]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    groups: tuple[_Group, ...]


def render_comparison(
    runs: tuple[Run, Run],
    found: Comparison,
    store: ArtifactStore | None = None,
    *,
    with_pictures: bool = True,
) -> str:
    """The page of two runs.

    Args:
        runs: A and B, for what a case holds.
        found: What changed from one to the other.
        store: Where pixels in HU lie; None shows none of them.
        with_pictures: Without them the page is smaller and shows no image.

    Raises:
        UserError: When the results change while they are read.
    """
    a, b = runs
    taken: set[str] = set()
    shown = [_shown(pairing, number, taken) for number, pairing in enumerate(found.pairings)]
    listed = [
        (case.detail, change)
        for pairing, of in zip(found.pairings, shown, strict=True)
        for case, change in zip(
            (case for group in of.groups for case in group.cases),
            (change for t in _LISTED for change in pairing.of(t)),
            strict=True,
        )
    ]
    pictures = [Pictures(run.folder, store, is_wanted=with_pictures) for run in (a, b)]
    details = {}
    for detail, change in listed:
        sides = []
        for which, run, line, of in zip("AB", runs, (change.a, change.b), pictures, strict=True):
            whole = [run.whole(line)]
            detailed = build_detail(whole, of.take(whole))
            sides.append(Side(title=f"{which}: {run.name}", detail=detailed))
        details[detail] = pack_case(sides)
    return render(
        "compare.html.j2",
        [f"{which}: {line}" for which, run in (("A", a), ("B", b))
         for line in origins(list(run.manifests.values()))],
        heading=f"{a.name} against {b.name}",
        folder_a=a.name,
        folder_b=b.name,
        warnings=found.warnings,
        tested=[p.contrast for p in found.pairings if p.contrast],
        transitions=list(Transition),
        pairings=shown,
        unpaired=found.unpaired,
        settings=found.settings,
        details=details,
        jpegs=pictures[0].jpegs | pictures[1].jpegs,
        pictures_note=pictures[0].note or pictures[1].note,
    )  # fmt: skip


def _shown(pairing: Pairing, number: int, taken: set[str]) -> _Shown:
    return _Shown(
        title=pairing_title(pairing),
        n=len(pairing.changes),
        counts={t: len(pairing.of(t)) for t in Transition},
        only_a=pairing.only_a,
        only_b=pairing.only_b,
        groups=tuple(
            _Group(
                title=str(t.value),
                is_open=t in _OPEN,
                cases=tuple(_case(change, number, taken) for change in changes),
            )
            for t in _LISTED
            if (changes := pairing.of(t))
        ),
    )


def _case(change: Change, number: int, taken: set[str]) -> _Case:
    """One case of a group; the first time it is on the page it has the plain address."""
    anchor = f"case-{change.case}"
    if anchor in taken:
        anchor = f"{anchor}-{number + 1}"
    taken.add(anchor)
    return _Case(
        id=change.case,
        anchor=anchor,
        detail=f"detail-{number}-{change.case}",
        truth=change.a.truth.primary,
        chips=(chip(change.a), chip(change.b)),
    )
