"""Asking the judge: blind, an enum for an answer, bounded in calls at a time and in dollars."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel, ConfigDict

from agent.costs import cost_of
from agent.planner.gemini import GeminiPlanner
from agent.planner.gemini_errors import PlannerBlocked, PlannerUnusable
from agent.planner.prices import Prices, model_of
from agent.planner.providers import call_errors, planner_error
from evals.judging.verdicts import Question, Ruling, Rulings, Verdict
from evals.matching.answer import read_answer, readings
from evals.matching.known import Known, clash
from evals.matching.level import Level
from evals.matching.names import is_denied
from evals.running.ledger import Line
from evals.truth import Truth
from tools.errors import UserError


class _Answer(BaseModel):
    """What the judge must answer with."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far a judge may go.

    Attributes:
        concurrent: Calls at a time.
        max_dollars: No further call is started once so much is spent; None: no end.
    """

    concurrent: int = 8
    max_dollars: float | None = None


@dataclass(slots=True)
class Sitting:
    """What came of one sitting of the judge.

    Attributes:
        asked: Pairs that got a verdict now.
        unanswered: Pairs that got none: blocked, or no answer of the enum. They are asked again by
            the next sitting, and count as undecided until then.
        left: Pairs not asked, because the money was spent.
        costs: Of this sitting's calls that were answered, under the names of a report's costs.
    """

    asked: int = 0
    unanswered: int = 0
    left: int = 0
    costs: Counter[str] = field(default_factory=Counter)


class Judge:
    """A chat model that rules on pairs of names."""

    def __init__(self, planner: BaseChatModel, prices: Prices, seed: int = 0) -> None:
        """Gemini is set to temperature 0 and the seed; other models stay as they are."""
        if isinstance(planner, GeminiPlanner):
            planner = planner.model_copy(update={"temperature": 0.0, "seed": seed})
        self._planner = planner
        self._prices = prices
        self._seed = seed
        self._prompt = (files("evals") / "prompts" / "judge.md").read_text("utf-8")

    @property
    def id(self) -> str:
        """Hash of the model, its settings and the prompt: rulings of another judge do not count."""
        made = {
            "model": getattr(self._planner, "model", self._planner.get_name()),
            "seed": self._seed,
            "prompt": self._prompt,
            "schema": _Answer.model_json_schema(),
        }
        return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:12]

    async def sit(self, questions: Iterable[Question], rulings: Rulings, limits: Limits) -> Sitting:
        """Rule on every pair that has no ruling of this judge yet; each is written as it comes.

        The pairs are deduplicated and shuffled by the seed: nothing tells of arm, case or rank.

        Raises:
            UserError: When the service fails, or dollars are limited and the model has no price.
                What was ruled stays, and the same command goes on there.
        """
        known = {ruling.question for ruling in rulings.by(self.id)}
        todo = sorted(set(questions) - known)
        random.Random(self._seed).shuffle(todo)  # noqa: S311
        sitting = Sitting()
        gate = asyncio.Semaphore(limits.concurrent)

        async def one(question: Question) -> None:
            async with gate:
                spent = sitting.costs["dollars"]
                if limits.max_dollars is not None and spent >= limits.max_dollars:
                    sitting.left += 1
                    return
                ruling = await self._rule(question)
            if ruling is None:
                sitting.unanswered += 1
                return
            rulings.append(ruling)
            sitting.asked += 1
            sitting.costs.update(cast("Mapping[str, int]", ruling.costs))
            if limits.max_dollars is not None and "dollars" not in ruling.costs:
                raise UserError(
                    f"--max-dollars needs a price, and {ruling.model or 'the judge'} has none: "
                    "give HOOFBEAT_PLANNER_PRICES a price file, or leave --max-dollars out"
                )

        try:
            await _all_of([one(question) for question in todo])
        finally:
            if isinstance(self._planner, GeminiPlanner):
                await self._planner.aclose()
        return sitting

    async def _rule(self, question: Question) -> Ruling | None:
        """One pair; None when the model blocks it or gives no answer of the enum."""
        item, truth = (json.dumps(name, ensure_ascii=False) for name in question)
        asked = Template(self._prompt).substitute(item=item, truth=truth)
        structured = self._planner.with_structured_output(_Answer, include_raw=True)
        try:
            said = cast("dict[str, Any]", await structured.ainvoke(asked))
        except (PlannerBlocked, PlannerUnusable):
            return None
        except call_errors() as error:
            raise planner_error(error) from error
        answer, reply = said["parsed"], cast("AIMessage", said["raw"])
        if not isinstance(answer, _Answer):
            return None
        return Ruling(
            item=question[0],
            truth=question[1],
            verdict=answer.verdict,
            judge=self.id,
            model=model_of(reply.response_metadata, self._planner),
            costs=cost_of(reply, self._planner, self._prices),
        )


def undecided(name: str, truth: Truth, level: Level, known: Known) -> bool:
    """Whether a judge is to rule on an item.

    It is where the matcher found nothing by the words and the curated names (level "different"),
    and nothing speaks against it either: it is not denied, does not give the other side or
    number, and is not, as the truth is, a name of an entry of the knowledge base and of another.

    Args:
        name: The item.
        truth: What it was judged against.
        level: In scoring "curated".
        known: The knowledge base's names.
    """
    if level is not Level.DIFFERENT or is_denied(name) or not name.strip():
        return False
    answer = read_answer(truth)
    if clash(readings(name), answer.primary_parts):
        return False
    ours, theirs = known.ids(name), known.target(answer.anchor_names).ids
    return not (ours and theirs and not ours & theirs)


def questions_of(lines: Sequence[Line], known: Known) -> set[Question]:
    """Every undecided pair of a run: names alone, from whichever case, arm and rank."""
    return {
        (item.name, line.truth.primary)
        for line in lines
        if line.status == "OK" and "curated" in line.scores
        for item, level in zip(line.predictions, line.scores["curated"].levels, strict=True)
        if undecided(item.name, line.truth, level, known)
    }


async def _all_of(work: Sequence[Any]) -> None:
    """All of it at once; the first failure ends the rest."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
