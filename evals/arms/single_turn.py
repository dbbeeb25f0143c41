"""Asking a chat model once: from an arm's SingleTurn to its predict."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from langchain_core.messages import AIMessage
from pydantic import BaseModel

from agent.case import Case
from agent.planner.capabilities import STRUCTURED, missing
from evals.arms.arm import Predict, Prediction, SingleTurn
from evals.arms.failures import AnswerUnusable, Taken, planner_failures
from tools.errors import UserError


def ask_once(turn: SingleTurn) -> Predict:
    """The predict of an arm that is one request.

    It works in a thread: the client of a thread serves every event loop, and reading pictures does
    not hold up the other cases.

    Raises:
        UserError: When the chat model gives no structured output.
    """
    if STRUCTURED in missing(turn.planner):
        raise UserError(
            f"the planner {turn.planner.get_name()} cannot be asked outright: it lacks "
            f"{STRUCTURED}; name another with --planner"
        )
    asked = turn.planner.with_structured_output(turn.schema, include_raw=True)
    taken = Taken()

    def ask(case: Case) -> Prediction:
        messages = list(turn.messages(case))
        with planner_failures(taken):
            said = cast("dict[str, Any]", asked.invoke(messages))
        answer, reply = said["parsed"], said["raw"]
        if not isinstance(answer, BaseModel) or not isinstance(reply, AIMessage):
            raise AnswerUnusable("the answer does not fit the schema that was asked for")
        return turn.read(answer, reply)

    async def predict(case: Case, seed: int) -> Prediction:
        return await asyncio.to_thread(ask, case)

    return predict
