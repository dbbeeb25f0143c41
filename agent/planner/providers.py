"""Planners of other providers: any chat model that LangChain's init_chat_model can build.

`langchain` and the provider's package are installed by whoever wants one. Keys, addresses, time
limits and retries are then the provider's own, from its own environment variables.
"""

from __future__ import annotations

import sys

from langchain_core.language_models import BaseChatModel

from agent.planner.gemini_errors import (
    REQUEST_CODES,
    TRANSIENT_CODES,
    PlannerError,
    PlannerRefused,
    PlannerUnavailable,
    RequestRefused,
)
from tools.errors import UserError

_CLIENTS = ("openai", "anthropic", "groq")  # their clients have the same exceptions


def build_provider(name: str) -> BaseChatModel:
    """The chat model of a "provider:model" string.

    Raises:
        UserError: When `langchain` or the provider's package is not installed, the provider is not
            known, or its own settings (a key, most often) are missing.
    """
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise UserError(
            f"planner {name!r} is built by the package langchain, which is not installed: pip "
            "install langchain and the provider's package (langchain-openai for openai:MODEL), or "
            'set the planner to "offline" or "gemini"'
        ) from error
    provider, _, model = name.partition(":")
    try:
        made: BaseChatModel = init_chat_model(model, model_provider=provider)
    except _build_errors() as error:
        why = str(error).strip().partition("\n")[0]
        raise UserError(
            f"planner {name!r} cannot be built ({why}); mend that, or set the planner to "
            '"offline" or "gemini"'
        ) from error
    return made


def call_errors() -> tuple[type[Exception], ...]:
    """Exceptions that a call of another provider's chat model raises; they have no common base."""
    loaded = [sys.modules[name] for name in _CLIENTS if name in sys.modules]
    return (ConnectionError, TimeoutError, *(client.APIError for client in loaded))


def planner_error(error: Exception) -> PlannerError:
    """One of `call_errors` in one line for the person; what the service quotes stays out of it.

    Returns:
        PlannerUnavailable when the same call may succeed later, PlannerRefused when it will not:
        RequestRefused where that is for what it holds.
    """
    code = getattr(error, "status_code", None)
    what = f"HTTP {code}" if code else type(error).__name__
    if code is None or code in TRANSIENT_CODES:
        return PlannerUnavailable(
            f"the planner's service is not available ({what}); check the connection and the quota, "
            "or try again later"
        )
    return (RequestRefused if code in REQUEST_CODES else PlannerRefused)(
        f"the planner's service refused the request ({what}); check its key, the name of the model "
        "and whether it calls tools"
    )


def _build_errors() -> tuple[type[Exception], ...]:
    """What building one raises: no package, no such provider, no key."""
    openai = sys.modules.get("openai")
    theirs = (openai.OpenAIError,) if openai else ()
    return (ImportError, ValueError, *theirs)
