"""One turn of Gemini: the request that asks for it, the reply as it comes in, and its verdict."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from agent.planner.gemini_errors import (
    Fault,
    Patience,
    PlannerBlocked,
    PlannerRefused,
    PlannerUnavailable,
    PlannerUnusable,
    flaw_in,
    refusal,
)
from agent.planner.gemini_messages import (
    Json,
    function_declarations,
    read_usage,
    to_conversation,
)
from agent.planner.gemini_reply import Reply

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse

    from agent.planner.gemini import GeminiPlanner
    from agent.planner.gemini_cache import PrefixCache
    from agent.planner.gemini_structured import AnswerSchema

logger = logging.getLogger(__name__)

_GAP = "\n\n"
RETRIES = "retries"  # in the response_metadata of a turn that took more than one call
_PREFIX = ("tools", "tool_config")
_CACHE_IS_GONE = (400, 403, 404)
TOOL_MODES = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE"}


class Turn:
    """One turn of the model: what is asked, what may still be tried, what it has cost.

    Args:
        planner: Whose settings apply.
        messages: The conversation so far.
        stop: Strings that end the answer.
        tools: Bound tools in OpenAI's form.
        tool_choice: As in `GeminiPlanner.bind_tools`.
        answer_schema: As `GeminiPlanner.with_structured_output` binds it.

    Raises:
        PlannerRefused: If a message holds an image and images may not leave.
    """

    def __init__(
        self,
        planner: GeminiPlanner,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        *,
        tools: Sequence[Json] = (),
        tool_choice: str | None = None,
        answer_schema: AnswerSchema | None = None,
    ) -> None:
        self._planner = planner
        self._messages = list(messages)
        self._schema = answer_schema
        self._config = _config(planner, stop, tools, tool_choice)
        if answer_schema is not None:
            self._config |= answer_schema.config
        self._conversation = to_conversation(messages)
        if not planner.images_may_leave and self._conversation.holds_image:
            raise PlannerRefused(
                "a message to Gemini holds an image, and pixels may not leave this machine; take "
                "it out, or set pixels_may_leave (HOOFBEAT_PIXELS_MAY_LEAVE=true)"
            )
        self._patience = Patience(
            attempts=planner.attempts, backoff_s=planner.backoff_s, limit_s=planner.limit_s
        )
        self._reply = Reply()
        self._usage: UsageMetadata | None = None
        self._has_shown = False
        self._shown = ""  # words that a stream has shown
        self._unused = ""  # those of them that belong to a turn that was not used
        self._was_repaired = False
        self._retries = 0
        self._cache: PrefixCache | None = None
        self._cached = ""

    def begin_with(self, cache: PrefixCache, client: Client) -> None:
        """Refer to a cache of the service for system instruction and tools, where one is made."""
        prefix = {name: self._config[name] for name in _PREFIX if name in self._config}
        if self._conversation.system:
            prefix["system_instruction"] = self._conversation.system
        if prefix:
            self._cache = cache
            model = self._planner.model
            self._cached = cache.name_for(client, model, prefix, timeout_s=self.timeout_s())

    def timeout_s(self) -> float:
        """Longest silence to bear in a call that starts now, seconds."""
        return min(self._planner.timeout_s, self._patience.remaining_s())

    def request(self, *, is_async: bool) -> Json:
        """Arguments for the SDK; starts a fresh reply. Asynchronous callers watch the time."""
        self._reply = Reply()
        config = dict(self._config)
        if self._cached:  # the service takes either the cache or what is in it
            config = {name: value for name, value in config.items() if name not in _PREFIX}
            config["cached_content"] = self._cached
        elif self._conversation.system:
            config["system_instruction"] = self._conversation.system
        if not is_async:
            # Milliseconds; the SDK takes 0 for no limit.
            config["http_options"] = {"timeout": max(1, round(self.timeout_s() * 1000))}
        contents = self._conversation.contents
        return {"model": self._planner.model, "contents": contents, "config": config}

    def take(self, response: GenerateContentResponse) -> AIMessageChunk | None:
        """Take in one response; return the text in it, None when it has none."""
        return self._reply.add(response.model_dump(mode="json", by_alias=True, exclude_none=True))

    def show(self, response: GenerateContentResponse) -> AIMessageChunk | None:
        """`take` for a stream: what is returned is shown, and cannot be taken back.

        Where the turn is repaired, the words shown before stand, and those of the repaired turn
        follow in a paragraph of their own.
        """
        chunk = self.take(response)
        if chunk is None:
            return None
        self._has_shown = True
        words = str(chunk.content)
        if words and self._unused and self._shown == self._unused:
            self._unused += _GAP
            words = _GAP + words
            chunk = chunk.model_copy(update={"content": words})
        self._shown += words
        return chunk

    def settle(self) -> AIMessage | None:
        """Judge the reply now that the service has no more to say.

        Returns:
            The message; None when the model is to be asked once more, told what was wrong.

        Raises:
            ConnectionAbortedError: If the reply broke off before the model finished.
            PlannerBlocked: If a filter stopped the prompt or the answer.
            PlannerUnusable: If the reply cannot be used, and it is the second one.
        """
        reply, model = self._reply, self._planner.model
        usage = self._usage = add_usage(self._usage, read_usage(reply.usage))
        if not reply.has_candidate:
            why = reply.block_reason or "no reason given"
            raise PlannerBlocked(
                f"Gemini blocked the prompt and gave no answer ({why}); "
                "change the wording of the case, or use another planner"
            )
        if not reply.finish_reason:
            raise ConnectionAbortedError("the reply ended before the model had finished")
        flaw = flaw_in(
            finish_reason=reply.finish_reason,
            finish_message=reply.finish_message,
            is_empty=reply.is_empty,
            max_output_tokens=self._planner.max_output_tokens,
        )
        if flaw is None and self._schema is not None:
            flaw = self._schema.flaw_in(reply.text)
        if flaw is None:
            place = len(self._conversation.contents)
            message = reply.message(model=model, place=place, usage=usage, unused=self._unused)
            if self._retries:
                message.response_metadata[RETRIES] = self._retries
            return message
        if self._was_repaired:
            raise PlannerUnusable(flaw.to_person)
        logger.warning("Gemini's turn ended with %s; asking once more", reply.finish_reason)
        self._was_repaired = True
        self._retries += 1
        self._unused = self._shown
        self._conversation = to_conversation([*self._messages, HumanMessage(flaw.to_model)])
        return None

    def wait_after(self, fault: Fault) -> float:
        """Seconds to wait before the same request is sent again.

        Raises:
            PlannerRefused: If it would be refused again.
            PlannerUnavailable: If nothing may be tried any more.
        """
        self._retries += 1
        if self._cache and self._cached and fault.code in _CACHE_IS_GONE:
            logger.debug("the cache is gone (%s); the request goes without it", fault.what)
            self._cache.forget(self._cached)
            self._cached = ""
            return 0.0
        if not fault.is_transient:
            raise refusal(fault, model=self._planner.model, is_vertex=self._planner.vertexai)
        if self._has_shown:
            raise PlannerUnavailable(
                f"Gemini's answer broke off after part of it had been shown ({fault.what}); "
                "ask again"
            )
        wait_s = self._patience.wait_after(fault)
        logger.warning("Gemini is not available (%s); next try in %.1f s", fault.what, wait_s)
        return wait_s


def _config(
    planner: GeminiPlanner, stop: list[str] | None, tools: Sequence[Json], tool_choice: str | None
) -> Json:
    """GenerateContentConfig for the planner's settings, as the SDK's dict; unset ones left out."""
    config: Json = {
        "temperature": planner.temperature,
        "seed": planner.seed,
        "max_output_tokens": planner.max_output_tokens,
        "stop_sequences": stop,
        "automatic_function_calling": {"disable": True},
    }
    if planner.include_thoughts or planner.thinking_level:
        config["thinking_config"] = {
            "include_thoughts": planner.include_thoughts,
            "thinking_level": planner.thinking_level and planner.thinking_level.upper(),
        }
    if tools:
        config["tools"] = [{"function_declarations": function_declarations(tools)}]
    if tools and tool_choice is not None:
        calling: Json = {"mode": TOOL_MODES.get(tool_choice, "ANY")}
        if tool_choice not in TOOL_MODES:
            calling["allowed_function_names"] = [tool_choice]
        config["tool_config"] = {"function_calling_config": calling}
    return {name: value for name, value in config.items() if value is not None}
