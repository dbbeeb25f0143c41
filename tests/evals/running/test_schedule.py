from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.case import Case
from evals.arms.arm import Arm, Backend, Named, Prediction
from evals.data.dataset import EvalCase
from evals.running.execute import Work
from evals.running.ledger import Ledger, Line
from evals.running.schedule import Gate, Pace, Purse, Schedule
from evals.truth import Truth
from tools.errors import UserError


async def never(case: Case, seed: int) -> Prediction:
    return Prediction(diagnoses=(Named(name="LAM"),))


def arm(*backends: Backend) -> Arm:
    return Arm(predict=never, config={}, backends=frozenset(backends))


def work(name: str, arm: str = "a") -> Work:
    case = EvalCase(id=name, patient=name, truth=Truth(primary="LAM"))
    return Work(case=case, view="V1", arm=arm, seed=0, config="c")


def line(of: Work, dollars: float = 0.0) -> Line:
    return Line(
        case=of.case.id,
        patient=of.case.id,
        view=of.view,
        arm=of.arm,
        seed=of.seed,
        config=of.config,
        status="OK",
        input=Case(),
        truth=of.case.truth,
        latency_s=0,
        costs={"dollars": dollars, "input_tokens": 1} if dollars else {},
    )


async def run(
    folder: Path, arms: Mapping[str, Arm], todo: list[Work], pace: Pace, dollars: float = 0.0
) -> tuple[list[str], Counter[str]]:
    """The cases recorded, and the most that ran at a time, by arm and in all."""
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def do(one: Work) -> Line:
        for name in (one.arm, "all"):
            running[name] += 1
            most[name] = max(most[name], running[name])
        await asyncio.sleep(0.01)
        for name in (one.arm, "all"):
            running[name] -= 1
        return line(one, dollars)

    with Ledger(folder / "results.jsonl") as ledger:
        schedule = Schedule(arms, pace, Purse(ledger, pace.max_dollars))
        await schedule.run(todo, do, ledger.append)
        return [found.case for found in ledger.lines()], most


def test_each_backend_is_bounded_apart_and_an_arm_counts_for_all_of_its_own(tmp_path: Path) -> None:
    arms = {"agent": arm("planner", "vision"), "text": arm("planner"), "bm25": arm("cpu")}
    todo = [work(f"{name}{n}", name) for name in arms for n in range(6)]
    pace = Pace(concurrent={"planner": 3, "vision": 1, "cpu": 2})
    done, most = asyncio.run(run(tmp_path, arms, todo, pace))
    assert sorted(done) == sorted(one.case.id for one in todo)
    # The agent waits for vision and meanwhile holds no place of the planner.
    assert most == {"agent": 1, "text": 2, "bm25": 2, "all": 5}


def test_a_gate_gives_all_places_or_none() -> None:
    gate = Gate({"planner": 1, "vision": 1, "cpu": 0})
    both: frozenset[Backend] = frozenset({"planner", "vision"})
    assert gate.take(both)
    assert not gate.take(frozenset({"planner"}))
    gate.give(both)
    assert not gate.take(frozenset({"planner", "cpu"}))
    assert gate.take(frozenset({"planner"}))


def test_nothing_begins_once_the_money_is_spent_and_what_runs_ends(tmp_path: Path) -> None:
    todo = [work(f"C{n}") for n in range(9)]
    pace = Pace(concurrent={"planner": 1}, max_dollars=0.25)
    done, _ = asyncio.run(run(tmp_path, {"a": arm("planner")}, todo, pace, dollars=0.1))
    assert done == ["C0", "C1", "C2"]  # after two, 0.20 are spent: less than 0.25


def test_cases_in_flight_are_expected_to_cost_what_others_did(tmp_path: Path) -> None:
    with Ledger(tmp_path / "results.jsonl") as ledger:
        ledger.append(line(work("A"), 0.1))
        ledger.append(line(work("B")))  # of an arm that costs nothing: not in the mean
        purse = Purse(ledger, 0.35)
        assert purse.allows(0)
        assert purse.allows(2)  # 0.1 + 2 x 0.1 < 0.35
        assert not purse.allows(3)
        assert Purse(ledger, None).allows(999)


def test_the_money_of_earlier_runs_and_of_tries_that_failed_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path / "results.jsonl") as ledger:
        ledger.append(line(work("A"), 0.1).model_copy(update={"status": "UNSCORED"}))
        ledger.append(line(work("A"), 0.2))
        unpriced = line(work("B"), 1.0).model_copy(update={"costs": {"input_tokens": 9.0}})
        ledger.append(unpriced)
    with Ledger(tmp_path / "results.jsonl") as ledger:
        assert ledger.dollars == pytest.approx(0.3)
        assert (ledger.paid, ledger.unpriced) == (2, 1)


def test_a_limit_that_cannot_be_kept_for_want_of_a_price_stops_the_run(tmp_path: Path) -> None:
    unpriced = line(work("A")).model_copy(update={"costs": {"input_tokens": 9.0}})
    with Ledger(tmp_path / "results.jsonl") as ledger:
        purse, unlimited = Purse(ledger, 1.0), Purse(ledger, None)
        assert purse.allows(0)
        ledger.append(unpriced)
        with pytest.raises(UserError, match=r"--max-dollars cannot be kept.*--planner-prices"):
            purse.allows(0)
        assert unlimited.allows(0)
    with Ledger(tmp_path / "results.jsonl") as ledger:  # with a price for it since
        assert Purse(ledger, 1.0).allows(0)


def test_an_error_lets_go_of_what_runs_and_keeps_what_has_ended(tmp_path: Path) -> None:
    let_go: list[str] = []

    async def do(one: Work) -> Line:
        if one.case.id == "bad":
            await asyncio.sleep(0.02)
            raise UserError("no key")
        try:
            await asyncio.sleep(0 if one.case.id == "quick" else 60)
        except asyncio.CancelledError:
            let_go.append(one.case.id)
            raise
        return line(one)

    async def go() -> None:
        with Ledger(tmp_path / "results.jsonl") as ledger:
            schedule = Schedule({"a": arm("cpu")}, Pace(concurrent={"cpu": 9}), Purse(ledger, None))
            await schedule.run([work("slow"), work("quick"), work("bad")], do, ledger.append)

    with pytest.raises(UserError, match="no key"):
        asyncio.run(go())
    assert let_go == ["slow"]
    with Ledger(tmp_path / "results.jsonl") as ledger:
        assert [found.case for found in ledger.lines()] == ["quick"]
