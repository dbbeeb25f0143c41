"""How a chat completion is read: its text, and p(yes) from its first token or from samples."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from tools.errors import ToolFailure
from tools.vision.base import YesNo
from tools.vision.endpoint_errors import filtered

_FEWEST_SAMPLES = 3
_MINIMUM_MASS = 0.5
_FIRST_WORD = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class _Token(BaseModel):
    token: str
    logprob: Annotated[float, Field(le=0.01)]  # float noise may lift 0; NaN is refused


class _Position(BaseModel):
    top_logprobs: list[_Token] = []


class _Logprobs(BaseModel):
    content: list[_Position] | None = None


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    message: _Message
    logprobs: _Logprobs | None = None


class _Body(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One reply of a server.

    Attributes:
        text: As the model wrote it, thinking included.
        is_cut_off: It ran into max_tokens.
        first_token: The likeliest first tokens with their log-probabilities; empty where the
            server gives none.
    """

    text: str
    is_cut_off: bool = False
    first_token: tuple[tuple[str, float], ...] = ()


def read_completion(body: dict[str, Any]) -> Completion:
    """The first choice of a chat completion.

    Raises:
        ToolFailure: When there is no usable answer in it, or a content filter stopped it.
    """
    try:
        choice = _Body.model_validate(body).choices[0]
    except ValidationError:
        # Without the cause: it quotes the reply.
        raise ToolFailure(
            "the vision server's answer is no chat completion; go on without it"
        ) from None
    if choice.finish_reason == "content_filter":
        raise filtered()
    is_cut_off = choice.finish_reason == "length"
    if choice.message.content is None and not is_cut_off:
        raise ToolFailure(
            "the vision server gave an empty answer; ask otherwise, or go on without it"
        )
    positions = choice.logprobs.content if choice.logprobs else None
    return Completion(
        text=choice.message.content or "",
        is_cut_off=is_cut_off,
        first_token=tuple((t.token, t.logprob) for t in positions[0].top_logprobs)
        if positions
        else (),
    )


def p_yes_of_tokens(first_token: Iterable[tuple[str, float]]) -> float | None:
    """p(yes), 0..1, from the first token's log-probabilities; any case, with a space or without.

    Returns:
        None when yes and no together hold less than half of the probability.
    """
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in first_token:
        word = token.strip(" \u2581").lower()  # U+2581 is how SentencePiece writes a space
        if word in mass:
            mass[word] += math.exp(logprob)
    total = mass["yes"] + mass["no"]
    return mass["yes"] / total if total >= _MINIMUM_MASS else None


def yes_no_of_samples(texts: Iterable[str]) -> YesNo:
    """The share of yes among the samples that begin with yes or no.

    None of fewer than 3, and of a tie, which there can be where an odd sample is left out.
    """
    words = [found[1].lower() for text in texts if (found := _FIRST_WORD.match(text))]
    yes = words.count("yes")
    is_answer = len(words) >= _FEWEST_SAMPLES and 2 * yes != len(words)
    return YesNo(
        p_yes=yes / len(words) if is_answer else None,
        how="samples",
        samples=len(words),
    )


def average_of_orders(one: float | None, other: float | None) -> YesNo:
    """The answer from p(yes) with each order of the options; unknown when either is."""
    p_yes = None if one is None or other is None else (one + other) / 2
    return YesNo(p_yes=p_yes, how="log-probabilities")
