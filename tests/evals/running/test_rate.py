from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from agent.planner.offline import OfflinePlanner
from evals.arms.arm import Backend, Named, Prediction
from evals.arms.one_pass import OnePass
from evals.running.execute import outcome_of
from evals.running.rate import Rates, held_s

PLANNER: frozenset[Backend] = frozenset({"planner"})
CPU: frozenset[Backend] = frozenset({"cpu"})


class Submits(FakeListChatModel):
    """Takes tools and calls none."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


def model() -> FakeListChatModel:
    return FakeListChatModel(responses=["LAM"])


async def several_calls(rates: Rates, backends: frozenset[Backend], calls: int) -> None:
    """As an agent makes them: some in threads, some in the loop."""
    await rates.turn(backends)
    planner = model()
    for n in range(calls):
        if n % 2:
            await asyncio.to_thread(planner.invoke, "Which disease?")
        else:
            await planner.ainvoke("Which disease?")


def seconds(*cases: tuple[frozenset[Backend], int], rates: Rates) -> float:
    async def go() -> None:
        await asyncio.gather(*(several_calls(rates, *case) for case in cases))

    started = time.perf_counter()
    asyncio.run(go())
    return time.perf_counter() - started


def test_a_planner_is_bounded_call_by_call_over_all_cases() -> None:
    rates = Rates({"planner": 1200})  # one in 50 ms
    assert seconds((PLANNER, 4), (PLANNER, 4), rates=rates) >= 0.05 * 7


def test_calls_of_an_arm_without_a_planner_are_not_held_back() -> None:
    rates = Rates({"planner": 6})  # one in 10 s
    assert seconds((CPU, 5), rates=rates) < 5


def test_other_backends_are_bounded_case_by_case() -> None:
    rates = Rates({"vision": 1200})
    vision: frozenset[Backend] = frozenset({"vision"})
    assert seconds(*[(vision, 0)] * 5, rates=rates) >= 0.05 * 4


def test_fixed_turns_are_no_calls_and_the_planner_within_them_is_one() -> None:
    def turns(rates: Rates, planner: BaseChatModel) -> float:
        async def go() -> None:
            await rates.turn(PLANNER)
            one_pass = OnePass(planner=planner)
            for _ in range(3):
                await one_pass.ainvoke([HumanMessage(brief), weighed])

        started = time.perf_counter()
        asyncio.run(go())
        return time.perf_counter() - started

    brief = "A case"
    call = {"name": "weigh_evidence", "args": {}, "id": "1", "type": "tool_call"}
    weighed = AIMessage("", tool_calls=[call])
    assert turns(Rates({"planner": 6}), OfflinePlanner()) < 5  # one in 10 s
    asked = Submits(responses=["LAM"])
    assert 0.1 * 3 <= turns(Rates({"planner": 600}), asked) < 0.1 * 5


def test_time_that_the_limit_takes_is_no_time_out_and_no_latency_of_the_case() -> None:
    rates = Rates({"planner": 120})  # one in 500 ms

    async def predict() -> Prediction:
        for _ in range(3):
            await model().ainvoke("Which disease?")
        return Prediction(diagnoses=(Named(name="LAM"),))

    async def go() -> tuple[str, float, float]:
        await rates.turn(PLANNER)
        started = time.perf_counter()
        outcome = await outcome_of(predict(), timeout_s=0.9)
        return outcome.status, time.perf_counter() - started, held_s()

    status, took_s, held = asyncio.run(go())
    assert (status, took_s > 0.9) == ("OK", True)
    assert took_s - held < 0.6


def test_a_case_that_waits_for_nobody_but_its_model_still_times_out() -> None:
    rates = Rates({"planner": 1200})

    async def go() -> str:
        await rates.turn(PLANNER)
        await model().ainvoke("Which disease?")
        slow: Coroutine[Any, Any, Any] = asyncio.sleep(30)
        return (await outcome_of(slow, timeout_s=0.1)).error

    assert asyncio.run(go()) == "time-out after 0.1 s"


def test_the_limit_of_one_task_is_not_that_of_another() -> None:
    rates = Rates({"planner": 30})  # one in 2 s

    async def go() -> float:
        held = asyncio.create_task(several_calls(rates, PLANNER, 1))
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        await model().ainvoke("Which disease?")
        free_s = time.perf_counter() - started
        assert not held.done()
        await held
        return free_s

    assert asyncio.run(go()) < 1
