"""The scorings of a run: the same list judged with more and more outside knowledge of names.

"curated" knows the curated truth alone. "kb" adds the knowledge base's own names, which are a
system's answer key: a figure with them never stands without the figure without them. "ontology"
adds, to the curated truth, the ontologies that the person gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from evals.matching.known import Disease, Known, know, words_of
from evals.matching.level import Judged
from evals.matching.levels import judge_list
from evals.matching.vocabulary import load_vocabulary
from evals.truth import Truth
from knowledge.entry import Entry

Scoring = Literal["curated", "kb", "ontology", "kb+ontology", "judge"]
Scorer = Callable[[Sequence[str], Truth], Judged]


def build_scorers(
    entries: Mapping[str, Entry], ontologies: Sequence[Known] = ()
) -> Mapping[Scoring, Scorer]:
    """One scorer for each scoring there is.

    Args:
        entries: The knowledge base's.
        ontologies: As evals.matching.ontology reads them; without any there is no scoring
            "ontology".
    """
    own = known_entries(entries)
    # How words are spelt is no answer key: every scoring knows it.
    lexicon = load_vocabulary().lexicon | words_of(own)
    scorer = partial(partial, judge_list, lexicon=lexicon)
    scorers: dict[Scoring, Scorer] = {"curated": scorer(), "kb": scorer(known=(own,))}
    if ontologies:
        scorers["ontology"] = scorer(known=tuple(ontologies))
        scorers["kb+ontology"] = scorer(known=(own, *ontologies))
    return scorers


def known_entries(entries: Mapping[str, Entry]) -> Known:
    """The knowledge base's names, exact and narrower; ambiguous ones stand for nothing."""
    return know(
        Disease(id=entry.id, names=(entry.name, *entry.synonyms), narrower=entry.narrower)
        for entry in entries.values()
    )
