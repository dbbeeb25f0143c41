"""The summary of a run: every figure from its lines."""

from __future__ import annotations

import time

import pytest

from agent.case import Case
from evals.matching.levels import Judged
from evals.running.ledger import Item, Line
from evals.statistics.bootstrap import Resample
from evals.statistics.calibration import Leads, brier, calibrate, ece_by_width, interval, leads_of
from evals.statistics.contrasts import Side
from evals.statistics.summary import Plan, summarise
from evals.truth import Truth
from tests.evals.statistics.lines import line


def sure(probability: float) -> tuple[Item, ...]:
    return (Item(name="LAM", probability=probability),)


def test_each_arm_view_and_seed_has_its_counts_and_figures() -> None:
    judged = {"curated": Judged(rank=2, rank_broader=1), "kb": Judged(rank=1, rank_exact=1)}
    summary = summarise([
        line("a", 1),
        line("b", 4, scores=judged),
        line("c", None, status="NO_ANSWER", abstained=True),
        line("d", None, status="UNSCORED", error="KeyError at x.py:3"),
        line("a", 1, seed=1),
        line("a", 1, view="V1"),
        line("a", 1, arm="prior"),
    ])  # fmt: skip
    first = summary.cells[0]
    assert [(c.arm, c.view, c.seed) for c in summary.cells] == [
        ("offline", "V3", 0), ("offline", "V3", 1), ("offline", "V1", 0), ("prior", "V3", 0),
    ]  # fmt: skip
    c = first.counts
    assert (c.n, c.answered, c.abstained, c.no_answer, c.unscored) == (4, 2, 1, 0, 1)
    top = {
        (scoring, reading): [share.count for share in figures.top.values()]
        for scoring, by_reading in first.figures.items()
        for reading, figures in by_reading.items()
    }
    assert top["curated", "right"] == [1, 2, 2, 2]
    assert top["curated", "exact"] == [1, 1, 1, 1]
    assert top["curated", "broader"] == [2, 2, 2, 2]
    assert top["kb", "exact"] == [1, 1, 1, 1]
    right = first.figures["curated"]["right"]
    assert right.mrr == pytest.approx((1 + 1 / 2) / 4)
    assert right.mrr_interval is not None
    low, high = right.mrr_interval
    assert 0 <= low < right.mrr < high <= 1
    assert first.failures.unscored == ("d",)
    assert (summary.cases, summary.clusters) == (4, 4)


def test_contrasts_are_of_the_lowest_seed_that_both_have_and_adjusted_together() -> None:
    lines = [
        line(f"c{i}", rank, arm=arm, seed=seed)
        for arm, seed, ranks in (
            ("offline", 0, [1] * 8),
            ("offline", 1, [1] * 7 + [None]),
            ("prior", 1, [None] * 8),
            ("prior", 2, [1] * 8),
            ("bm25", 0, [None, None] + [1] * 6),
        )
        for i, rank in enumerate(ranks)
    ]
    bm25, prior = summarise(lines).contrasts
    assert (str(bm25.b), bm25.only_a, bm25.only_b, bm25.p_exact) == ("bm25 V3", 2, 0, 0.5)
    assert (str(prior.b), prior.only_a, prior.only_b) == ("prior V3", 7, 0)
    assert prior.p_exact == pytest.approx(2 / 128)
    assert prior.p_holm == pytest.approx(4 / 128)
    assert bm25.p_holm == 0.5
    asked = Plan(contrasts=((Side(arm="bm25", view="V3"), Side(arm="offline", view="V3")),))
    (only,) = summarise(lines, asked).contrasts
    assert (only.only_a, only.only_b, only.family) == (0, 2, 1)
    assert [(r.arm, r.seeds) for r in summarise(lines).repeats] == [
        ("offline", (0, 1)), ("prior", (1, 2)),
    ]  # fmt: skip


