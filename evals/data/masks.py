"""Masks where nobody curated any: the names that the knowledge base has for the diagnosis.

They are masked and never scored with: a system must not bring its own answer key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from evals.data.dataset import EvalCase
from evals.matching.names import keys, keys_of
from evals.truth import Truth
from knowledge.entry import Entry


def with_masks(cases: Iterable[EvalCase], entries: Mapping[str, Entry]) -> tuple[EvalCase, ...]:
    """The cases; to a truth without a mask of its own the names of its entry are added as masks."""
    names_by_key: dict[str, tuple[str, ...]] = {}
    for entry in entries.values():
        names = (entry.name, *entry.synonyms)
        for key in keys_of(names):
            names_by_key[key] = (*names_by_key.get(key, ()), *names)
    return tuple(
        replace(case, truth=_masked(case.truth, names_by_key)) if lacks_masks(case) else case
        for case in cases
    )


def lacks_masks(case: EvalCase) -> bool:
    """Whether nobody has curated what gives its answer away."""
    return not (case.truth.curated and "mask" in case.truth.model_fields_set)


def _masked(truth: Truth, names_by_key: Mapping[str, tuple[str, ...]]) -> Truth:
    found = [
        name
        for right in (truth.primary, *truth.synonyms)
        for key in sorted(keys(right))
        for name in names_by_key.get(key, ())
    ]
    words = tuple(dict.fromkeys((*truth.mask_words, *found)))
    return truth.model_copy(update={"mask_words": words})
