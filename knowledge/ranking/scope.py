"""What a study can show: the regions and systems that its words name, and its modalities.

A study of the head is no evidence against a disease of the foot; it was never going to show it. So
the ranking is conditional on the study: an entry counts by its system, by how much of what it
shows lies in the regions, and by whether it is seen in the modality at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry, System
from knowledge.phrases import longest_phrases
from knowledge.vocabulary import Vocabulary
from knowledge.words import forms

# ln weights: of an entry whose system is the one that such a study is made for, of one that it
# shows as well, and of one that is seen in its modality; fitted on MedPix's train split.
_MAIN = 2.0
_ALSO = 0.6
_SEEN_IN_MODALITY = 0.8
# The share of an entry's findings that lie in the regions counts with this exponent; one whose
# findings lie elsewhere keeps the floor. A finding of no region may lie in any.
_SHARE = 0.36
_SHARE_FLOOR = 0.03
_SHARE_OF_ANYWHERE = 0.3

_HEAD, _NECK, _CHEST, _BREAST, _SPINE, _LIMB = (
    frozenset({r}) for r in ("head", "neck", "chest", "breast", "spine", "limb")
)
_BELLY = frozenset({"abdomen", "pelvis"})
# Words of a request or of DICOM's Body Part Examined: regions, the systems that such a study is
# made for, and those that it shows as well. A phrase goes before the words in it.
_PLACES: tuple[tuple[str, frozenset[str], tuple[System, ...], tuple[System, ...]], ...] = (
    ("head and neck", _HEAD | _NECK, ("head and neck",), ("neuro", "spine")),
    ("head, brain, skull", _HEAD, ("neuro",), ("head and neck",)),
    (
        "orbit, eye, face, sinus, sinuses, paranasal sinuses, temporal bone, ear, jaw, mandible",
        _HEAD,
        ("head and neck",),
        ("neuro",),
    ),
    ("neck, thyroid, larynx, pharynx", _NECK, ("head and neck",), ("neuro", "spine")),
    ("thorax, chest, lung, mediastinum", _CHEST, ("thorax",), ("cardiovascular",)),
    ("heart, cardiac, coronary", _CHEST, ("cardiovascular",), ("thorax",)),
    ("aorta", _CHEST | _BELLY, ("cardiovascular",), ("thorax", "abdomen")),
    ("breast", _BREAST, ("breast",), ("thorax",)),
    (
        "abdomen, liver, pancreas, spleen, bowel, colon, stomach, gastrointestinal",
        _BELLY,
        ("abdomen",),
        ("genitourinary", "cardiovascular"),
    ),
    (
        "pelvis, kidney, renal, urinary, bladder, genitourinary, reproductive, uterus, ovary, "
        "prostate, scrotum, testis, obstetric",
        _BELLY,
        ("genitourinary",),
        ("abdomen", "musculoskeletal"),
    ),
    (
        "spine, cervical spine, thoracic spine, lumbar spine, cspine, tspine, lspine, sacrum",
        _SPINE,
        ("spine",),
        ("neuro", "musculoskeletal"),
    ),
    (
        "musculoskeletal, limb, extremity, shoulder, arm, elbow, wrist, hand, hip, leg, knee, "
        "ankle, foot, bone, joint",
        _LIMB | frozenset({"pelvis", "spine"}),
        ("musculoskeletal",),
        ("spine",),
    ),
)
_BY_WORDS = {forms(phrase): place for place in _PLACES for phrase in place[0].split(", ")}
_LONGEST = max(map(len, _BY_WORDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a study shows; all empty when nothing is known, and then every entry stays as it was."""

    regions: frozenset[str] = frozenset()
    main: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()


def scope_of(places: Iterable[str], modalities: Iterable[str] = ()) -> Scope:
    """The scope of a study.

    Args:
        places: What it is of, in plain words: "thorax", "urinary and reproductive system",
            "lumbar spine". Words that name no region are passed over.
        modalities: CT, XR, MR, US or NM.
    """
    named = [
        place for words in places for _, place in longest_phrases(forms(words), _BY_WORDS, _LONGEST)
    ]
    main = frozenset(system for _, _, systems, _ in named for system in systems)
    return Scope(
        regions=frozenset().union(*(regions for _, regions, _, _ in named)),
        main=main,
        also=frozenset(system for *_, systems in named for system in systems) - main,
        modalities=frozenset(m for m in modalities if m),
    )


class Visibility:
    """How well studies of each scope show each entry; rows in the order of the entries."""

    def __init__(self, entries: Sequence[Entry], vocabulary: Vocabulary) -> None:
        self._systems = np.array([entry.system for entry in entries])
        self._seen_in = {
            modality: np.array([any(f.modality == modality for f in e.findings) for e in entries])
            for modality in ("CT", "XR", "MR", "US", "NM")
        }
        self._shares = cache(lambda regions: _shares(entries, vocabulary, regions))

    def log_weights(self, scope: Scope) -> NDArray[np.float64]:
        """(entries,) ln weights, up to a constant."""
        weights = np.zeros(len(self._systems))
        if scope.regions:
            weights += _MAIN * np.isin(self._systems, list(scope.main))
            weights += _ALSO * np.isin(self._systems, list(scope.also))
            weights += _SHARE * np.log(_SHARE_FLOOR + self._shares(scope.regions))
        known = [self._seen_in[m] for m in scope.modalities if m in self._seen_in]
        if known:
            weights += _SEEN_IN_MODALITY * np.any(known, axis=0)
        return weights


def _shares(
    entries: Sequence[Entry], vocabulary: Vocabulary, regions: frozenset[str]
) -> NDArray[np.float64]:
    def share(entry: Entry) -> float:
        found = [
            (f.frequency, vocabulary[f.term].region if f.term in vocabulary else ())
            for f in entry.findings
        ]
        inside = sum(
            frequency * (_SHARE_OF_ANYWHERE if not where else float(not regions.isdisjoint(where)))
            for frequency, where in found
        )
        return inside / sum(frequency for frequency, _ in found)

    return np.array([share(entry) for entry in entries])
