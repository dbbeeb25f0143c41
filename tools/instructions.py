"""Sentences in a case's words that speak to a machine, not of a patient.

A request's words are weighed as evidence one by one, so an instruction smuggled into it would move
probabilities by its everyday words ("call", "line", "once"). Such sentences are not weighed. What
is not recognised here is still no more than words: nothing in a text is carried out by anybody.
"""

from __future__ import annotations

import re
import unicodedata

_SENTENCE = re.compile(r"[^.!?;\n]++(?:[.!?;](?!\s|$)[^.!?;\n]*+)*+[.!?;]*\s*|[.!?;]+\s*|\n+")
_OBEY = r"instructions?|rules?|prompts?|polic(?:y|ies)|guidelines?|orders?|commands?"
_MACHINE = r"model|planner|assistant|agent|ai|llm|chat-?bot|language model|system"
_TO_MACHINES = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (rf"\b(?:ignore|disregard|forget|override|bypass|violate)\b.{{0,60}}\b(?:{_OBEY})\b", re.I),
        (rf"\b(?:your|system|developer|hidden|secret)\s+(?:{_OBEY})\b", re.I),
        (rf"\b(?:note|message|instructions?)\s+(?:to|for)\s+(?:the\s+)?(?:\w+\s+)?(?:{_MACHINE})\b",
         re.I),
        (rf"\b(?:you are|act as|behave as|pretend to be)\b.{{0,40}}\b(?:{_MACHINE})\b", re.I),
        (r"\b(?:call|invoke|run|use)\b.{0,30}\b(?:tools?|functions?|api)\b", re.I),
        (r"\b[a-z]{3,}_[a-z]{3,}\b", 0),  # names of functions
        (r"^\s*(?:SYSTEM|ASSISTANT|DEVELOPER|Assistant|Developer|USER|HUMAN)\s*:", 0),
        (r"<\|?/?[a-z_]{2,}\|?>|\[/?INST\]|<!--|-->", 0),
        (r"\"\s*[}\]:,]+\s*[\"\[{]|[{\[]\s*\"|\"\s*[}\]]", 0),  # pieces of JSON
    )
)  # fmt: skip


def without_instructions(text: str) -> str:
    """The text without the sentences that address a machine; the others stay as they are."""
    return "".join(s for s in _SENTENCE.findall(text) if not is_instruction(s))


def is_instruction(sentence: str) -> bool:
    """Whether a sentence gives orders to a model, names a function, or imitates its markup."""
    plain = "".join(c for c in sentence if unicodedata.category(c) != "Cf")
    return any(pattern.search(plain) for pattern in _TO_MACHINES)
