"""One turn of Gemini: the request that asks for it, the reply as it comes in, and its verdict."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.messages.tool import tool_call_chunk

from agent.planner.gemini_errors import (
    Fault,
    Patience,
    PlannerBlocked,
    PlannerUnavailable,
    PlannerUnusable,
    flaw_in,
    refusal,
)
from agent.planner.gemini_messages import (
    KEPT_TURN,
    Json,
    function_declarations,
    read_usage,
    text_of,
    to_conversation,
)

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse

    from agent.planner.gemini import GeminiPlanner

logger = logging.getLogger(__name__)

TOOL_MODES = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE"}


class Turn:
    """One turn of the model: what is asked, what may still be tried, what it has cost.

    Args:
        planner: Whose settings apply.
        messages: The conversation so far.
        stop: Strings that end the answer.
        tools: Bound tools in OpenAI's form.
        tool_choice: As in `GeminiPlanner.bind_tools`.
    """

    def __init__(
        self,
        planner: GeminiPlanner,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        *,
        tools: Sequence[Json] = (),
        tool_choice: str | None = None,
    ) -> None:
        self._planner = planner
        self._messages = list(messages)
        self._config = _config(planner, stop, tools, tool_choice)
        self._conversation = to_conversation(messages)
        self._patience = Patience(
            attempts=planner.attempts, backoff_s=planner.backoff_s, limit_s=planner.limit_s
        )
        self._reply = Reply()
        self._usage: UsageMetadata | None = None
        self._has_shown = False
        self._was_repaired = False

    def timeout_s(self) -> float:
        """Longest silence to bear in a call that starts now, seconds."""
        return min(self._planner.timeout_s, self._patience.remaining_s())

    def request(self, *, is_async: bool) -> Json:
        """Arguments for the SDK; starts a fresh reply. Asynchronous callers watch the time."""
        self._reply = Reply()
        config = dict(self._config)
        if self._conversation.system:
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
        """`take` for a stream: what is returned is shown, and cannot be taken back by a retry."""
        chunk = self.take(response)
        self._has_shown = self._has_shown or chunk is not None
        return chunk

    def settle(self) -> AIMessage | None:
        """Judge the reply now that the service has no more to say.

        Returns:
            The message; None when the model is to be asked once more, told what was wrong.

        Raises:
            ConnectionAbortedError: If the reply broke off before the model finished.
            PlannerBlocked: If a filter stopped the prompt or the answer.
            PlannerUnusable: If the reply cannot be used and may not be asked for again.
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
        if flaw is None:
            place = len(self._conversation.contents)
            return reply.message(model=model, place=place, usage=usage)
        if self._was_repaired or self._has_shown:
            raise PlannerUnusable(flaw.to_person)
        logger.warning("Gemini's turn ended with %s; asking once more", reply.finish_reason)
        self._was_repaired = True
        self._conversation = to_conversation([*self._messages, HumanMessage(flaw.to_model)])
        return None

    def wait_after(self, fault: Fault) -> float:
        """Seconds to wait before the same request is sent again.

        Raises:
            PlannerRefused: If it would be refused again.
            PlannerUnavailable: If nothing may be tried any more.
        """
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


@dataclass
class Reply:
    """What the model has said so far in one turn, gathered from one response or from many.

    Attributes:
        finish_reason: Gemini's FinishReason by name; "" while the turn is not over.
        block_reason: Why the prompt was blocked; "" when it was not.
    """

    parts: list[Json] = field(default_factory=list)
    finish_reason: str = ""
    finish_message: str = ""
    block_reason: str = ""
    has_candidate: bool = False
    model_version: str = ""
    usage: Json = field(default_factory=dict)

    def add(self, response: Json) -> AIMessageChunk | None:
        """Take in one response (wire JSON); return the text in it, None when it has none.

        Calls are held back until the turn has ended well: see `message`.
        """
        self.usage = response.get("usageMetadata") or self.usage
        self.model_version = response.get("modelVersion") or self.model_version
        feedback = response.get("promptFeedback") or {}
        self.block_reason = feedback.get("blockReason") or self.block_reason
        if not response.get("candidates"):
            return None
        candidate = response["candidates"][0]
        self.has_candidate = True
        self.finish_reason = candidate.get("finishReason") or self.finish_reason
        self.finish_message = candidate.get("finishMessage") or self.finish_message
        new = (candidate.get("content") or {}).get("parts") or []
        self.parts += new
        text, thought = text_of(new, is_thought=False), text_of(new, is_thought=True)
        if not text and not thought:
            return None
        return AIMessageChunk(content=text, additional_kwargs=_thoughts(thought))

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a call to use."""
        return not text_of(self.parts, is_thought=False) and not self._calls()

    def message(self, *, model: str, place: int, usage: UsageMetadata) -> AIMessage:
        """The finished turn.

        Args:
            model: Name the model was asked for by.
            place: Index of the turn in the conversation; keeps made-up call ids apart.
            usage: Tokens of the turn, those of a repaired one included.
        """
        calls = [
            ToolCall(
                name=call["name"],
                args=call.get("args") or {},
                id=call.get("id") or _made_up_id(call, f"{place}.{index}"),
                type="tool_call",
            )
            for index, call in enumerate(self._calls())
        ]
        thoughts = _thoughts(text_of(self.parts, is_thought=True))
        return AIMessage(
            content=text_of(self.parts, is_thought=False),
            tool_calls=calls,
            usage_metadata=usage,
            additional_kwargs={KEPT_TURN: {"role": "model", "parts": self.parts}, **thoughts},
            response_metadata={
                "finish_reason": self.finish_reason,
                "model_name": model,
                "model_version": self.model_version,
            },
        )

    def _calls(self) -> list[Json]:
        return [part["functionCall"] for part in self.parts if "functionCall" in part]


def last_chunk(message: AIMessage) -> AIMessageChunk:
    """What a stream still owes once the text of `message` has been sent: calls, usage, the turn."""
    chunks = [
        tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=index)
        for index, c in enumerate(message.tool_calls)
    ]
    return AIMessageChunk(
        content="",
        tool_call_chunks=chunks,
        usage_metadata=message.usage_metadata,
        additional_kwargs={KEPT_TURN: message.additional_kwargs[KEPT_TURN]},
        response_metadata=message.response_metadata,
        chunk_position="last",
    )


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


def _thoughts(text: str) -> Json:
    # The key that LangChain turns into reasoning blocks, apart from the answer.
    return {"reasoning_content": text} if text else {}


def _made_up_id(call: Json, place: str) -> str:
    said = json.dumps([place, call["name"], call.get("args") or {}], sort_keys=True)
    return "call_" + hashlib.sha256(said.encode()).hexdigest()[:16]
