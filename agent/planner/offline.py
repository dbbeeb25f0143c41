"""The offline planner: a chat model without a model.

It reads the same messages, calls the same tools and submits through the same door as Gemini does,
by a fixed policy: measure or look, search and weigh, ask what would tell the candidates apart best
as long as that is worth a question, submit what the evidence ranks. It understands no language
beyond what the tools and the vocabulary return, needs no network, and says so in every answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from agent.planner.draft import abstain, abstention, kept, submission
from agent.planner.followups import NO_CASE, follow_up
from agent.planner.thread import Thread
from agent.submission import SUBMIT

ABOUT = (
    "Offline planner: no language model took part. It ranks the knowledge base by measured and "
    "supplied findings, history, age and sex, and cannot reason beyond them."
)
_LOOK_WINDOWS = ("lung", "soft tissue", "bone")
_PART_WINDOWS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("HEAD", "BRAIN", "SKULL"), ("brain", "subdural", "bone")),
    **dict.fromkeys(("ABDOMEN", "ABDOMENPELVIS", "PELVIS"), ("soft tissue", "bone")),
    "LIVER": ("liver", "soft tissue"),
}
_ASKED_AT_ONCE = 3  # questions of one round: one call of the vision model
_PASSAGES_FOR = 5


class OfflinePlanner(BaseChatModel):
    """Plans by rule. Deterministic: the same messages give the same calls.

    Bound with closing=True it looks and asks no more, and finishes with what there is.
    """

    about: str = ABOUT

    @property
    def _llm_type(self) -> str:
        return "hoofbeat-offline"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model_name": "offline"}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The tools are known by name; nothing needs to be told to a model."""
        return self.bind(tools=[getattr(t, "name", str(t)) for t in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = _next(Thread(messages), is_closing=bool(kwargs.get("closing")))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = _next(Thread(messages), is_closing=bool(kwargs.get("closing")))
        chunk = AIMessageChunk(
            content=answer.content,
            tool_call_chunks=[
                {
                    "name": call["name"],
                    "args": json.dumps(call["args"]),
                    "id": call["id"],
                    "index": index,
                    "type": "tool_call_chunk",
                }
                for index, call in enumerate(answer.tool_calls)
            ],
            response_metadata=answer.response_metadata,
            chunk_position="last",
        )
        made = ChatGenerationChunk(message=chunk)
        if run_manager:
            run_manager.on_llm_new_token(str(answer.content), chunk=made)
        yield made


def _next(thread: Thread, *, is_closing: bool) -> AIMessage:
    answered = "" if is_closing else follow_up(thread)
    if isinstance(answered, str) and answered:
        return _words(answered)
    if answered:
        return _calls(thread, "Looking that up", list(answered))
    seeing = [] if is_closing else _see(thread)
    if seeing:
        return _calls(thread, "Looking at the images", seeing)
    if not thread.weighed_last:
        return _calls(thread, "Searching and weighing", _weigh(thread, is_closing=is_closing))
    asking = [] if is_closing else _ask(thread)
    if asking:
        return _calls(thread, "Asking what tells the candidates apart", asking)
    weighed = (thread.answers("weigh_evidence", this_turn=True) or [{}])[-1]
    candidates = kept(weighed, thread)
    why_not = abstain(thread)
    if not why_not and not candidates:
        why_not = "no entry of the knowledge base fits the findings"
    if why_not and thread.is_chat and not thread.case.get("series") and not thread.findings():
        return _words(NO_CASE)
    if why_not:
        return _calls(thread, "Abstaining", [(SUBMIT, abstention(thread, why_not))])
    quoted = {p["disease_id"] for p in thread.passages()}
    missing = [c["disease_id"] for c in candidates[:_PASSAGES_FOR] if c["disease_id"] not in quoted]
    if missing and not any(
        a.get("disease_ids") for a in thread.called("search_knowledge", this_turn=True)
    ):
        arguments = {"query": _query(thread), "disease_ids": missing, "limit": len(missing)}
        return _calls(thread, "Reading up on the candidates", [("search_knowledge", arguments)])
    return _calls(thread, "Submitting", [(SUBMIT, submission(thread, weighed, candidates))])


def _weigh(thread: Thread, *, is_closing: bool) -> list[tuple[str, dict[str, Any]]]:
    calls: list[tuple[str, dict[str, Any]]] = [("weigh_evidence", {})]
    query = _query(thread)
    if query and not thread.called("search_knowledge", this_turn=True):
        calls.insert(0, ("search_knowledge", {"query": query, "limit": 8}))
    if _can_ask(thread) and not is_closing:
        calls.append(("next_question", {"count": _ASKED_AT_ONCE}))
    return calls


def _can_ask(thread: Thread) -> bool:
    """Whether somebody who sees the images answers; no more once a call of asking failed.

    A follow-up weighs anew what is known; it is no reason to look, unless it asked for that.
    """
    if thread.said and not thread.called("look", this_turn=True):
        return False
    return thread.has_vision and bool(thread.case.get("series")) and not thread.refused("ask")


def _ask(thread: Thread) -> list[tuple[str, dict[str, Any]]]:
    """The questions of the last next_question, unless it says to stop or they were asked."""
    if not _can_ask(thread):
        return []
    found = (thread.answers("next_question", this_turn=True) or [{}])[-1]
    if found.get("stop"):
        return []
    asked = {str(t) for a in thread.called("ask") for t in a.get("terms") or []}
    terms = [q["term"] for q in found.get("questions", []) if q["term"] not in asked]
    return [("ask", {"terms": terms})] if terms else []


def _see(thread: Thread) -> list[tuple[str, dict[str, Any]]]:
    measured = {str(a.get("series", "")) for a in thread.called("measure")}
    looked = {str(a.get("series", "")) for a in thread.called("look")}
    calls: list[tuple[str, dict[str, Any]]] = []
    series = thread.case.get("series", [])
    for one in series:
        is_ct_volume = one.get("kind") == "volume" and one.get("unit") == "HU"
        if is_ct_volume and one.get("spacing_mm") and one["id"] not in measured:
            calls.append(("measure", {"series": one["id"]}))
    if thread.has_vision:
        for one in series:
            if one["id"] not in looked:
                windows = _PART_WINDOWS.get(one.get("body_part", ""), _LOOK_WINDOWS)
                shown = list(windows) if one.get("unit") == "HU" else ["as displayed"]
                calls.append(("look", {"windows": shown, "series": one["id"]}))
    return calls


def _query(thread: Thread) -> str:
    names = [f["term"].replace("-", " ") for f in thread.findings() if f.get("present")]
    words = ", ".join(dict.fromkeys(names))
    return words or str(thread.case.get("history", ""))[:300]


def _words(said: str) -> AIMessage:
    return AIMessage(
        content=said, response_metadata={"model_name": "offline", "finish_reason": "STOP"}
    )


def _calls(thread: Thread, what: str, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> AIMessage:
    return AIMessage(
        content=f"{what} (offline planner, no language model).",
        tool_calls=[
            {
                "name": name,
                "args": dict(arguments),
                "id": f"call-{thread.number}-{index}",
                "type": "tool_call",
            }
            for index, (name, arguments) in enumerate(calls)
        ],
        response_metadata={"model_name": "offline", "finish_reason": "STOP"},
    )
