"""Findings that came with the case in words."""

from __future__ import annotations

from typing import Literal

from knowledge.reading.normalise import Normaliser, merge
from knowledge.vocabulary import Vocabulary
from tools.findings import Finding

_QUOTED = 160


def findings_from_text(
    text: str, source: Literal["report", "person"], normaliser: Normaliser, vocabulary: Vocabulary
) -> list[Finding]:
    """One finding for each vocabulary term that the text names, present or denied."""
    return [
        Finding(
            term=mention.term,
            name=vocabulary[mention.term].name,
            present=mention.present,
            certainty=mention.certainty,
            source=source,
            backend="text",
            side=mention.side,
            place=mention.place,
            value=mention.words[:_QUOTED],
        )
        for mention in merge(normaliser.mentions(text)).values()
    ]
