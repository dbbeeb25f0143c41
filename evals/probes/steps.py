"""What a model is asked in a probe: each step is an arm of one request, so that it runs as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field

from agent.case import Case
from agent.costs import cost_of
from agent.planner import build_planner
from agent.planner.prices import Prices, model_of
from evals.arms.arm import Arm, Choice, Named, Prediction, SingleTurn
from evals.arms.config import address, sampling
from evals.arms.costs import costs
from evals.arms.planner_alone import planner_alone_arm
from evals.arms.single_turn import ask_once
from evals.prompts import prompt, prompt_hash

Step = Literal["case-id-to-title", "history-completion", "paraphrase", "as-written", "paraphrased"]
STEPS: tuple[Step, ...] = get_args(Step)


class RecalledTitle(BaseModel):
    """The title of a case, and whether it is remembered or guessed."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=2, max_length=300)
    is_remembered: bool


class Continuation(BaseModel):
    """The second half of a history."""

    model_config = ConfigDict(extra="forbid")

    continuation: str = Field(max_length=5000)


class Paraphrase(BaseModel):
    """A history in other words."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=20000)


_ASKED: Mapping[str, tuple[str, type[RecalledTitle | Continuation | Paraphrase]]] = {
    "case-id-to-title": ("probe_title", RecalledTitle),
    "history-completion": ("probe_completion", Continuation),
    "paraphrase": ("probe_paraphrase", Paraphrase),
}


def build_step(step: Step, choice: Choice, source: str = "") -> Arm:
    """The arm that a step is.

    What it is told is the history of the Case that it is handed, and nothing else. What it says is
    the name of its one diagnosis, whatever that is.

    Args:
        step: Which.
        choice: Whose planner is asked.
        source: Hash of where paraphrases come from; for "paraphrased".

    Raises:
        UserError: When the planner cannot be built.
    """
    if step in _ASKED:
        return _asking(step, choice)
    alone = planner_alone_arm(choice)
    return replace(alone, config={**alone.config, "step": step, "paraphrases": source})


def _asking(step: Step, choice: Choice) -> Arm:
    name, schema = _ASKED[step]
    settings = choice.settings
    planner = build_planner(settings)
    prices = Prices.load(settings.planner_prices)

    def messages(case: Case) -> Sequence[BaseMessage]:
        told = json.dumps({"told": case.history}, ensure_ascii=False)
        return [SystemMessage(prompt(name)), HumanMessage(told)]

    def read(answer: BaseModel, reply: AIMessage) -> Prediction:
        said = said_in(schema.model_validate(answer.model_dump()))
        return Prediction(
            diagnoses=(Named(name=said),) if said.strip() else (),
            versions={
                "planner": f"{planner._llm_type} {model_of(reply.response_metadata, planner)}",
                f"{name} prompt": prompt_hash(name),
            },
            costs=costs(cost_of(reply, planner, prices)),
            reply=answer.model_dump_json(),
        )

    turn = SingleTurn(planner=planner, schema=schema, messages=messages, read=read)
    return Arm(
        predict=ask_once(turn),
        config={
            "step": step,
            "planner": settings.planner,
            **sampling(planner),
            "gemini_base_url": address(settings),
            "prompt": prompt_hash(name),
            "schema": schema.model_json_schema(),
        },
        backends=frozenset({"planner"}),
        single_turn=turn,
    )


def said_in(answer: RecalledTitle | Continuation | Paraphrase) -> str:
    """The words that an answer is about."""
    if isinstance(answer, RecalledTitle):
        return answer.title
    return answer.text if isinstance(answer, Paraphrase) else answer.continuation
