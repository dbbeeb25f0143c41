"""LangChain's messages, tools and token counts, to and from Gemini's wire JSON; no network here.

Wire JSON is that of the REST API (https://ai.google.dev/api/generate-content), in camelCase. A turn
of the model is kept as it came under `additional_kwargs["gemini_content"]` and goes back as it
came, because its thought signatures are valid only in the parts they arrived with.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

Json = dict[str, Any]

KEPT_TURN = "gemini_content"
UNUSED_WORDS = "gemini_unused"  # words before it that belong to a turn that was not used

# What Google documents for calls that Gemini did not make itself
# (https://ai.google.dev/gemini-api/docs/thought-signatures).
FOREIGN_CALL_SIGNATURE = "skip_thought_signature_validator"

_DATA_URI = re.compile(r"data:(?P<mime>[\w.+/-]+);base64,(?P<data>.*)", re.DOTALL)


@dataclass
class Conversation:
    """Messages in Gemini's form: roles alternate, and every call is answered in the next turn.

    Attributes:
        system: System instruction; None when there is none.
        contents: Wire Contents, role "user" or "model".
    """

    system: str | None = None
    contents: list[Json] = field(default_factory=list)
    _open_calls: list[tuple[ToolCall, str | None]] = field(default_factory=list)
    _results: dict[str, ToolMessage] = field(default_factory=dict)

    @property
    def holds_image(self) -> bool:
        """Whether any part of it is an image."""
        return any("inlineData" in part for content in self.contents for part in content["parts"])

    def add(self, message: BaseMessage) -> None:
        """Append one message.

        Raises:
            ValueError: If its type, a block in it, or the call it answers is not known.
        """
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in {call["id"] for call, _ in self._open_calls}:
                raise ValueError(f"no call in the turn before has id {message.tool_call_id!r}")
            self._results[message.tool_call_id] = message
            return
        self.answer_open_calls()
        if isinstance(message, SystemMessage):
            self.system = "\n\n".join(filter(None, (self.system, str(message.text))))
        elif isinstance(message, HumanMessage):
            self._extend("user", [_user_part(block) for block in _blocks(message) if block != ""])
        elif isinstance(message, AIMessage):
            parts = _model_parts(message)
            self._extend("model", parts)
            wire_ids = [part["functionCall"].get("id") for part in parts if "functionCall" in part]
            self._open_calls = list(zip(message.tool_calls, wire_ids, strict=True))
        else:
            raise ValueError(f"no place in a Gemini conversation for {type(message).__name__}")

    def answer_open_calls(self) -> None:
        """Close the model's turn with one user turn: a functionResponse a call, in call order."""
        parts = []
        for call, wire_id in self._open_calls:
            result = self._results.get(call["id"] or "")
            response: Json = {"name": call["name"], "response": _tool_answer(result)}
            parts.append({"functionResponse": {"id": wire_id, **response} if wire_id else response})
        if parts:
            self.contents.append({"role": "user", "parts": parts})
        self._open_calls, self._results = [], {}

    def _extend(self, role: str, parts: list[Json]) -> None:
        last = self.contents[-1] if self.contents else None
        # Function responses stay in a Content of their own: the API counts them against the calls.
        if last and last["role"] == role and "functionResponse" not in last["parts"][0]:
            last["parts"] = [*last["parts"], *parts]
        elif parts:
            self.contents.append({"role": role, "parts": parts})


def to_conversation(messages: Sequence[BaseMessage]) -> Conversation:
    """Translate messages for one request.

    Images are sent inline and only from base64; an address is neither fetched nor passed on.
    A call without a ToolMessage is answered with an error that says it was not run.

    Raises:
        ValueError: If a message or block has no Gemini form, or nothing is left to send.
    """
    conversation = Conversation()
    for message in messages:
        conversation.add(message)
    conversation.answer_open_calls()
    if not conversation.contents:
        raise ValueError("nothing to send: give at least one human message with text")
    return conversation


