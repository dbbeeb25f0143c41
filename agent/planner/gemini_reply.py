"""What the model says in one turn, gathered as it comes in, and made into a message at its end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage, AIMessageChunk, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk

from agent.planner.gemini_messages import KEPT_TURN, UNUSED_WORDS, Json, text_of


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
        return not self.text and not self._calls()

    @property
    def text(self) -> str:
        """The answer so far, without thoughts."""
        return text_of(self.parts, is_thought=False)

    def message(
        self, *, model: str, place: int, usage: UsageMetadata, unused: str = ""
    ) -> AIMessage:
        """The finished turn.

        Args:
            model: Name the model was asked for by.
            place: Index of the turn in the conversation; keeps made-up call ids apart.
            usage: Tokens of the turn, those of a repaired one included.
            unused: Words of a turn that was not used, which a stream has shown before this one.
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
            content=unused + self.text,
            tool_calls=calls,
            usage_metadata=usage,
            additional_kwargs={
                KEPT_TURN: {"role": "model", "parts": self.parts},
                **({UNUSED_WORDS: unused} if unused else {}),
                **thoughts,
            },
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
        additional_kwargs={
            key: message.additional_kwargs[key]
            for key in (KEPT_TURN, UNUSED_WORDS)
            if key in message.additional_kwargs
        },
        response_metadata=message.response_metadata,
        chunk_position="last",
    )


def _thoughts(text: str) -> Json:
    # The key that LangChain turns into reasoning blocks, apart from the answer.
    return {"reasoning_content": text} if text else {}


def _made_up_id(call: Json, place: str) -> str:
    said = json.dumps([place, call["name"], call.get("args") or {}], sort_keys=True)
    return "call_" + hashlib.sha256(said.encode()).hexdigest()[:16]
