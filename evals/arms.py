"""The arms of a comparison: each turns a Case into a ranked list of names."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.case import Case
from evals.prior import COMMON_BY_REGION


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One diagnosis of a list; probability 0..1, or None when the arm only orders."""

    name: str
    probability: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What an arm answered, best first; an abstained answer's list is kept but scores a miss."""

    diagnoses: tuple[Named, ...]
    abstained: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A system under test: how to ask it, and every setting that its answers depend on."""

    predict: Callable[[Case], Coroutine[Any, Any, Prediction]]
    config: Mapping[str, object]


def offline_arm() -> Arm:
    """The agent with no model and no network: text findings, knowledge base, evidence ranker."""
    from agent import adiagnose, build_agent
    from agent.knowledge_base import open_knowledge
    from agent.settings import build_settings

    settings = build_settings(planner="offline", vision="none", planner_fallback="none")
    agent = build_agent(settings)

    async def predict(case: Case) -> Prediction:
        report = await adiagnose(case, settings, agent=agent)
        return Prediction(
            diagnoses=tuple(
                Named(name=d.name, probability=d.probability) for d in report.differential.diagnoses
            ),
            abstained=report.differential.abstained,
            versions=dict(report.versions),
        )

    return Arm(
        predict=predict,
        config={
            **settings.model_dump(mode="json", exclude={"cache_dir", "gemini_api_key"}),
            "trust": open_knowledge(settings).trust.digest,
        },
    )


def prior_arm() -> Arm:
    """The constant list of the region; an empty list, so a miss, for a region without one."""

    async def predict(case: Case) -> Prediction:
        names = COMMON_BY_REGION.get(case.region, ())
        return Prediction(diagnoses=tuple(Named(name=name) for name in names))

    return Arm(predict=predict, config={"lists": dict(COMMON_BY_REGION)})


ARMS: Mapping[str, Callable[[], Arm]] = {"offline": offline_arm, "prior": prior_arm}
