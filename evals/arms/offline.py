"""The offline arm: the agent with no model and no network."""

from __future__ import annotations

from agent.case import Case
from agent.report import Report
from evals.arms.arm import Arm, Choice, Named, Prediction

_NOT_ANSWERS = frozenset({"cache_dir", "gemini_api_key"})  # no answer depends on them


def offline_arm(choice: Choice) -> Arm:
    """Text findings, measurement, knowledge base, evidence ranker."""
    from agent import adiagnose, build_agent
    from agent.knowledge_base import open_knowledge

    settings = choice.settings.model_copy(
        update={"planner": "offline", "vision": "none", "planner_fallback": "none"}
    )
    agent = build_agent(settings)

    async def predict(case: Case, seed: int) -> Prediction:
        return from_report(await adiagnose(case, settings, agent=agent))

    return Arm(
        predict=predict,
        config={
            **settings.model_dump(mode="json", exclude=set(_NOT_ANSWERS)),
            "trust": open_knowledge(settings).trust.digest,
        },
    )


def from_report(report: Report) -> Prediction:
    """The prediction that a report of the agent is."""
    return Prediction(
        diagnoses=tuple(
            Named(name=d.name, probability=d.probability) for d in report.differential.diagnoses
        ),
        abstained=report.differential.abstained,
        versions=dict(report.versions),
        costs=dict(report.costs),
        unsupported=report.removed_claims,
        report=report,
    )
