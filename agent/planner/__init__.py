"""Planners: LangChain chat models, so the graph cannot tell one from another."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from agent.settings import Settings


def build_planner(settings: Settings) -> BaseChatModel:
    """The planner that the settings name.

    Raises:
        UserError: When Gemini is asked for and there is no key.
    """
    if settings.planner == "offline":
        from agent.planner.offline import OfflinePlanner

        return OfflinePlanner()
    from agent.planner.gemini import GeminiPlanner

    model = settings.planner.partition(":")[2]
    return GeminiPlanner(
        **({"model": model} if model else {}),
        api_key=settings.gemini_api_key,
        base_url=settings.gemini_base_url,
    )


def about(planner: BaseChatModel) -> str:
    """One line that says what plans, for every answer."""
    says = getattr(planner, "about", None)
    return str(says) if says else f"Planned by {planner.get_name()}."
