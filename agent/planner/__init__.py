"""Planners: LangChain chat models, so the graph cannot tell one from another."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from agent.settings import Settings


def build_planner(settings: Settings) -> BaseChatModel:
    """The planner that the settings name. Nothing is called yet.

    Raises:
        UserError: When a package or a setting that it needs is missing.
    """
    kind, _, model = settings.planner.partition(":")
    if kind == "offline":
        from agent.planner.offline import OfflinePlanner

        return OfflinePlanner()
    if kind == "gemini":
        return _gemini(settings, model)
    from agent.planner.providers import build_provider

    return build_provider(settings.planner)


def about(planner: BaseChatModel) -> str:
    """One line that says what plans, for every answer."""
    says = getattr(planner, "about", None)
    return str(says) if says else f"Planned by {planner.get_name()}."


def _gemini(settings: Settings, model: str) -> BaseChatModel:
    from agent.planner.gemini import GeminiPlanner

    # A key in the environment must not stand in for the login that a project was named for.
    is_login = settings.gemini_vertex and settings.gemini_project
    return GeminiPlanner(
        **({"model": model} if model else {}),
        api_key=None if is_login else settings.gemini_api_key,
        base_url=settings.gemini_base_url,
        include_thoughts=settings.planner_thoughts,
        images_may_leave=settings.pixels_may_leave,
        prefix_cache=settings.planner_cache,
        vertexai=settings.gemini_vertex,
        project=settings.gemini_project,
        location=settings.gemini_location,
    )
