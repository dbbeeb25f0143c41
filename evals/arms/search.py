"""Search alone: the case's words against the knowledge base, and the diseases that come first."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from threading import Lock

from agent.case import Case
from agent.knowledge_base import open_knowledge
from evals.arms.arm import Arm, Choice, Named, Prediction
from evals.arms.costs import FREE
from knowledge.search.fusion import FUSION

_NO_SOURCES = Path(os.devnull) / "none"  # what a person imported is not what is measured
_MOST = 10
BM25, DENSE = "words", "dense"


def search_arm(choice: Choice, *, using: str) -> Arm:
    """The ten diseases whose passages fit the findings and the history best, in search's order.

    Args:
        using: The one ranking of the hybrid search that counts.
    """
    if using not in FUSION:
        raise ValueError(f"search has no ranking {using!r}; there is {', '.join(FUSION)}")
    settings = choice.settings.model_copy(update={"sources_dir": _NO_SOURCES})
    knowledge = open_knowledge(settings)
    opening = Lock()

    def ranked(case: Case) -> Prediction:
        with opening:  # index and encoder open on first use, once
            versions = knowledge.versions()
        text = " ".join(filter(None, (case.findings_text, case.history)))
        found = knowledge.search(text, limit=_MOST, using=(using,))
        return Prediction(
            diagnoses=tuple(Named(name=knowledge.entries[p.disease_id].name) for p in found),
            versions=versions,
            costs=FREE,
        )

    async def predict(case: Case, seed: int) -> Prediction:
        return await asyncio.to_thread(ranked, case)

    encoder = {"encoder": settings.embedding_model} if using == DENSE else {}
    return Arm(predict=predict, config={"using": using, "most": _MOST, **encoder})


bm25_arm = partial(search_arm, using=BM25)
dense_arm = partial(search_arm, using=DENSE)
