"""The planner's tools: arguments and descriptions here, the work in pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool
from langgraph.prebuilt import InjectedState
from pydantic import Field

from tools import TOOLS, outcome
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.imaging.measure import LungNumbers, measure_lungs
from tools.imaging.raster import even_slices, slice_views
from tools.imaging.series import Series
from tools.imaging.windows import WINDOWS, View
from tools.look import ask_finding, extract_findings, finding_from_answer
from tools.measured import findings_from_lungs
from tools.vision.base import VisionModel
from tools.weigh import standing, weigh
from tools.workbench import Workbench, pick_series

Answer = tuple[str, dict[str, Any]]
State = Annotated[dict[str, Any], InjectedState]

# How many slices one look shows: enough to cross a chest every 2-3 cm, within what a GPU of 16 GB
# holds at 256 tokens an image.
_SLICES_PER_LOOK = 16
_CANDIDATES = 10


def bind(bench: Workbench) -> list[BaseTool]:
    """Every tool of TOOLS over one bench."""

    def look(
        window: Annotated[
            str, Field(description=f"One of {', '.join(WINDOWS)}, medgemma, as displayed.")
        ],
        state: State,
        series: Annotated[str, Field(description="Series id; empty: the first.")] = "",
        slices: Annotated[list[int], Field(description="1-based; empty: evenly spaced.")] = [],  # noqa: B006
    ) -> Answer:
        """Let the vision model list what it sees in one window of a series, as findings."""
        vision = _vision(bench)
        one = pick_series(_series(state), series)
        views = _views(bench, one, window, slices, vision.capabilities.images_per_prompt)
        terms = bench.knowledge.vocabulary.for_window(
            window if window in WINDOWS else "", one.modality
        ) or tuple(t for t in bench.knowledge.vocabulary.terms.values() if t.kind == "finding")
        seen = extract_findings(vision, views, terms, is_volume=one.kind != "image")
        return _answer(
            outcome(
                findings=[f.model_dump() for f in seen.findings],
                note={
                    "window": window,
                    "series": one.id,
                    "slices_left_out": seen.shown.left_out,
                    "dropped": seen.dropped,
                },
            )
        )

    def ask(
        term: Annotated[str, Field(description="Id of a finding term, e.g. thin-walled-cysts.")],
        state: State,
        series: Annotated[str, Field(description="Series id; empty: the first.")] = "",
        slices: Annotated[list[int], Field(description="1-based; empty: evenly spaced.")] = [],  # noqa: B006
    ) -> Answer:
        """Ask the vision model whether one finding is there; p(yes) gives its certainty."""
        vision = _vision(bench)
        vocabulary = bench.knowledge.vocabulary
        if term not in vocabulary:
            near = [m.term for m in bench.knowledge.normaliser.mentions(term.replace("-", " "))]
            hint = f"; perhaps {near[0]!r}" if near else "; take a term id from weigh_evidence"
            raise ToolFailure(f"{term!r} is no finding term{hint}")
        one = pick_series(_series(state), series)
        window = vocabulary[term].window if one.unit == "HU" else "as displayed"
        views = _views(bench, one, window, slices, vision.capabilities.images_per_prompt)
        answer = ask_finding(vision, views, vocabulary[term], is_volume=one.kind != "image")
        finding = finding_from_answer(answer)
        return _answer(
            outcome(
                findings=[finding.model_dump()],
                note={"question": answer.question, "p_yes": answer.p_yes},
            )
        )

    def measure(
        state: State,
        series: Annotated[str, Field(description="Series id; empty: the first.")] = "",
    ) -> Answer:
        """Measure the lungs on a CT volume: volume, density, cyst-like clusters, calcification."""
        one = pick_series(_series(state), series)
        if one.kind != "volume":
            raise ToolFailure(f"{one.id} cannot be measured: {'; '.join(one.limits) or one.kind}")
        lungs = measure_lungs(bench.store.get(one.ref))
        return _answer(
            outcome(
                findings=[f.model_dump() for f in findings_from_lungs(lungs, one.id)],
                note={
                    "series": one.id,
                    "left": _numbers(lungs.left),
                    "right": _numbers(lungs.right),
                },
            )
        )

    def search_knowledge(
        query: Annotated[
            str, Field(description="Findings or a disease, in a radiologist's words.")
        ],
        state: State,
        disease_ids: Annotated[
            list[str], Field(description="Only these entries; empty: all.")
        ] = [],  # noqa: B006
        limit: Annotated[int, Field(ge=1, le=20)] = 8,
    ) -> Answer:
        """Search the knowledge base; passages say what a disease looks like and its mimics."""
        unknown = [d for d in disease_ids if d not in bench.knowledge.entries]
        if unknown:
            raise ToolFailure(f"no entry {unknown[0]!r}; search without disease_ids to find its id")
        found = bench.knowledge.search(query, limit=limit, disease_ids=disease_ids)
        return _answer(outcome(passages=[p.model_dump() for p in found], note={"query": query}))

    def weigh_evidence(state: State) -> Answer:
        """Weigh all findings, the history and age and sex against every entry; best ten first."""
        findings = [Finding.model_validate(f) for f in state.get("findings", [])]
        ranking = weigh(findings, bench.knowledge, state["case"])
        vocabulary = bench.knowledge.vocabulary
        # Where something lies is no finding that a disease could explain by itself.
        explicable = [
            f.id
            for f in standing(findings)
            if f.present and f.term in vocabulary and vocabulary[f.term].kind == "finding"
        ]
        candidates = []
        for ranked in ranking.ranked[:_CANDIDATES]:
            entry = bench.knowledge.entries[ranked.disease_id]
            parts = {c.source: round(c.log_ratio, 2) for c in ranked.contributions}
            candidates.append(
                {
                    "disease_id": entry.id,
                    "name": entry.name,
                    "rarity": entry.rarity,
                    "cant_miss": entry.cant_miss,
                    "probability": round(ranked.probability, 4),
                    "for": {k: v for k, v in parts.items() if v > 0},
                    "against": {k: v for k, v in parts.items() if v < 0},
                    "explains": [f for f in explicable if parts.get(f, 0) > 0],
                    "not_looked_for": list(ranked.not_seen),
                    "settles": entry.settles,
                }
            )
        return _answer(
            outcome(
                note={
                    "candidates": candidates,
                    "other_probability": round(ranking.other_probability, 4),
                }
            )
        )

    made = {f.__name__: f for f in (look, ask, measure, search_knowledge, weigh_evidence)}
    return [
        StructuredTool.from_function(made[name], response_format="content_and_artifact")
        for name in TOOLS
    ]


def _answer(found: dict[str, Any]) -> Answer:
    return render(found), found


def render(found: Mapping[str, Any]) -> str:
    """An outcome as the planner reads it: compact JSON, empty keys left out."""
    shown: dict[str, Any] = dict(found["note"])
    if found["findings"]:
        shown["findings"] = [_short(f) for f in found["findings"]]
    if found["passages"]:
        shown["passages"] = [
            {k: p[k] for k in ("id", "disease_id", "disease", "facet", "text") if p.get(k)}
            for p in found["passages"]
        ]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _short(finding: Mapping[str, Any]) -> dict[str, Any]:
    keys = (
        "id",
        "term",
        "present",
        "certainty",
        "source",
        "side",
        "place",
        "window",
        "slices",
        "value",
    )
    return {k: finding[k] for k in keys if finding.get(k) not in ("", (), [], None)}


def _series(state: Mapping[str, Any]) -> list[Series]:
    return [Series.model_validate(s) for s in state["case"].get("series", [])]


def _numbers(lung: LungNumbers) -> dict[str, float]:
    """One lung, rounded to what a CT can tell."""
    return {k: float(f"{v:.3g}") for k, v in asdict(lung).items()}


def _vision(bench: Workbench) -> VisionModel:
    if bench.vision is None:
        raise ToolFailure(
            "no vision model is configured: call measure for a CT volume, and work with the "
            "findings supplied in text"
        )
    return bench.vision


def _views(
    bench: Workbench, one: Series, window: str, slices: Sequence[int], at_most: int
) -> tuple[View, ...]:
    volume = bench.store.get(one.ref)
    wrong = [n for n in slices if not 1 <= n <= volume.slices]
    if wrong:
        raise ToolFailure(f"{one.id} has slices 1 to {volume.slices}, not {wrong[0]}")
    chosen = tuple(slices) or even_slices(volume.slices, _SLICES_PER_LOOK)
    if len(chosen) > at_most:
        chosen = tuple(chosen[i - 1] for i in even_slices(len(chosen), at_most))
    return slice_views(volume, one.id, window, chosen)
