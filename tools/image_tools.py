"""The tools that read images: arguments and descriptions here, the work in pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from langchain_core.tools import BaseTool
from langgraph.prebuilt import InjectedState
from pydantic import Field

from knowledge.vocabulary import Term
from tools import outcome
from tools.answers import Answer, answer_with, planner_tool
from tools.ask import ask_look, finding_from_answer
from tools.diseases import disease_finder
from tools.errors import ToolFailure
from tools.extract import Extraction, extract_findings
from tools.findings import Finding
from tools.imaging.regions import Point, Region, distance_mm, region_statistics
from tools.imaging.series import Series
from tools.imaging.windows import WINDOWS, Projection
from tools.locate import with_box
from tools.looks import (
    Choice,
    Plane,
    asked_of,
    make_look,
    shown_window,
    terms_for,
    window_of,
)
from tools.measured import findings_from_lungs
from tools.merge import merge_findings, window_conflicts
from tools.vision.base import VisionModel
from tools.workbench import Workbench, pick_series

State = Annotated[dict[str, Any], InjectedState]
SeriesId = Annotated[str, Field(description="Series id; empty: the first.")]

_NOT_MEASURED = {
    "image": "it is one picture, whose scale in the patient is not known",
    "slices": "its slices have no geometry that can be trusted",
}


def bind(bench: Workbench) -> list[BaseTool]:
    """look, ask and measure over one bench."""
    is_disease = disease_finder(bench.knowledge) if bench.vision else None

    def look(
        windows: Annotated[
            list[str],
            Field(
                description=f"One or more of {', '.join(WINDOWS)}, medgemma; as displayed for "
                "what is not in HU."
            ),
        ],
        state: State,
        series: SeriesId = "",
        slices: Annotated[
            list[int],
            Field(description="1-based; rows or columns of a reformat; empty: evenly spaced."),
        ] = [],  # noqa: B006
        plane: Annotated[Plane, Field(description="Reformat; empty: the slices as made.")] = "",
        projection: Annotated[
            Projection, Field(description="How slabs of 10 mm become pictures; slice: no slabs.")
        ] = "slice",
    ) -> Answer:
        """Let the vision model list what it sees in windows of a series, as findings."""
        vision = _vision(bench)
        one = pick_series(_series(state), series)
        volume = bench.store.get(one.ref)
        choice = Choice(slices=tuple(slices), plane=plane, projection=projection)
        vocabulary = bench.knowledge.vocabulary
        whole = {w: terms_for(vocabulary, one, w) for w in dict.fromkeys(windows)}
        asked = {w: asked_of(t, one, bench.knowledge.relevance) for w, t in whole.items()}
        looks = [
            make_look(volume, one, shown, choice, terms, dicom_store=bench.dicom_store)
            for window, terms in asked.items()
            for shown in [shown_window(window, one, bench.windows)]
        ]
        if not looks or is_disease is None:
            raise ToolFailure(f"no window was named; name one or more of {', '.join(WINDOWS)}")
        seen = extract_findings(vision, looks, is_disease=is_disease)
        merged = merge_findings([finding for one_look in seen for finding in one_look.findings])
        return answer_with(
            outcome(
                findings=[f.model_dump() for f in merged],
                note={
                    "series": one.id,
                    "looked": [
                        _looked(part, unasked=len(whole[window]) - len(asked[window]))
                        for part, window in zip(seen, asked, strict=True)
                    ],
                    "conflicts": list(window_conflicts(merged)),
                },
            )
        )

    def ask(
        terms: Annotated[
            list[str], Field(description="Ids of finding terms, e.g. thin-walled-cysts.")
        ],
        state: State,
        series: SeriesId = "",
        slices: Annotated[list[int], Field(description="1-based; empty: evenly spaced.")] = [],  # noqa: B006
    ) -> Answer:
        """Ask the vision model whether findings are there; p(yes) gives their certainty."""
        vision = _vision(bench)
        one = pick_series(_series(state), series)
        by_window: dict[str, list[Term]] = {}
        for term_id in dict.fromkeys(terms):
            term = _term(bench, term_id)
            by_window.setdefault(window_of(term, one), []).append(term)
        if not by_window:
            raise ToolFailure("no term was named; take term ids from next_question")
        volume = bench.store.get(one.ref)
        choice = Choice(slices=tuple(slices))
        found: list[Finding] = []
        answers: list[dict[str, Any]] = []
        for a_look in [
            make_look(volume, one, shown, choice, t, dicom_store=bench.dicom_store)
            for w, t in by_window.items()
            for shown in [shown_window(w, one, bench.windows)]
        ]:
            window = a_look.views[0].window
            try:
                answered = ask_look(vision, a_look)
            except ToolFailure as failure:  # the answers of the other windows stand
                answers.append({"window": window, "failure": str(failure)})
                continue
            for answer in answered:
                said = {"question": answer.question, "window": window, "p_yes": answer.p_yes}
                said |= {"cached": True} if answer.cached else {}
                answers.append(said)
                if answer.p_yes is not None:
                    finding, no_box = with_box(
                        vision, a_look, finding_from_answer(answer), answer.term
                    )
                    said |= {"no_box": no_box} if no_box else {}
                    found.append(finding)
        if not found:
            why = "; ".join(dict.fromkeys(a["failure"] for a in answers if "failure" in a))
            raise ToolFailure(
                why
                or "the vision model answered neither yes nor no; try other slices or look at the "
                "window instead"
            )
        return answer_with(
            outcome(findings=[f.model_dump() for f in found], note={"answers": answers})
        )

    def measure(
        state: State,
        what: Annotated[
            Literal["lungs", "region", "distance"],
            Field(description="lungs of a chest CT, HU of an ellipsoid, or a distance."),
        ] = "lungs",
        series: SeriesId = "",
        points: Annotated[
            list[list[int]],
            Field(description="[slice, row, column], 1-based: a centre, or two ends."),
        ] = [],  # noqa: B006
        diameter_mm: Annotated[float, Field(gt=0, le=200, description="Of a region.")] = 10.0,
    ) -> Answer:
        """Measure on a CT volume: the lungs, the HU of a region, or a distance. No model."""
        one = pick_series(_series(state), series)
        if one.kind != "volume":
            raise ToolFailure(
                f"{one.id} cannot be measured: {_NOT_MEASURED[one.kind]}; look at it, ask about "
                "terms, or measure another series"
            )
        if what == "lungs" and points:
            raise ToolFailure(
                "the lungs are measured as a whole; leave out points, or ask for the region or the "
                "distance"
            )
        if what == "lungs":
            lungs = bench.lungs_of(one)
            found = [f.model_dump() for f in findings_from_lungs(lungs, one.id)]
            return answer_with(outcome(findings=found, note={"series": one.id, **lungs.numbers()}))
        ends = _points(points, 2 if what == "distance" else 1)
        volume = bench.store.get(one.ref)
        note: dict[str, Any] = {"series": one.id, "points": points}
        if what == "distance":
            note["distance_mm"] = round(distance_mm(volume, ends[0], ends[1]), 1)
        else:
            size = (diameter_mm, diameter_mm, diameter_mm)
            region = Region(shape="ellipsoid", centre=ends[0], size_mm=size)
            note |= region_statistics(volume, region).numbers()
        return answer_with(outcome(note=note))

    return [planner_tool(tool) for tool in (look, ask, measure)]


def _series(state: Mapping[str, Any]) -> list[Series]:
    return [Series.model_validate(s) for s in state["case"].get("series", [])]


def _points(points: Sequence[Sequence[int]], count: int) -> list[Point]:
    if len(points) != count or any(len(point) != 3 for point in points):
        raise ToolFailure(
            f"needs {count} point{'s' if count > 1 else ''} as [slice, row, column], got {points!r}"
        )
    return [(float(at), float(row), float(column)) for at, row, column in points]


def _vision(bench: Workbench) -> VisionModel:
    if bench.vision is None:
        raise ToolFailure(
            "no vision model is configured: call measure for a CT volume, and work with the "
            "findings supplied in text"
        )
    return bench.vision


def _term(bench: Workbench, term_id: str) -> Term:
    vocabulary = bench.knowledge.vocabulary
    if term_id not in vocabulary:
        near = [m.term for m in bench.knowledge.normaliser.mentions(term_id.replace("-", " "))]
        elsewhere = "next_question" if bench.use_knowledge else "look's answers"
        hint = f"; perhaps {near[0]!r}" if near else f"; take a term id from {elsewhere}"
        raise ToolFailure(f"{term_id!r} is no finding term{hint}")
    return vocabulary[term_id]


def _looked(part: Extraction, *, unasked: int) -> dict[str, Any]:
    """What to know of one window beside its findings; empty parts left out."""
    said = {
        "window": part.shown.window,
        "terms_not_asked": unasked,
        "slices_left_out": part.shown.left_out,
        "other": list(part.other),
        "dropped": part.dropped,
        "diseases_dropped": part.diseases_dropped,
        "cached": part.cached,
        "failure": part.failure,
    }
    return {key: value for key, value in said.items() if value}
