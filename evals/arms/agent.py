"""The agent, whole and with one part taken out at a time."""

from __future__ import annotations

from agent.case import Case
from agent.planner import build_planner
from agent.planner.offline import OfflinePlanner
from agent.planner.prices import Prices
from agent.settings import Settings
from evals.arms.arm import Arm, Backend, Choice, Prediction
from evals.arms.config import answering, sampling
from evals.arms.failures import Taken, planner_failures
from evals.arms.one_pass import TURNS, OnePass, planner_calls
from evals.arms.pictures import check_windows
from evals.arms.reported import ToolCounter, from_report


def agent_arm(choice: Choice) -> Arm:
    """Planner, vision, knowledge base and loop, as the settings name them."""
    return _arm(choice, _whole(choice))


def agent_no_knowledge_arm(choice: Choice) -> Arm:
    """Without search, ledger and passages: planner, vision and loop.

    Raises:
        UserError: When the planner is the offline one, which has nothing but the knowledge base.
    """
    return _arm(choice, _whole(choice).model_copy(update={"use_knowledge": False}))


def agent_no_vision_arm(choice: Choice) -> Arm:
    """Without pixels: no vision model, and no measurement either."""
    settings = _whole(choice).model_copy(update={"vision": "none", "vision_windows": "as-asked"})
    return _arm(choice, settings, sees=False)


def agent_no_loop_arm(choice: Choice) -> Arm:
    """With one turn of the planner: a fixed look, search and weighing, then it submits."""
    once = {"max_planner_calls": TURNS, "max_reviews": 0, "critic": False}
    return _arm(choice, _whole(choice).model_copy(update=once), loops=False)


def offline_arm(choice: Choice) -> Arm:
    """No model: findings of the text, measurement, knowledge base, evidence ranking."""
    parts = {"planner": "offline", "vision": "none", "vision_windows": "as-asked"}
    return _arm(choice, _whole(choice).model_copy(update=parts))


def _whole(choice: Choice) -> Settings:
    """The person's settings with every part in place, whatever the environment left out."""
    return choice.settings.model_copy(
        update={
            "use_knowledge": True,
            "planner_fallback": "none",
            "vision_windows": choice.windows or "as-asked",
        }
    )


def _arm(choice: Choice, settings: Settings, *, sees: bool = True, loops: bool = True) -> Arm:
    from agent import adiagnose, build_agent
    from agent.knowledge_base import open_knowledge

    Prices.load(settings.planner_prices)  # a table that cannot be read is told before the run
    planner = build_planner(settings)
    agent = build_agent(settings, planner=planner if loops else OnePass(planner=planner))
    knowledge = open_knowledge(settings)
    is_offline = isinstance(planner, OfflinePlanner)
    looks = settings.vision != "none"
    taken = Taken()

    async def predict(case: Case, seed: int) -> Prediction:
        if looks:
            check_windows(case, choice.windows)
        if not sees:
            case = case.model_copy(update={"series": (), "chosen": "", "limits": ()})
        counted = ToolCounter()
        watched = agent.with_config(callbacks=[counted])
        with planner_failures(taken):
            report = await adiagnose(case, settings, agent=watched)
        more = {"planner_calls": 0 if is_offline else report.costs.get("planner_calls", 0)}
        if not loops and not is_offline:
            more["planner_calls"] = planner_calls(report)
        if is_offline and not looks:
            more["dollars"] = 0.0
        return from_report(report, counted, **more)

    backends: set[Backend] = set() if is_offline else {"planner"}
    backends |= {"vision"} if looks else set()
    return Arm(
        predict=predict,
        config={
            **answering(settings),
            **sampling(planner),
            "sees": sees,
            "loops": loops,
            "trust": knowledge.trust.digest,
            "sources": knowledge.sources.versions(),
        },
        backends=frozenset(backends or {"cpu"}),
        windows=choice.windows if looks else None,
    )
