"""The google-genai client: which service it speaks to, and how long a silence it bears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agent.planner.gemini_errors import PlannerRefused

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse

    from agent.planner.gemini import GeminiPlanner
    from agent.planner.gemini_turn import Turn


def build_client(planner: GeminiPlanner, key: str) -> Client:
    """A client for the planner's service; nothing is sent yet.

    Args:
        key: The API key, "" for none.

    Raises:
        PlannerRefused: When what the service needs to know its caller is missing.
    """
    from google import genai
    from google.genai.types import HttpOptions, HttpRetryOptions

    is_vertex = planner.vertexai
    if is_vertex and not key and not (planner.project and planner.location):
        raise PlannerRefused(
            "Gemini on Vertex AI needs project and location, or an api_key: set "
            "HOOFBEAT_GEMINI_PROJECT and HOOFBEAT_GEMINI_LOCATION, or GEMINI_API_KEY"
        )
    if not is_vertex and not key:
        raise PlannerRefused(
            "Gemini needs a key, got none: set GEMINI_API_KEY or GOOGLE_API_KEY, "
            "or use the offline planner"
        )
    return genai.Client(
        vertexai=is_vertex,
        api_key=key or None,
        project=planner.project if is_vertex else None,
        location=planner.location if is_vertex else None,
        http_options=HttpOptions(
            base_url=planner.base_url,
            # Pinned: the SDK's own default changes from one major version to the next.
            api_version="v1beta1" if is_vertex else "v1beta",
            # Left out, the SDK tries once more by itself when aiohttp is installed.
            retry_options=HttpRetryOptions(attempts=1),
        ),
    )


async def responses(client: Client, turn: Turn) -> AsyncGenerator[GenerateContentResponse]:
    """Responses of one streaming call; TimeoutError when the line is silent for too long.

    The SDK's own timeout means silence under httpx and the whole stream under aiohttp.
    """
    silence_s = turn.timeout_s()
    async with asyncio.timeout(silence_s):
        request = turn.request(is_async=True)
        stream: Any = await client.aio.models.generate_content_stream(**request)
    async with aclosing(stream):
        while True:
            try:
                async with asyncio.timeout(silence_s):
                    response = await anext(stream)
            except StopAsyncIteration:
                return
            yield response
