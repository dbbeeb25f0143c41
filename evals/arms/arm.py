"""What an arm is: a Case in, a ranked list of names out, with what it cost and how it got there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

from agent.case import Case
from agent.report import Report
from agent.settings import Settings

Backend = Literal["cpu", "planner", "vision"]
Windows = Literal["medgemma", "note-rgb", "as-displayed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One diagnosis of a list; probability 0..1, or None when the arm only orders."""

    name: str
    probability: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What an arm answered, best first; an abstained answer's list is kept but scores a miss.

    Attributes:
        versions: Model ids, index and prompt hashes, as far as the answer names them.
        costs: Under the names of a report's costs: planner_calls, vision_calls, input_tokens,
            output_tokens, cached_tokens, dollars (left out where no price is known), and
            tool_calls and retries.
        unsupported: Findings or claims that no input supports and that were taken out.
        reply: The words of an arm that makes no report.
        report: Of an arm that is the agent.
    """

    diagnoses: tuple[Named, ...]
    abstained: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    unsupported: int = 0
    reply: str = ""
    report: Report | None = None


Predict = Callable[[Case, int], Coroutine[Any, Any, Prediction]]  # case, seed


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleTurn:
    """An arm that is one request to a chat model without tools, so that it can run in batch mode.

    Attributes:
        schema: Of the structured answer.
        messages: The request for a case.
        read: The prediction in an answer, with the reply it came in for its usage.
    """

    planner: BaseChatModel
    schema: type[BaseModel]
    messages: Callable[[Case], Sequence[BaseMessage]]
    read: Callable[[BaseModel, AIMessage], Prediction]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A system under test.

    Attributes:
        predict: Asks it about one case; the seed is that of the repeat, for what draws.
        config: Every setting that its answers depend on, as JSON values; no secret.
        backends: What it keeps busy, so that the runner bounds each.
        windows: That it was told to show data in HU in; None when nobody chose, or it shows none.
        single_turn: The same arm as one request; None for an arm with tools or without a model.
    """

    predict: Predict
    config: Mapping[str, object]
    backends: frozenset[Backend] = frozenset({"cpu"})
    windows: Windows | None = None
    single_turn: SingleTurn | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the person chose for all arms of a run.

    Attributes:
        settings: From the environment and the command line.
        windows: How data in HU is shown to a vision model; None leaves it to the arm.
    """

    settings: Settings
    windows: Windows | None = None


MakeArm = Callable[[Choice], Arm]
