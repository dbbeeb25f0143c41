"""Two runs side by side as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.reporting.comparison import Change, Comparison, Pairing, Transition
from evals.reporting.detail import build_detail
from evals.reporting.embed import pack
from evals.reporting.names import pairing_title
from evals.reporting.page import render
from evals.reporting.provenance import origins
from evals.reporting.run_page import (
    Chip,
    Opened,
    Side,
    chip,
    embedded_pictures,
    pictures_note,
)
from evals.reporting.stored import Run

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


def render_comparison(a: Run, b: Run, found: Comparison, *, with_pictures: bool = True) -> str:
    """The page of two runs.

    Args:
        a, b: The runs, for what a case holds.
        found: What changed from one to the other.
        with_pictures: Without them the page is smaller and shows no image.

    Raises:
        UserError: When the results change while they are read.
    """
    shown = [_shown(pairing, number) for number, pairing in enumerate(found.pairings)]
    listed = [
        (case.detail, change)
        for pairing, of in zip(found.pairings, shown, strict=True)
        for case, change in zip(
            (case for group in of.groups for case in group.cases),
            (change for t in _LISTED for change in pairing.of(t)),
            strict=True,
        )
    ]
    lines_a, lines_b = [change.a for _, change in listed], [change.b for _, change in listed]
    pictures: dict[str, str] = {}
    if with_pictures:
        pictures = {**embedded_pictures(a, lines_a), **embedded_pictures(b, lines_b)}
    return render(
        "compare.html.j2",
        [f"{which}: {line}" for which, run in (("A", a), ("B", b))
         for line in origins(list(run.manifests.values()))],
        heading=f"{a.folder.name} against {b.folder.name}",
        folder_a=a.folder.name,
        folder_b=b.folder.name,
        warnings=found.warnings,
        tested=[p.contrast for p in found.pairings if p.contrast],
        transitions=list(Transition),
        pairings=shown,
        unpaired=found.unpaired,
        settings=found.settings,
        pictures_note=pictures_note(
            [*lines_a, *lines_b], pictures, with_pictures=with_pictures
        ),
        details={detail: _opened(a, b, change) for detail, change in listed},
        pictures=pictures,
    )  # fmt: skip


def _shown(pairing: Pairing, number: int) -> _Shown:
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
                cases=tuple(_case(change, number) for change in changes),
            )
            for t in _LISTED
            if (changes := pairing.of(t))
        ),
    )


def _case(change: Change, number: int) -> _Case:
    first = f"case-{change.case}"
    return _Case(
        id=change.case,
        # The first pairing has the plain address; the others say which they are.
        anchor=first if number == 0 else f"{first}-{number + 1}",
        detail=f"detail-{number}-{change.case}",
        truth=change.a.truth.primary,
        chips=(chip(change.a), chip(change.b)),
    )


def _opened(a: Run, b: Run, change: Change) -> str:
    return pack(
        Opened(
            sides=(
                Side(title=f"A: {a.folder.name}", detail=build_detail([a.whole(change.a)])),
                Side(title=f"B: {b.folder.name}", detail=build_detail([b.whole(change.b)])),
            )
        )
    )
