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
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator

from agent.planner.gemini_cache import PrefixCache
from agent.planner.gemini_client import build_client, responses
from agent.planner.gemini_errors import call_errors, read_fault
from agent.planner.gemini_reply import last_chunk
from agent.planner.gemini_structured import AnswerSchema
from agent.planner.gemini_turn import TOOL_MODES, Turn
from tools.errors import UserError

if TYPE_CHECKING:
    from google.genai import Client


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
        images_may_leave: Without it a message that holds an image is refused.
        prefix_cache: Keep system instruction and tools in an explicit cache of the service, where
            they are long enough; it costs by the hour until `close`.
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
    images_may_leave: bool = False
    prefix_cache: bool = False
    vertexai: bool = False
    project: str | None = None
    location: str | None = None

    _client: Client | None = PrivateAttr(default=None)
    _cache: PrefixCache = PrivateAttr(default_factory=PrefixCache)
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

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Answers in a schema, by the service's own constrained decoding.

        An answer that was cut off, or that does not fit, is asked for once more and then raises
        PlannerUnusable; a part of it is never returned.

        Args:
            schema: A pydantic model (the answer is an instance), or a JSON schema (a dict).
            include_raw: Return {"raw": message, "parsed": answer, "parsing_error": None}.
            kwargs: `method` and `strict` of other models are taken and mean nothing here.

        Raises:
            TypeError: If the schema is neither.
            ValueError: On another argument.
        """
        if unknown := set(kwargs) - {"method", "strict"}:
            raise ValueError(f"with_structured_output takes no {sorted(unknown)[0]!r}")
        wanted = AnswerSchema(schema)
        asked = self.bind(answer_schema=wanted)
        if not include_raw:
            return asked | RunnableLambda(wanted.read_message)
        return asked | RunnableLambda(
            lambda raw: {"raw": raw, "parsed": wanted.read_message(raw), "parsing_error": None}
        )

    def close(self) -> None:
        """Delete the caches and close the connections of synchronous calls.

        A call after it opens new ones.
        """
        client, self._client = self._client, None
        if client is not None:
            self._cache.delete(client)
            client.close()

    async def aclose(self) -> None:
        """Delete the caches and close all connections, in the event loop of the calls."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(self._cache.delete, client)
            await client.aio.aclose()
            client.close()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        client, turn = self._begin(messages, stop, **kwargs)
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
        client, turn = await self._abegin(messages, stop, **kwargs)
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
        client, turn = self._begin(messages, stop, **kwargs)
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
        client, turn = await self._abegin(messages, stop, **kwargs)
        while True:
            try:
                async with aclosing(responses(client, turn)) as stream:
                    async for response in stream:
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

    def _begin(
        self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any
    ) -> tuple[Client, Turn]:
        client, turn = self._open(), Turn(self, messages, stop, **kwargs)
        if self.prefix_cache:
            turn.begin_with(self._cache, client)
        return client, turn

    async def _abegin(
        self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any
    ) -> tuple[Client, Turn]:
        if self.prefix_cache:
            return await asyncio.to_thread(self._begin, messages, stop, **kwargs)
        return self._begin(messages, stop, **kwargs)

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
                self._client = build_client(self, self._key())
            return self._client
