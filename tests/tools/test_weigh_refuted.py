"""A finding that a measurement refutes stays in the record, is marked, and weighs nothing."""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from knowledge.search.retrieve import KnowledgeBase
from knowledge.vocabulary import load_vocabulary
from tests.tools.imaging.chest_shapes import make_chest
from tools import build_tools
from tools.findings import Finding
from tools.imaging.measure import LungMeasurement, measure_lungs
from tools.imaging.series import Series
from tools.imaging.store import ArtifactStore
from tools.measured import findings_from_lungs
from tools.merge import merge_findings, window_conflicts
from tools.refute import refute
from tools.weigh import contradictions, standing, weigh
from tools.workbench import Workbench

VOCABULARY = load_vocabulary()
SERIES = Series(
    id="S1", ref="", kind="volume", modality="CT", unit="HU", slices=152, rows=210, columns=280,
    thickness_mm=1.25,
)  # fmt: skip
CASE: dict[str, Any] = {
    "history": "", "age_years": 40, "sex": "female", "series": [SERIES.model_dump(mode="json")]
}  # fmt: skip


@cache
def _healthy() -> LungMeasurement:
    """Even lungs without a hole or a speck, in thin slices."""
    return measure_lungs(make_chest((1.25, 1.0, 1.0)).volume, series=SERIES)


@cache
def _cystic() -> LungMeasurement:
    """The same lungs with twelve balls of air in each, 15 mm wide and 20 mm or more apart."""
    chest = make_chest((1.25, 1.0, 1.0))
    hu = chest.volume.voxels.copy()
    for z, y, x in product((-36.0, -12.0, 12.0, 36.0), (-20.0, 0.0, 20.0), (-58.0, 58.0)):
        hu[chest.ball((z, y, x), 15.0)] = -990
    return measure_lungs(chest.with_hu(hu).volume, series=SERIES)


def _seen(term: str, number: int = 1, **changes: Any) -> Finding:
    fields = {
        "id": f"F{number}", "term": term, "name": VOCABULARY[term].name, "present": True,
        "certainty": 0.8, "source": "vision", "backend": "model", "series": "S1",
        "window": "lung", "slices": (3, 4), "side": "bilateral",
    }  # fmt: skip
    return Finding.model_validate(fields | changes)


def _probabilities(findings: list[Finding], knowledge: KnowledgeBase) -> dict[str, float]:
    ranking = weigh(findings, knowledge, CASE)
    found = {ranked.disease_id: ranked.probability for ranked in ranking.ranked}
    return found | {"other": ranking.other_probability}


def test_an_invented_finding_moves_nothing_once_it_is_refuted(shipped: KnowledgeBase) -> None:
    invented = _seen("thin-walled-cysts")
    without = _probabilities([], shipped)
    believed = _probabilities([invented], shipped)
    assert believed["lymphangioleiomyomatosis"] > 1.2 * without["lymphangioleiomyomatosis"]
    (marked,) = refute([invented], _healthy())
    assert "no round pocket of low attenuation" in marked.refuted
    assert _probabilities([marked], shipped) == without


def test_only_the_refuted_one_of_two_stops_weighing(shipped: KnowledgeBase) -> None:
    cysts, effusion = _seen("thin-walled-cysts"), _seen("pleural-effusion", 2)
    marked = refute([cysts, effusion], _healthy())
    assert [bool(f.refuted) for f in marked] == [True, False]
    assert _probabilities(marked, shipped) == _probabilities([effusion], shipped)


def test_what_a_measurement_confirms_weighs_on(shipped: KnowledgeBase) -> None:
    seen = _seen("thin-walled-cysts")
    assert refute([seen], _cystic()) == [seen]
    measured = [
        found.model_copy(update={"id": f"F{number}"})
        for number, found in enumerate(findings_from_lungs(_cystic(), "S1"), start=2)
    ]
    (kept,) = [f for f in standing([seen, *measured]) if f.term == "thin-walled-cysts"]
    assert (kept.source, kept.present) == ("measurement", True)
    without, seen_alone, both = (
        _probabilities(found, shipped)["lymphangioleiomyomatosis"]
        for found in ([], [seen], [seen, *measured])
    )
    assert without < seen_alone < both


def test_after_refutation_the_measurement_stands_alone() -> None:
    seen = _seen("calcified-micronodules")
    absent = [f for f in findings_from_lungs(_healthy(), "S1") if f.term == seen.term]
    (marked,) = refute([seen], _healthy())
    assert [f.present for f in absent] == [False]
    assert standing([marked, *absent]) == absent


def test_a_less_trusted_source_stands_when_the_trusted_one_is_refuted() -> None:
    told = _seen("calcified-micronodules", 2, source="person", certainty=0.6, series="")
    sure = _seen("calcified-micronodules", 1, certainty=0.9)
    marked = refute([sure, told], _healthy())
    assert standing(marked) == [told]  # a person is not judged by a measurement


def test_what_is_refuted_contradicts_nothing() -> None:
    seen = _seen("calcified-micronodules", slices=())
    gone = _seen("calcified-micronodules", 2, present=False, window="bone", slices=())
    assert len(contradictions([seen, gone], VOCABULARY)) == 1
    assert len(window_conflicts([seen, gone])) == 1
    marked = refute([seen, gone], _healthy())
    assert contradictions(marked, VOCABULARY) == []
    assert window_conflicts(marked) == ()


def test_a_finding_seen_again_does_not_join_the_refuted_one() -> None:
    (marked,) = refute([_seen("calcified-micronodules")], _healthy())
    again = _seen("calcified-micronodules", id="")
    assert merge_findings([marked, again]) == (marked, again)
    assert all(f.refuted for f in refute([marked, again], _healthy()))


def test_the_planner_reads_candidates_without_what_is_refuted(
    shipped: KnowledgeBase, tmp_path: Path
) -> None:
    bench = Workbench(store=ArtifactStore(tmp_path), knowledge=shipped)
    (weigh_evidence,) = [t for t in build_tools(bench) if t.name == "weigh_evidence"]
    cysts, effusion = _seen("thin-walled-cysts"), _seen("pleural-effusion", 2)

    def candidates(*findings: Finding) -> list[dict[str, Any]]:
        state = {
            "case": CASE | {"history": ""},
            "findings": [f.model_dump(mode="json") for f in findings],
        }
        call = {"name": "weigh_evidence", "id": "c1", "type": "tool_call", "args": {"state": state}}
        found: list[dict[str, Any]] = json.loads(weigh_evidence.invoke(call).content)["candidates"]
        return found

    believed = candidates(cysts)
    assert len(believed) == 10
    assert any("F1" in one["explains"] and one["for"]["F1"] > 0 for one in believed)
    marked = candidates(*refute([cysts, effusion], _healthy()))
    assert marked == candidates(effusion)
    named = [*(one["explains"] for one in marked), *(one["for"] for one in marked)]
    assert not any("F1" in one for one in named)
