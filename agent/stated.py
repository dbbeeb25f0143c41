"""What a follow-up states about the patient, apart from what it asks or tells the agent to do."""

from __future__ import annotations

import re

from agent.corrections import TAKES_BACK

# A full stop inside a number ends no sentence.
_SENTENCE = re.compile(r"(?:[^.!?;\n]|\.(?=\d))+[.!?;\n]*")
_GREETING = re.compile(
    r"^\W*(?:yes|no|thanks?|thank\s+you|hello|hi|ok(?:ay)?|well|look|sorry|correction|and|but|so|"
    r"then|now|please)\b\s*[,:.!]\s*",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^\W*(?:yes|no|yep|nope|y|n|none|thanks?|thank\s+you|hello|hi|ok(?:ay)?|correct|maybe|"
    r"no\s+(?:thanks|thank\s+you|idea|more|further\s+\w+))\W*$",
    re.IGNORECASE,
)
_SUBJECT = r"(?:it|this|that|these|those|there|the|he|she|they|you|we|i|any|F\d)"
_ASKS = re.compile(
    r"^\W*(?:(?:and|but|so|then|now|please)\s+)?(?:"
    r"what|which|why|how|where|who|when|if|suppose|maybe|perhaps"
    rf"|(?:is|are|was|were|does|do|did|can|could|would|should|will|has|have)\s+{_SUBJECT}\b"
    r"|(?:compare|tell|list|give|explain|forget|ignore|drop|remove|retract|disregard|summari[sz]e|"
    r"repeat|check|ask|keep)\b"
    r"|(?:show|look)\s+(?:me|it|us|again|at|once|closer|for)\b"
    r"|go\s+on|continue\b"
    r"|i\s+(?:wonder|ask|am\s+asking|want\s+to\s+know|would\s+like)\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",\s*(?:and\s+|but\s+)?|\bbut\b|\band\b(?=\s+there\b)", re.IGNORECASE)
FINDING_ID = re.compile(r"\bF\s?(\d+)\b(?!-)", re.IGNORECASE)


def stated(said: str) -> str:
    """The sentences that say something of the patient: "No fever." stays, "Why the first?" goes.

    A word that was only asked for must not weigh as a word of the history. Of a sentence that
    speaks of a finding by its id only the clauses that do not are kept.
    """
    kept = [_statement(sentence) for sentence in _SENTENCE.findall(said)]
    return " ".join(sentence for sentence in kept if sentence)


def _statement(sentence: str) -> str:
    sentence = sentence.strip()
    if _BARE.match(sentence):
        return ""
    sentence = _GREETING.sub("", sentence).strip()
    if not sentence or sentence.endswith("?") or _BARE.match(sentence) or _ASKS.match(sentence):
        return ""
    if FINDING_ID.search(sentence) or TAKES_BACK.search(sentence):
        clauses = [c.strip() for c in _CLAUSE.split(sentence)]
        kept = [c for c in clauses if not FINDING_ID.search(c) and not TAKES_BACK.search(c)]
        return ", ".join(c for c in kept if len(c.split()) > 1 and not _ASKS.match(c))
    return sentence
