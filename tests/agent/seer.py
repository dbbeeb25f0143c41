"""Eyes that see what a disease of the knowledge base mostly shows: any VisionModel has a place."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.entry import Entry
from knowledge.vocabulary import Vocabulary
from tools.vision.base import (
    Capabilities,
    ClosedQuestion,
    Reply,
    Request,
    VisionPrompt,
    YesNo,
)


class Seer:
    """Answers closed questions by an entry's frequencies, and counts how often it is called."""

    identity = "seer"
    capabilities = Capabilities(
        images_per_prompt=8, generates=False, guided_json=False, log_probabilities=True
    )

    def __init__(self, entry: Entry, vocabulary: Vocabulary) -> None:
        self._often = {
            vocabulary[f.term].name: f.frequency for f in entry.findings if f.term in vocabulary
        }
        self.calls = 0
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> tuple[Reply, ...]:
        raise NotImplementedError("this model does not write")

    def answer(
        self, prompt: VisionPrompt, questions: Sequence[ClosedQuestion]
    ) -> tuple[YesNo, ...]:
        self.calls += 1
        self.asked += [q.finding for q in questions]
        return tuple(
            YesNo(
                p_yes=0.95 if self._often.get(q.finding, 0.0) >= 0.5 else 0.05,
                how="log-probabilities",
            )
            for q in questions
        )