def function_declarations(tools: Sequence[Json]) -> list[Json]:
    """Translate tools in OpenAI's form (convert_to_openai_tool) to FunctionDeclarations."""
    functions = [tool["function"] for tool in tools]
    return [
        {
            "name": function["name"],
            "description": function.get("description", ""),
            "parameters_json_schema": function["parameters"],
        }
        for function in functions
    ]


def read_usage(usage: Json) -> UsageMetadata:
    """Gemini's UsageMetadata in LangChain's form; thinking counts as output, as it is billed."""
    reasoning = usage.get("thoughtsTokenCount") or 0
    tokens_in = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    tokens_out = (usage.get("candidatesTokenCount") or 0) + reasoning
    return UsageMetadata(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        total_tokens=tokens_in + tokens_out,
        input_token_details=InputTokenDetails(cache_read=usage.get("cachedContentTokenCount") or 0),
        output_token_details=OutputTokenDetails(reasoning=reasoning),
    )


def text_of(parts: list[Json], *, is_thought: bool) -> str:
    """The answer in wire parts, or, with is_thought, the summary of the thinking."""
    return "".join(
        part.get("text") or "" for part in parts if bool(part.get("thought")) is is_thought
    )


def used_text(message: AIMessage) -> str:
    """What a message says, without the words of a turn that was shown and not used."""
    return str(message.text).removeprefix(message.additional_kwargs.get(UNUSED_WORDS, ""))


def _blocks(message: BaseMessage) -> list[Any]:
    return [message.content] if isinstance(message.content, str) else list(message.content)


def _user_part(block: Any) -> Json:
    if isinstance(block, str):
        return {"text": block}
    kind = block.get("type")
    if kind == "text":
        return {"text": block["text"]}
    if kind == "image" and "base64" in block:
        return _inline_image(block.get("mime_type") or "", block["base64"])
    if kind in ("image", "image_url"):
        address = block.get("image_url", block.get("url"))
        uri = address.get("url") if isinstance(address, dict) else address
        if found := _DATA_URI.fullmatch(uri or ""):
            return _inline_image(found["mime"], found["data"])
    raise ValueError(
        f"cannot send a block of type {kind!r} to Gemini: give text, or an image as base64 with "
        "its mime_type; addresses are never fetched"
    )


def _inline_image(mime_type: str, data: str) -> Json:
    if not mime_type.startswith("image/"):
        raise ValueError(f"image block must have an image/* mime_type, got {mime_type!r}")
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"image block does not hold base64: {error}") from None
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def _model_parts(message: AIMessage) -> list[Json]:
    """The turn as Gemini sent it; rebuilt when another planner made it or somebody changed it."""
    text, calls = used_text(message), message.tool_calls
    kept: list[Json] = (message.additional_kwargs.get(KEPT_TURN) or {}).get("parts") or []
    kept_calls = [part["functionCall"] for part in kept if "functionCall" in part]
    if (
        kept
        and text_of(kept, is_thought=False) == text
        and [(c["name"], c.get("args") or {}) for c in kept_calls]
        == [(c["name"], c["args"]) for c in calls]
        and all(k.get("id") in (None, c["id"]) for k, c in zip(kept_calls, calls, strict=True))
    ):
        return list(kept)
    parts: list[Json] = [{"text": text}] if text else []
    for index, call in enumerate(calls):
        part: Json = {"functionCall": {k: call[k] for k in ("id", "name", "args")}}
        # The API checks the first call of a turn only.
        parts.append(part if index else {**part, "thoughtSignature": FOREIGN_CALL_SIGNATURE})
    return parts


def _tool_answer(result: ToolMessage | None) -> Json:
    if result is None:
        return {"error": "this call was not run"}
    if any(not isinstance(b, str) and b.get("type") != "text" for b in _blocks(result)):
        raise ValueError(f"tool {result.name!r} answered with more than text; Gemini gets text")
    return {"error" if result.status == "error" else "result": str(result.text)}
