"""The tools that stand on the knowledge base: search, weigh, compare, and what to ask next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from langchain_core.tools import BaseTool
from langgraph.prebuilt import InjectedState
from pydantic import Field

from knowledge.entry import System
from knowledge.ranking.questions import Question
from tools import outcome
from tools.answers import Answer, answer_with, planner_tool
from tools.errors import ToolFailure
from tools.findings import Finding
from tools.questions import expected_differences, next_questions, stable
from tools.weigh import candidates_of, standing
from tools.workbench import Workbench

State = Annotated[dict[str, Any], InjectedState]

_CANDIDATES = 10


def bind(bench: Workbench) -> list[BaseTool]:
    """search_knowledge, weigh_evidence, compare_diseases and next_question over one bench."""

    def search_knowledge(
        query: Annotated[
            str, Field(description="Findings or a disease, in a radiologist's words.")
        ],
        disease_ids: Annotated[
            list[str], Field(description="Only these entries; empty: all.")
        ] = [],  # noqa: B006
        system: Literal["", System] = "",
        modality: Literal["", "CT", "MR", "XR", "US", "NM"] = "",
        rarity: Literal["", "rare", "uncommon", "common"] = "",
        limit: Annotated[int, Field(ge=1, le=20)] = 8,
    ) -> Answer:
        """Search the knowledge base; passages say what a disease looks like and its mimics."""
        _refuse_unknown(bench, disease_ids)
        found = bench.knowledge.search(
            query,
            limit=limit,
            disease_ids=disease_ids,
            system=system,
            modality=modality,
            rarity=rarity,
        )
        return answer_with(outcome(passages=[p.model_dump() for p in found], note={"query": query}))

    def weigh_evidence(state: State) -> Answer:
        """The differential so far: every finding weighed against every entry; the ten best."""
        findings = _findings(state)
        ranking = bench.weigh(findings, state["case"])
        vocabulary = bench.knowledge.vocabulary
        # Where something lies is no finding that a disease could explain by itself.
        explicable = [
            f.id
            for f in standing(findings)
            if f.present and f.term in vocabulary and vocabulary[f.term].kind == "finding"
        ]
        candidates = []
        for ranked in candidates_of(ranking, explicable, _CANDIDATES):
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
        return answer_with(
            outcome(
                note={
                    "candidates": candidates,
                    "other_probability": round(ranking.other_probability, 4),
                }
            )
        )

    def compare_diseases(
        disease_ids: Annotated[list[str], Field(min_length=2, max_length=6)], state: State
    ) -> Answer:
        """Where the expected findings of diseases differ, and which of these are still unknown."""
        wanted = list(dict.fromkeys(disease_ids))
        _refuse_unknown(bench, wanted)
        if len(wanted) < 2:
            raise ToolFailure("one disease compares with nothing: name two to six different ids")
        findings = _findings(state)
        rows = expected_differences(bench.knowledge, wanted, findings, state["case"])
        return answer_with(
            outcome(
                note={
                    "differences": rows,
                    "still_unknown": [row["term"] for row in rows if row["case"] == "unknown"],
                }
            )
        )

    def next_question(
        state: State,
        disease_ids: Annotated[
            list[str], Field(description="Only these candidates; empty: all by their posterior.")
        ] = [],  # noqa: B006
        count: Annotated[int, Field(ge=1, le=10)] = 3,
    ) -> Answer:
        """The closed questions with the largest expected information gain, and their windows."""
        _refuse_unknown(bench, disease_ids)
        findings = _findings(state)
        found = next_questions(bench, findings, state["case"], disease_ids=disease_ids, count=count)
        note: dict[str, Any] = {
            "questions": [shown(question) for question in found.questions],
            "answered_by": found.answerer,
        }
        stop = found.stop or stable(state.get("turn", {}).get("leading", ()))
        if stop:
            note["stop"] = stop
        return answer_with(outcome(note=note))

    return [
        planner_tool(tool)
        for tool in (search_knowledge, weigh_evidence, compare_diseases, next_question)
    ]


def shown(question: Question) -> dict[str, Any]:
    """A question as the planner and the report show it; gain in bits."""
    return {
        "term": question.term.id,
        "question": question.term.question,
        "window": question.term.window,
        "modality": question.modality,
        "gain": round(question.gain, 4),
        "p_yes": round(question.p_yes, 3),
        "splits": {disease_id: round(p, 2) for disease_id, p in question.splits.items()},
    }


def _findings(state: Mapping[str, Any]) -> list[Finding]:
    return [Finding.model_validate(f) for f in state.get("findings", [])]


def _refuse_unknown(bench: Workbench, disease_ids: Sequence[str]) -> None:
    unknown = [d for d in disease_ids if d not in bench.knowledge.entries]
    if unknown:
        raise ToolFailure(
            f"no entry {unknown[0]!r}; search without disease_ids, or weigh the evidence, for ids"
        )
