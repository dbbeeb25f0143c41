"""The scorings of a run: the same list judged with more and more outside knowledge of names.

"curated" knows the curated truth alone. "kb" adds the knowledge base's own synonyms, which are a
system's answer key: a figure with them never stands without the figure without them. "ontology"
adds, to the curated truth, the ontologies that the person gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from evals.matching.levels import Judged, index_synonyms, judge_list
from evals.truth import Truth
from knowledge.entry import Entry

Scoring = Literal["curated", "kb", "ontology"]
Scorer = Callable[[Sequence[str], Truth], Judged]


def build_scorers(entries: Mapping[str, Entry]) -> Mapping[Scoring, Scorer]:
    """One scorer for each scoring there is.

    Args:
        entries: The knowledge base's.
    """
    own = index_synonyms([(entry.name, *entry.synonyms) for entry in entries.values()])
    return {"curated": judge_list, "kb": partial(judge_list, synonyms=own)}
