"""Gemini as a LangChain chat model, straight over google-genai 3.

langchain-google-genai needs google-genai 2, so this adapter stands in for it. It adds what a
planner that runs unattended must have: one layer of retries, a limit on waiting, and no tool call
taken from a turn that did not end well.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator

from agent.planner.gemini_errors import PlannerRefused, call_errors, read_fault
from agent.planner.gemini_turn import TOOL_MODES, Turn, last_chunk
from tools.errors import UserError

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse


class GeminiPlanner(BaseChatModel):
    """Gemini behind LangChain's chat model interface, with tools.

    Every call ends in a usable message or in a PlannerError: PlannerUnavailable, PlannerRefused,
    PlannerBlocked or PlannerUnusable (agent/planner/gemini_errors.py). Close it, or leave the
    connections to the garbage collector.

    Attributes:
        model: Model name; the default is the alias that follows the newest Flash.
        api_key: Key; without one, GOOGLE_API_KEY, then GEMINI_API_KEY (the SDK's order).
        base_url: Another address of the service; None for Google's.
        timeout_s: Longest silence in one call, seconds.
        attempts: Calls for one turn, the first included, when the service fails.
        backoff_s: Upper end of the first wait between them, seconds; doubles.
        limit_s: Seconds after which no further call is started for one turn.
        temperature: None leaves the model's own, which Google advises for Gemini 3.
        seed: Sent as is; the service promises best effort only.
        max_output_tokens: None leaves the model's own limit. Thinking counts towards it.
        include_thoughts: Ask for thought summaries; they arrive as `reasoning_content`, never in
            the text.
        thinking_level: How much to think; None leaves it to the model.
        vertexai: Use Vertex AI, with project and location, or with api_key (express mode).
    """

    model_config = ConfigDict(extra="forbid")

    model: str = "gemini-flash-latest"
    api_key: SecretStr | None = None
    base_url: str | None = None
    timeout_s: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=4, ge=1)
    backoff_s: float = Field(default=1.0, ge=0)
    limit_s: float = Field(default=300.0, gt=0)
    temperature: float | None = Field(default=None, ge=0, le=2)
    seed: int | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    include_thoughts: bool = False
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    vertexai: bool = False
    project: str | None = None
    location: str | None = None

    _client: Client | None = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, base_url: str | None) -> str | None:
        if base_url is not None and not base_url.startswith(("http://", "https://")):
            raise UserError(
                f"Gemini's base_url must start with http:// or https://, got {base_url!r}"
            )
        return base_url

    @property
    def _llm_type(self) -> str:
        return "hoofbeat-gemini"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        names = ("model", "temperature", "seed", "max_output_tokens", "include_thoughts")
        return {name: getattr(self, name) for name in (*names, "thinking_level", "vertexai")}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Declare tools to the model; injected arguments are left out of the schemas.

        Args:
            tools: Anything LangChain's convert_to_openai_tool takes.
            tool_choice: "auto" (None), "any" or "required", "none", or the name of one tool.
            kwargs: Handed on to `bind`.

        Raises:
            ValueError: If tool_choice is no mode and names no tool.
        """
        # tool_call_schema drops injected arguments; a bare args_schema would keep them.
        bound = [convert_to_openai_tool(tool) for tool in tools]
        names = [tool["function"]["name"] for tool in bound]
        if tool_choice not in (None, *TOOL_MODES, *names):
            raise ValueError(
                f"tool_choice must be one of {[*TOOL_MODES, *names]}, got {tool_choice!r}"
            )
        return self.bind(tools=bound, tool_choice=tool_choice, **kwargs)

    def close(self) -> None:
        """Close the connections of synchronous calls; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close all connections; call it in the event loop that the calls were made in."""
        client, self._client = self._client, None
        if client is not None:
            await client.aio.aclose()
            client.close()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        client, turn = self._open(), Turn(self, messages, stop, **kwargs)
        while True:
            try:
                turn.take(client.models.generate_content(**turn.request(is_async=False)))
                message = turn.settle()
            except call_errors() as error:
                fault = read_fault(error, secret=self._key())
            else:
                if message is not None:
                    return ChatResult(generations=[ChatGeneration(message=message)])
                continue
            # Outside the handler: an error raised here must not carry the SDK's, request and all.
            time.sleep(turn.wait_after(fault))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        client, turn = self._open(), Turn(self, messages, stop, **kwargs)
        while True:
            try:
                async with asyncio.timeout(turn.timeout_s()):
                    request = turn.request(is_async=True)
                    turn.take(await client.aio.models.generate_content(**request))
                message = turn.settle()
            except call_errors() as error:
                fault = read_fault(error, secret=self._key())
            else:
                if message is not None:
                    return ChatResult(generations=[ChatGeneration(message=message)])
                continue
            await asyncio.sleep(turn.wait_after(fault))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        client, turn = self._open(), Turn(self, messages, stop, **kwargs)
        while True:
            try:
                request = turn.request(is_async=False)
                for response in client.models.generate_content_stream(**request):
                    if (chunk := turn.show(response)) is not None:
                        yield ChatGenerationChunk(message=chunk)
                message = turn.settle()
            except call_errors() as error:
                fault = read_fault(error, secret=self._key())
            else:
                if message is not None:
                    yield ChatGenerationChunk(message=last_chunk(message))
                    return
                continue
            time.sleep(turn.wait_after(fault))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        client, turn = self._open(), Turn(self, messages, stop, **kwargs)
        while True:
            try:
                async with aclosing(_responses(client, turn)) as responses:
                    async for response in responses:
                        if (chunk := turn.show(response)) is not None:
                            yield ChatGenerationChunk(message=chunk)
                message = turn.settle()
            except call_errors() as error:
                fault = read_fault(error, secret=self._key())
            else:
                if message is not None:
                    yield ChatGenerationChunk(message=last_chunk(message))
                    return
                continue
            await asyncio.sleep(turn.wait_after(fault))

    def _key(self) -> str:
        """The API key in use, "" for none; Vertex AI takes an explicit key only."""
        if self.api_key is not None:
            return self.api_key.get_secret_value().strip()
        if self.vertexai:
            return ""
        return os.environ.get("GOOGLE_API_KEY") or os.environ.get("GEMINI_API_KEY") or ""

    def _open(self) -> Client:
        """The client, built on first use."""
        with self._lock:
            if self._client is None:
                self._client = self._build_client()
            return self._client

    def _build_client(self) -> Client:
        from google import genai
        from google.genai.types import HttpOptions, HttpRetryOptions

        key = self._key()
        if self.vertexai and not key and not (self.project and self.location):
            raise PlannerRefused("Gemini on Vertex AI needs project and location, or an api_key")
        if not self.vertexai and not key:
            raise PlannerRefused(
                "Gemini needs a key, got none: set GEMINI_API_KEY or GOOGLE_API_KEY, "
                "or use the offline planner"
            )
        return genai.Client(
            vertexai=self.vertexai,
            api_key=key or None,
            project=self.project if self.vertexai else None,
            location=self.location if self.vertexai else None,
            http_options=HttpOptions(
                base_url=self.base_url,
                api_version="v1beta1" if self.vertexai else "v1beta",
                # Left out, the SDK tries once more by itself when aiohttp is installed.
                retry_options=HttpRetryOptions(attempts=1),
            ),
        )


async def _responses(client: Client, turn: Turn) -> AsyncGenerator[GenerateContentResponse]:
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