def test_cases_of_one_diagnosis_are_drawn_together() -> None:
    def mrr_width(names: list[str]) -> float:
        lines = [
            line(f"c{i}", 1 if i < 10 else None, truth=Truth(primary=name))
            for i, name in enumerate(names)
        ]
        found = summarise(lines).cells[0].figures["curated"]["right"].mrr_interval
        assert found is not None
        return found[1] - found[0]

    apart = mrr_width([f"disease {i}" for i in range(20)])
    assert mrr_width([f"disease {i // 5}" for i in range(20)]) > 1.5 * apart


def test_one_cluster_has_no_interval_of_its_own_spread() -> None:
    same = [line("a", 1, patient="p"), line("b", None, patient="p")]
    assert summarise(same).cells[0].figures["curated"]["right"].mrr_interval is None
    apart = summarise([line("a", 1), line("b", None)]).cells[0].figures["curated"]["right"]
    assert apart.mrr_interval == (0.0, 1.0)


def test_strata_split_by_what_the_case_and_its_truth_say() -> None:
    lines = [
        line("a", 1, truth=Truth(primary="x", rare=True, kind="disease")),
        line("b", None, truth=Truth(primary="y", rare=False), input=Case(region="head")),
    ]
    plan = Plan(factors={"title recalled": {"a": "yes", "b": "no"}})
    found = {(s.factor, s.value): s.hits[1] for s in summarise(lines, plan).cells[0].strata}
    assert found == {
        ("region", "thorax"): 1, ("region", "head"): 0, ("modality", "CT"): 1,
        ("modality", "not told"): 0, ("rarity", "rare"): 1, ("rarity", "not rare"): 0,
        ("kind", "disease"): 1, ("kind", "not told"): 0, ("title recalled", "yes"): 1,
        ("title recalled", "no"): 0,
    }  # fmt: skip


def test_calibration_and_risk_are_of_arms_that_give_probabilities() -> None:
    lines = [
        line("a", 1, predictions=sure(0.9)),
        line("b", 2, predictions=sure(0.8)),
        line("c", None, status="NO_ANSWER", abstained=True, predictions=sure(0.1)),
        line("a", 1, arm="bm25"),
    ]
    offline, bm25 = summarise(lines).cells
    assert bm25.calibration is None
    assert bm25.risk_coverage is None
    assert offline.calibration is not None
    assert offline.risk_coverage is not None
    assert (offline.calibration.n, offline.calibration.without) == (2, 1)
    assert offline.calibration.brier.value == pytest.approx((0.01 + 0.64) / 2)
    assert offline.calibration.ece.value == pytest.approx((0.1 + 0.8) / 2)
    assert offline.calibration.brier_of_share == 0.25
    assert [p.coverage for p in offline.risk_coverage.points] == pytest.approx([1 / 3, 2 / 3])


def test_the_drawn_intervals_are_those_of_a_loop_over_resamples() -> None:
    lines = [
        line(f"c{i}", 1 if i * 7 % 10 < i % 5 * 2 else None, predictions=sure((i % 20) / 20))
        for i in range(120)
    ]
    leads: Leads = leads_of(lines)
    found = calibrate(leads, Resample(range(120)))
    assert [found.brier.low, found.brier.high] == pytest.approx(interval(leads, brier), abs=0.01)
    assert [found.ece.low, found.ece.high] == pytest.approx(interval(leads, ece_by_width), abs=0.01)


def test_two_lines_of_one_piece_of_work_or_none_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="two lines of a with arm offline, view V3, seed 0"):
        summarise([line("a", 1), line("a", 1, config="other")])
    with pytest.raises(ValueError, match="at least one line"):
        summarise([])


def test_a_run_of_eight_cells_and_325_cases_takes_under_three_seconds() -> None:
    lines: list[Line] = [
        line(f"c{i}", i * k % 13 or None, arm=arm, view=view, predictions=sure(i % 97 / 97))
        for k, arm in enumerate(("agent", "planner-alone", "offline", "vision-alone"), start=1)
        for view in ("V1", "V3")
        for i in range(325)
    ]
    started = time.process_time()
    summary = summarise(lines)
    assert time.process_time() - started < 3
    assert len(summary.cells) == 8
    assert len(summary.contrasts) == 10
