"""What a planner's reply cost: calls, tokens and, where its model has a price, dollars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from agent.planner.gemini_turn import RETRIES
from agent.planner.prices import Prices, model_of
from agent.planner.providers import call_errors, planner_error

Cost = Mapping[str, float]

IN_BATCH = "in_batch"  # in a reply's response_metadata: it came from a batch job, at its price


def ask(
    planner: Runnable[LanguageModelInput, AIMessage],
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
) -> AIMessage:
    """The planner's reply.

    Raises:
        PlannerError: When there is none, whichever provider's client failed.
    """
    try:
        return planner.invoke(list(messages), config)
    except call_errors() as error:
        raise planner_error(error) from error


def cost_of(reply: AIMessage, planner: BaseChatModel, prices: Prices) -> dict[str, float]:
    """What one reply used, under the names of the budgets and of the report's costs.

    A model without a price leaves dollars out; nobody may read that as nothing.
    """
    usage = reply.usage_metadata
    used: dict[str, float] = {
        "planner_calls": 1,
        "input_tokens": usage["input_tokens"] if usage else 0,
        "output_tokens": usage["output_tokens"] if usage else 0,
    }
    cached = usage.get("input_token_details", {}).get("cache_read", 0) if usage else 0
    if cached:
        used["cached_tokens"] = cached
    if retries := reply.response_metadata.get(RETRIES):
        used["retries"] = retries
    model = model_of(reply.response_metadata, planner)
    dollars = prices.dollars(model, usage)
    if dollars is not None:
        share = prices.batch_share(model) if reply.response_metadata.get(IN_BATCH) else 1.0
        used["dollars"] = dollars * (1.0 if share is None else share)
    return used


def added(turn: Mapping[str, Any], used: Cost) -> dict[str, Any]:
    """What the run has used, with this cost; `tokens` are those in and out together."""
    total = dict(turn)
    tokens = used.get("input_tokens", 0) + used.get("output_tokens", 0)
    for name, count in (*used.items(), ("tokens", tokens)):
        total[name] = total.get(name, 0) + count
    return total
